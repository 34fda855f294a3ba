"""What an operator sets for one node: `node.toml`, `SYCEE_…` in the environment, flags.

One rule for every key: `call_gas_max` of `[rpc]` is the flag `--rpc.call-gas-max` and `SYCEE_RPC_CALL_GAS_MAX` in the
environment; flag > environment > file > default. An unknown key is an error. Nothing two nodes must agree on is
ever read here: protocol timings and limits are on chain.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import TypeVar

ENVIRONMENT_PREFIX = "SYCEE_"
CONFIG_BYTES_MAX = 256 * 1024
"""Longest file read; a complete one is about 2 KiB."""
ORIGIN_PATTERN = r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?"
"""Scheme, host and port of a web page, as browsers send them: no path, no slash at the end."""
PORT_MAX = 65_535
MIB = 1024 * 1024
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1", "localhost")

Value = str | int | bool | tuple[str, ...]
"""What a setting can hold."""

T = TypeVar("T")


# ConfigError
# ├── UnreadableConfig        the file is missing, too long or not TOML
# ├── UnknownSetting          a section or key that does not exist
# ├── InvalidSetting          a value of the wrong type or out of bounds
# ├── IncompleteTls           a certificate without a key, or a key without a certificate
# ├── PublicDevAccounts       a node that signs for whoever asks would listen beyond this machine
# └── PublicRpcRefused        a validator's RPC would listen beyond this machine
class ConfigError(Exception):
    """The configuration cannot be used."""


class UnreadableConfig(ConfigError):
    """The file could not be read as TOML."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"cannot read {path}: {reason}. `sycee-node init --home DIR` writes a new one.")


class UnknownSetting(ConfigError):
    """A key that no node reads: most often a typing error."""

    def __init__(self, key: str, source: str) -> None:
        self.key = key
        self.source = source
        known = ", ".join(sorted(candidate for candidate in SETTINGS if candidate.startswith(key.split(".")[0] + ".")))
        hint = f"this section has {known}" if known else f"sections are {', '.join(sorted(_SECTIONS))}"
        super().__init__(f"unknown key {key} in {source}; {hint}")


class InvalidSetting(ConfigError):
    """A value that the key does not allow."""

    def __init__(self, key: str, source: str, *, found: object, expected: str) -> None:
        self.key = key
        self.source = source
        self.found = found
        self.expected = expected
        super().__init__(f"{key} from {source} is {found!r}, expected {expected}")


class PublicRpcRefused(ConfigError):
    """A validator must not answer strangers by accident."""

    def __init__(self, addr: str) -> None:
        self.addr = addr
        super().__init__(
            f"rpc.addr is {addr}: a validator answers only on {LOOPBACK_ADDRESSES[0]} unless rpc.allow_public is true; "
            "public RPC belongs on a follower"
        )


class PublicDevAccounts(ConfigError):
    """A node that signs for whoever asks must be asked by this machine only."""

    def __init__(self, addr: str) -> None:
        self.addr = addr
        super().__init__(
            f"rpc.addr is {addr} and rpc.dev_accounts is true: a node that signs for whoever asks listens only on "
            f"{LOOPBACK_ADDRESSES[0]}. Set one of them otherwise."
        )


class IncompleteTls(ConfigError):
    """TLS needs a certificate and its key."""

    def __init__(self) -> None:
        super().__init__("rpc.tls_cert and rpc.tls_key go together: set both for TLS, or neither")


class Origin(Enum):
    """Where a value came from, weakest first."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


def setting(
    default: T,
    meaning: str,
    *,
    choices: tuple[str, ...] = (),
    pattern: str = "",
    minimum: int = 0,
    maximum: int = 2**63 - 1,
) -> T:
    """Declare one key: its default, what it means, and what it may hold; `pattern` is for the items of a list."""
    metadata = {
        "meaning": meaning,
        "choices": choices,
        "pattern": pattern,
        "minimum": minimum,
        "maximum": maximum,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class NodeSection:
    """`[node]`: who this is."""

    role: str = setting("validator", "validator votes, follower only verifies", choices=("validator", "follower"))
    name: str = setting("node", "name on screens and in logs; for a validator the one in genesis")


@dataclass(frozen=True, slots=True)
class RpcSection:
    """`[rpc]`: JSON-RPC over HTTP and WebSocket."""

    addr: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(8545, "TCP port, for HTTP and WebSocket", minimum=1, maximum=PORT_MAX)
    ws_port: int = setting(0, "second port that serves the same, customarily 8546; 0 for none", maximum=PORT_MAX)
    allow_public: bool = setting(False, "a validator may listen beyond this machine")
    tls_cert: str = setting("", "PEM file with the certificate and its chain; relative to the home; empty for no TLS")
    tls_key: str = setting("", "PEM file with the key of the certificate, for its owner alone")
    cors_origins: tuple[str, ...] = setting(
        (), "web pages that may use this node, such as https://explorer.example", pattern=ORIGIN_PATTERN
    )
    keys_file: str = setting("config/rpc-keys.toml", "API keys (`sycee-node rpc-key`); read again when it changes")
    key_required: bool = setting(False, "answer nobody without an API key")
    anonymous_requests_per_s: int = setting(
        0, "units a second and address without a key (a plain read is 1, a trace 40); 0 for no limit"
    )
    api: tuple[str, ...] = setting(
        ("eth", "net", "web3", "sycee", "ots", "debug"),
        "namespaces served",
        choices=("eth", "net", "web3", "sycee", "ots", "debug", "txpool"),
    )
    dev_accounts: bool = setting(
        False, "sign for whoever asks with the ten public development keys; on a development network only"
    )
    call_gas_max: int = setting(50_000_000, "gas of one eth_call or estimate", minimum=21_000)
    call_timeout_ms: int = setting(2_000, "time of one eth_call or estimate", minimum=10, maximum=60_000)
    call_list_max: int = setting(100, "calls in one JSON-RPC list", minimum=1, maximum=10_000)
    request_bytes_max: int = setting(5 * MIB, "bytes of one request", minimum=64 * 1024)
    response_bytes_max: int = setting(25_000_000, "bytes of one response", minimum=64 * 1024)
    logs_range_blocks_max: int = setting(10_000, "blocks one eth_getLogs may span", minimum=1)
    logs_results_max: int = setting(10_000, "logs one eth_getLogs may return", minimum=1)


@dataclass(frozen=True, slots=True)
class OpsSection:
    """`[ops]`: health, status and metrics."""

    addr: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(9545, "TCP port", minimum=1, maximum=PORT_MAX)


@dataclass(frozen=True, slots=True)
class P2pSection:
    """`[p2p]`: the mesh listener; peers come from the validator registry."""

    addr: str = setting("0.0.0.0", "address to listen on")
    port: int = setting(25_545, "TCP port", minimum=1, maximum=PORT_MAX)


@dataclass(frozen=True, slots=True)
class MempoolSection:
    """`[mempool]`: bounds of waiting transactions."""

    transactions_max: int = setting(50_000, "transactions waiting", minimum=100)
    bytes_max: int = setting(128 * MIB, "bytes waiting", minimum=MIB)
    per_sender_max: int = setting(64, "transactions waiting of one sender", minimum=1, maximum=10_000)
    per_sender_gas_max: int = setting(500_000_000, "gas limits waiting of one sender, in all", minimum=30_000_000)
    gap_wait_ms: int = setting(60_000, "how long a transaction with a nonce gap is held", maximum=3_600_000)


@dataclass(frozen=True, slots=True)
class StorageSection:
    """`[storage]`: what this node keeps."""

    proof_window_blocks: int = setting(1_024, "heights for which eth_getProof answers", minimum=1, maximum=1_000_000)
    indexes: tuple[str, ...] = setting(
        ("logs", "addresses", "holders"),
        "indexes kept: logs, addresses (history, nonces, creators), holders; those missing are built at start",
        choices=("logs", "addresses", "holders"),
    )


@dataclass(frozen=True, slots=True)
class SignerSection:
    """`[signer]`: who holds the consensus key."""

    passphrase_file: str = setting("", "file or FIFO with the passphrase of the key files; relative to the home")


@dataclass(frozen=True, slots=True)
class LogSection:
    """`[log]`: what the node prints."""

    level: str = setting("info", "least severe level printed", choices=("debug", "info", "warn", "error"))
    format: str = setting("text", "text is key=value, json one object a line", choices=("text", "json"))
    file: str = setting("", "also append to this file; relative to the home; empty means none")


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Everything an operator can set."""

    node: NodeSection = field(default_factory=NodeSection)
    rpc: RpcSection = field(default_factory=RpcSection)
    ops: OpsSection = field(default_factory=OpsSection)
    p2p: P2pSection = field(default_factory=P2pSection)
    mempool: MempoolSection = field(default_factory=MempoolSection)
    storage: StorageSection = field(default_factory=StorageSection)
    signer: SignerSection = field(default_factory=SignerSection)
    log: LogSection = field(default_factory=LogSection)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as the tools see it."""

    key: str
    """section.name"""
    meaning: str
    default: Value
    choices: tuple[str, ...]
    pattern: str
    minimum: int
    maximum: int

    @property
    def flag(self) -> str:
        return "--" + self.key.replace("_", "-")

    @property
    def environment(self) -> str:
        return ENVIRONMENT_PREFIX + self.key.replace(".", "_").upper()


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration and where each of its values came from."""

    config: NodeConfig
    values: Mapping[str, Value]
    origins: Mapping[str, Origin]


_SECTIONS: dict[str, type] = {
    "node": NodeSection,
    "rpc": RpcSection,
    "ops": OpsSection,
    "p2p": P2pSection,
    "mempool": MempoolSection,
    "storage": StorageSection,
    "signer": SignerSection,
    "log": LogSection,
}


def _describe(section: str, declared: "Field[Value]") -> Setting:
    assert declared.default is not MISSING
    return Setting(key=f"{section}.{declared.name}", default=declared.default, **declared.metadata)


SETTINGS: dict[str, Setting] = {
    described.key: described
    for section, section_type in _SECTIONS.items()
    for described in (_describe(section, declared) for declared in fields(section_type))
}
"""Every key there is, in the order of the file."""


def load_config(path: Path | None, *, environment: Mapping[str, str], flags: Mapping[str, str]) -> LoadedConfig:
    """Return the configuration from the file at `path` (None: no file), `environment` and `flags` (key to text).

    Raises: UnreadableConfig, UnknownSetting, InvalidSetting, PublicRpcRefused, PublicDevAccounts, IncompleteTls.
    """
    values: dict[str, Value] = {key: described.default for key, described in SETTINGS.items()}
    origins = dict.fromkeys(SETTINGS, Origin.DEFAULT)
    if path is not None:
        for key, found in _read_file(path).items():
            values[key] = _typed(key, found, str(path))
            origins[key] = Origin.FILE
    for key, described in SETTINGS.items():
        if described.environment in environment:
            values[key] = _parsed(key, environment[described.environment], described.environment)
            origins[key] = Origin.ENVIRONMENT
    _reject_unknown_environment(environment)
    for key, text in flags.items():
        if key not in SETTINGS:
            raise UnknownSetting(key, "flags")
        values[key] = _parsed(key, text, SETTINGS[key].flag)
        origins[key] = Origin.FLAG
    config = _build(values)
    if config.node.role == "validator" and config.rpc.addr not in LOOPBACK_ADDRESSES and not config.rpc.allow_public:
        raise PublicRpcRefused(config.rpc.addr)
    if config.rpc.dev_accounts and config.rpc.addr not in LOOPBACK_ADDRESSES:
        raise PublicDevAccounts(config.rpc.addr)
    if bool(config.rpc.tls_cert) != bool(config.rpc.tls_key):
        raise IncompleteTls()
    return LoadedConfig(config=config, values=values, origins=origins)


def render_with_origins(loaded: LoadedConfig) -> str:
    """Return one line per key: the key, its value and where it came from."""
    width = max(len(key) + len(format_value(value)) for key, value in loaded.values.items()) + 3
    lines = (
        f"{f'{key} = {format_value(value)}':<{width}}  # {loaded.origins[key].value}"
        for key, value in loaded.values.items()
    )
    return "\n".join(lines) + "\n"


def render_toml(values: Mapping[str, Value]) -> str:
    """Return the text of a `node.toml` with `values` (key to value); keys left out keep their defaults.

    Raises: UnknownSetting.
    """
    for key in values:
        if key not in SETTINGS:
            raise UnknownSetting(key, "a new file")
    lines: list[str] = []
    for section in _SECTIONS:
        keys = [key for key in SETTINGS if key in values and key.split(".")[0] == section]
        if keys:
            lines.append(f"[{section}]")
            lines.extend(f"{key.split('.')[1]} = {format_value(values[key])}" for key in keys)
    return "\n".join(lines) + "\n"


def format_value(value: Value) -> str:
    """Return `value` as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "[" + ", ".join(format_value(item) for item in value) + "]"


def _read_file(path: Path) -> dict[str, object]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UnreadableConfig(path, error.strerror or str(error)) from error
    if len(text) > CONFIG_BYTES_MAX:
        raise UnreadableConfig(path, f"{len(text)} bytes, at most {CONFIG_BYTES_MAX}")
    try:
        content = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableConfig(path, str(error)) from error
    found: dict[str, object] = {}
    for section, keys in content.items():
        if section not in _SECTIONS or not isinstance(keys, dict):
            raise UnknownSetting(section, str(path))
        for name, value in keys.items():
            key = f"{section}.{name}"
            if key not in SETTINGS:
                raise UnknownSetting(key, str(path))
            found[key] = value
    return found


def _reject_unknown_environment(environment: Mapping[str, str]) -> None:
    """Find typing errors in variables of our sections; other `SYCEE_` variables belong to other programs."""
    known = {described.environment for described in SETTINGS.values()}
    for variable in sorted(environment):
        section, _, name = variable.removeprefix(ENVIRONMENT_PREFIX).partition("_")
        if variable.startswith(ENVIRONMENT_PREFIX) and section.lower() in _SECTIONS and variable not in known:
            raise UnknownSetting(f"{section}.{name}".lower(), f"the environment ({variable})")


def _typed(key: str, found: object, source: str) -> Value:
    """Check a value that already has a type, as TOML gives it."""
    described = SETTINGS[key]
    default = described.default
    if isinstance(default, bool):
        if not isinstance(found, bool):
            raise InvalidSetting(key, source, found=found, expected="true or false")
        return found
    if isinstance(default, int):
        if not isinstance(found, int) or isinstance(found, bool):
            raise InvalidSetting(key, source, found=found, expected="an integer")
        if not described.minimum <= found <= described.maximum:
            bounds = f"an integer from {described.minimum} to {described.maximum}"
            raise InvalidSetting(key, source, found=found, expected=bounds)
        return found
    if isinstance(default, str):
        if not isinstance(found, str) or (described.choices and found not in described.choices):
            expected = " or ".join(described.choices) or "a string"
            raise InvalidSetting(key, source, found=found, expected=expected)
        return found
    if not isinstance(found, list) or not all(_is_item(described, item) for item in found):
        expected = f"a list of {', '.join(described.choices) or described.pattern}"
        raise InvalidSetting(key, source, found=found, expected=expected)
    return tuple(str(item) for item in found)


def _is_item(described: Setting, item: object) -> bool:
    if described.pattern:
        return isinstance(item, str) and re.fullmatch(described.pattern, item) is not None
    return item in described.choices


def _parsed(key: str, text: str, source: str) -> Value:
    """Read a value that arrived as text, as flags and the environment give it."""
    default = SETTINGS[key].default
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise InvalidSetting(key, source, found=text, expected="true or false")
        return text == "true"
    if isinstance(default, int):
        digits = text.replace("_", "")
        if not digits.isascii() or not digits.isdigit():
            raise InvalidSetting(key, source, found=text, expected="an integer")
        return _typed(key, int(digits), source)
    if isinstance(default, str):
        return _typed(key, text, source)
    return _typed(key, [item.strip() for item in text.split(",") if item.strip()], source)


def _build(values: Mapping[str, Value]) -> NodeConfig:
    sections: dict[str, object] = {}
    for section, section_type in _SECTIONS.items():
        chosen = {name.split(".")[1]: value for name, value in values.items() if name.split(".")[0] == section}
        sections[section] = section_type(**chosen)
    build: Callable[..., NodeConfig] = NodeConfig
    return build(**sections)
