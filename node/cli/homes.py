"""The files of one node's home: where each is and how it is written. Never overwrites a file that exists.

HOME/config/node.toml, HOME/config/genesis.json, HOME/keys/, HOME/data/.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from node.cli.errors import CommandError, RefusedForSafety
from node.config import LoadedConfig, load_config
from node.home import NodeHome

PRIVATE_FILE_MODE = 0o600
PUBLIC_FILE_MODE = 0o644


class NotAHome(CommandError):
    """The folder does not hold a node."""

    def __init__(self, root: Path, missing: Path) -> None:
        self.root = root
        self.missing = missing
        super().__init__(
            f"{root} is not a node's home: {missing} is missing. `sycee-node init --home {root}` makes one."
        )


class ForeignFile(RefusedForSafety):
    """A file that would be written exists with another content."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} exists with another content; nothing was changed. Move it away or use another home.")


def load_home(root: Path, *, flags: Mapping[str, str]) -> LoadedConfig:
    """Return the configuration of the home at `root` under the present environment and `flags` (key to text).

    Raises: NotAHome, ConfigError.
    """
    home = NodeHome(root)
    for needed in (home.config_file, home.genesis_file):
        if not needed.is_file():
            raise NotAHome(root, needed)
    return load_config(home.config_file, environment=os.environ, flags=flags)


def write_once(path: Path, content: bytes, *, mode: int = PUBLIC_FILE_MODE) -> str:
    """Write `content` to `path` unless a file is there, and return `created PATH` or `found PATH`."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return f"found {path}"
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return f"created {path}"


def write_genesis(path: Path, text: bytes) -> str:
    """Write the genesis document `text` to `path` like `write_once`.

    Raises: ForeignFile when another genesis is there: this home belongs to another network.
    """
    said = write_once(path, text)
    if path.read_bytes() != text:
        raise ForeignFile(path)
    return said
