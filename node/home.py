"""Where everything of one node lies below its home: config, keys, data.

HOME/config/node.toml, HOME/config/genesis.json, HOME/keys/, HOME/data/. Keys made by a rotation lie in
HOME/keys/rotated-1/ and so on; nothing is moved when they come into force.
"""

from dataclasses import dataclass
from pathlib import Path

PRIVATE_FOLDER_MODE = 0o700
ROTATED_PREFIX = "rotated-"


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where one set of keys lies, and the sign guard that was born with its consensus key."""

    folder: Path
    guard_file: Path
    """What the consensus key has signed; never copied, restored or deleted."""

    @property
    def public_file(self) -> Path:
        """The public parts, in the clear."""
        return self.folder / "public.json"


@dataclass(frozen=True, slots=True)
class NodeHome:
    """The layout of one home."""

    root: Path

    @property
    def config_file(self) -> Path:
        return self.root / "config" / "node.toml"

    @property
    def genesis_file(self) -> Path:
        return self.root / "config" / "genesis.json"

    @property
    def keys_folder(self) -> Path:
        return self.root / "keys"

    @property
    def first_keys(self) -> KeyPlace:
        """The keys this home was made with."""
        return KeyPlace(self.keys_folder, self.data_folder / "signguard.log")

    def rotated_keys(self, number: int) -> KeyPlace:
        """The keys of the rotation `number`, from 1."""
        return KeyPlace(self.keys_folder / f"{ROTATED_PREFIX}{number}", self.data_folder / f"signguard-{number}.log")

    def key_places(self) -> list[KeyPlace]:
        """Return every set of keys that was completed, oldest first."""
        found = [self.first_keys]
        while self.rotated_keys(len(found)).public_file.exists():
            found.append(self.rotated_keys(len(found)))
        return found

    @property
    def passphrase_file(self) -> Path:
        """Of networks for development and rehearsal only; elsewhere the operator says where the passphrase is."""
        return self.root / "keys" / "passphrase"

    @property
    def data_folder(self) -> Path:
        return self.root / "data"

    @property
    def wal_folder(self) -> Path:
        """The write-ahead log's segments."""
        return self.data_folder / "wal"

    @property
    def log_file(self) -> Path:
        """What the node printed when a supervisor started it."""
        return self.root / "node.log"

    def create_folders(self) -> None:
        """Make the folders that do not exist; keys and data are for this user alone."""
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.keys_folder, self.data_folder):
            folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
