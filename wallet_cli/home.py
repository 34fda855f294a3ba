"""Where the wallet keeps things, what its configuration says, and which networks it knows.

`--home DIR` puts everything under DIR; without it the XDG folders of the user are used. Nothing secret is in
these files.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from consensus.primitives.scalars import Hash32
from wallet_cli.errors import UsageRefused
from wallet_cli.files import make_private_folder, read_small, write_private

NETWORK_SCHEMA: Final = "sycee-network/1"
ENDPOINTS_MAX: Final = 16
"""Endpoints of one network; every online command asks each for its head, so more would only be slower."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one wallet."""

    config: Path
    """config.toml and networks/."""
    data: Path
    """keys/, contacts.json and one folder per network."""
    state: Path
    """What must not travel with a copy of `data`: the guards of offline stores."""

    @property
    def config_file(self) -> Path:
        """Preferences."""
        return self.config / "config.toml"

    @property
    def keys(self) -> Path:
        """Keystores, one file per name."""
        return self.data / "keys"

    @property
    def contacts_file(self) -> Path:
        """Names of others."""
        return self.data / "contacts.json"

    @property
    def incident_log(self) -> Path:
        """Where internal errors are written, without amounts, keys or memos."""
        return self.data / "wallet.log"

    @property
    def restore_mark(self) -> Path:
        """There while a restore is under way: nothing else may use the home then."""
        return self.data / ".restoring"

    def network_file(self, name: str) -> Path:
        """Chain id, trust root and endpoints of a network."""
        return self.config / "networks" / f"{name}.toml"

    def network_data(self, name: str) -> Path:
        """Trust store and outbox of a network."""
        return self.data / name

    def offline_guard(self, name: str) -> Path:
        """By which a copy or an old backup of a network's offline store is recognized."""
        return self.state / name / "offline-guard.json"

    @property
    def policy_file(self) -> Path:
        """Limits of what is accepted offline."""
        return self.config / "policy.toml"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What config.toml says; empty means not set."""

    network: str = ""
    """Network used when `--network` is not given."""
    account: str = ""
    """Account used when `--from` is not given."""
    password_file: str = ""
    """File with the password of all keys: for development homes that must ask nothing."""


@dataclass(frozen=True, slots=True)
class Network:
    """What networks/NAME.toml says: the trust root and where to ask."""

    name: str
    chain_id: int
    document_hash: Hash32
    """SHA-256 of the genesis document; stands in the genesis header."""
    validator_set: bytes
    """Payload of epoch 0's validator set, to which the genesis header commits."""
    endpoints: tuple[str, ...]
    """URLs of JSON-RPC, in the order to be asked."""
    accepted_ms: int
    """When the user accepted this trust root: the trust period begins here."""


def open_home(directory: str | None, environment: Mapping[str, str]) -> Home:
    """Return the folders for `--home`, or those of the XDG base directories."""
    if directory:
        root = Path(directory).expanduser()
        return Home(config=root, data=root, state=root / "state")
    user = Path(environment.get("HOME", os.path.expanduser("~")))
    config = Path(environment.get("XDG_CONFIG_HOME") or user / ".config") / "sycee"
    data = Path(environment.get("XDG_DATA_HOME") or user / ".local" / "share") / "sycee"
    state = Path(environment.get("XDG_STATE_HOME") or user / ".local" / "state") / "sycee"
    return Home(config=config, data=data, state=state)


def validate_name(name: str, what: str) -> str:
    """Return `name` if it can name a file of the wallet. Raises: UsageRefused."""
    if not _NAME.fullmatch(name):
        raise UsageRefused(
            f"{name!r} cannot be the name of {what}",
            why="names are up to 32 of a–z, 0–9, dot, dash and underscore, and begin with a letter or digit",
            next_step="choose a name like alice",
            code="NAME_INVALID",
        )
    return name


def load_preferences(home: Home) -> Preferences:
    """Return config.toml, or the defaults if there is none. Raises: UsageRefused."""
    try:
        content = load_toml(home.config_file)
    except FileNotFoundError:
        return Preferences()
    known = {field.name for field in fields(Preferences)}
    for key, value in content.items():
        if key not in known or not isinstance(value, str):
            raise _broken(home.config_file, f"{key} = {value!r} is unknown; keys are {', '.join(sorted(known))}")
    return Preferences(**{key: str(value) for key, value in content.items()})


def save_preferences(home: Home, preferences: Preferences) -> None:
    """Write config.toml."""
    make_private_folder(home.config)
    lines = [
        f"{field.name} = {_quoted(getattr(preferences, field.name))}\n"
        for field in fields(Preferences)
        if getattr(preferences, field.name)
    ]
    write_private(home.config_file, "".join(lines).encode())


def load_network(home: Home, name: str) -> Network:
    """Return the network called `name`. Raises: UsageRefused if it is unknown or its file is broken."""
    path = home.network_file(validate_name(name, "a network"))
    try:
        content = load_toml(path)
    except FileNotFoundError as error:
        raise UsageRefused(
            f"the wallet knows no network {name!r}",
            why=f"{path} does not exist",
            next_step=f"sycee init --network {name} --genesis genesis.json --rpc URL",
            code="NETWORK_UNKNOWN",
        ) from error
    try:
        if content["schema"] != NETWORK_SCHEMA:
            raise ValueError(f"schema is {content['schema']!r}, expected {NETWORK_SCHEMA!r}")
        endpoints = content["endpoints"]
        chain_id, accepted_ms = content["chain_id"], content["accepted_ms"]
        if not isinstance(endpoints, list) or not isinstance(chain_id, int) or not isinstance(accepted_ms, int):
            raise ValueError("endpoints must be a list, chain_id and accepted_ms integers")
        return Network(
            name=name,
            chain_id=chain_id,
            document_hash=Hash32(_unhex(content["document_hash"])),
            validator_set=_unhex(content["validator_set"]),
            endpoints=validate_endpoints(tuple(str(endpoint) for endpoint in endpoints)),
            accepted_ms=accepted_ms,
        )
    except KeyError as error:
        raise _broken(path, f"{error.args[0]} is missing") from error
    except ValueError as error:
        raise _broken(path, str(error)) from error


def save_network(home: Home, network: Network) -> None:
    """Write networks/NAME.toml."""
    path = home.network_file(network.name)
    make_private_folder(path.parent)
    endpoints = ", ".join(_quoted(endpoint) for endpoint in network.endpoints)
    text = (
        f"schema = {_quoted(NETWORK_SCHEMA)}\n"
        f"chain_id = {network.chain_id}\n"
        f"document_hash = {_quoted('0x' + network.document_hash.hex())}\n"
        f"validator_set = {_quoted('0x' + network.validator_set.hex())}\n"
        f"endpoints = [{endpoints}]\n"
        f"accepted_ms = {network.accepted_ms}\n"
    )
    write_private(path, text.encode())


def list_networks(home: Home) -> list[str]:
    """Return the names of all networks, sorted."""
    return sorted(path.stem for path in (home.config / "networks").glob("*.toml"))


def validate_endpoints(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    """Return `endpoints` if all are HTTP URLs and there are 1 to ENDPOINTS_MAX. Raises: UsageRefused."""
    for endpoint in endpoints:
        if not endpoint.startswith(("http://", "https://")):
            raise UsageRefused(
                f"{endpoint!r} is no endpoint",
                why="an endpoint is a URL that begins with http:// or https://",
                next_step="give it as --rpc http://HOST:PORT",
                code="ENDPOINT_INVALID",
            )
    if not 0 < len(endpoints) <= ENDPOINTS_MAX:
        raise UsageRefused(
            f"{len(endpoints)} endpoints given, 1 to {ENDPOINTS_MAX} are needed",
            why="two or more show a node that lags or lies",
            next_step="give one or more --rpc URL",
            code="ENDPOINT_INVALID",
        )
    return endpoints


def load_toml(path: Path) -> dict[str, object]:
    """Return what a file of preferences says. Raises: UsageRefused if it is broken, FileNotFoundError."""
    try:
        return tomllib.loads(read_small(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _broken(path, str(error)) from error


def _unhex(value: object) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(f"{value!r} does not begin with 0x")
    return bytes.fromhex(value[2:])


def _quoted(text: str) -> str:
    """Return `text` as a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(f"\\u{ord(mark):04x}" if ord(mark) < 32 or ord(mark) == 127 else mark for mark in escaped) + '"'
    )


def _broken(path: Path, detail: str) -> UsageRefused:
    return UsageRefused(
        f"{path} cannot be used: {detail}",
        why="the wallet guesses nothing about a configuration it does not understand",
        next_step=f"correct {path}, or move it away and run sycee init",
        code="CONFIG_INVALID",
    )
