"""The file of API keys: who may ask how much. It holds digests, so whoever reads it can use no key.

Keys are 256 random bits, so a plain SHA-256 keeps them: there is nothing to guess.
"""

import hashlib
import re
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from node.rpc.rates import BURST_SECONDS

KEY_PREFIX = "sycee_"
"""Marks a key in a log or a repository, for those who search for leaked ones."""

KEY_BYTES = 32
KEYS_MAX = 10_000
"""Keys of one node: every till of a large bank. The file is then 2 MB, read in 0.1 s."""

KEY_FILE_BYTES_MAX = 4 * 1024 * 1024
RATE_MAX = 1_000_000
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

_MEMBERS = frozenset({"name", "sha256", "requests_per_s", "burst", "namespaces"})


class InvalidKeyFile(Exception):
    """The file of API keys cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"cannot use API keys of {path}: {reason}. `sycee-node rpc-key new --name NAME` adds one.")


@dataclass(frozen=True, slots=True)
class RpcKey:
    """One key, without its secret."""

    name: str
    digest: bytes
    """SHA-256 of the key as the client sends it."""
    requests_per_s: int
    """Units of node.rpc.rates; 0 for no limit."""
    burst: int
    namespaces: tuple[str, ...]
    """What it may call of what the node serves; empty for all."""


def digest_of(secret: str) -> bytes:
    """Return what the file holds of a key."""
    return hashlib.sha256(secret.encode()).digest()


def make_key(
    name: str, *, requests_per_s: int = 0, burst: int | None = None, namespaces: Sequence[str] = ()
) -> tuple[str, RpcKey]:
    """Return a new secret and its entry. Raises: ValueError for a name or number the file would not take."""
    secret = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    entry: dict[str, object] = {
        "name": name,
        "sha256": digest_of(secret).hex(),
        "requests_per_s": requests_per_s,
        "namespaces": list(namespaces),
    }
    if burst is not None:
        entry["burst"] = burst
    return secret, _read_entry(entry)


def read_keys(path: Path) -> tuple[RpcKey, ...]:
    """Return the keys of a file, none if it does not exist. Raises: InvalidKeyFile."""
    try:
        with path.open("rb") as file:
            content = file.read(KEY_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InvalidKeyFile(path, error.strerror or str(error)) from error
    if len(content) > KEY_FILE_BYTES_MAX:
        raise InvalidKeyFile(path, f"longer than {KEY_FILE_BYTES_MAX} bytes")
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidKeyFile(path, str(error)) from error
    entries = document.pop("key", [])
    if document or not isinstance(entries, list):
        raise InvalidKeyFile(path, "expected tables [[key]] and nothing else")
    if len(entries) > KEYS_MAX:
        raise InvalidKeyFile(path, f"{len(entries)} keys, at most {KEYS_MAX}")
    keys: dict[str, RpcKey] = {}
    for position, entry in enumerate(entries, 1):
        try:
            key = _read_entry(entry)
        except ValueError as error:
            raise InvalidKeyFile(path, f"key {position}: {error}") from error
        if key.name in keys:
            raise InvalidKeyFile(path, f"key {position}: the name {key.name} is taken")
        keys[key.name] = key
    return tuple(keys.values())


def render_keys(keys: Sequence[RpcKey]) -> str:
    """Return the file of `keys`."""
    return "\n".join(
        "[[key]]\n"
        f'name = "{key.name}"\n'
        f'sha256 = "{key.digest.hex()}"\n'
        f"requests_per_s = {key.requests_per_s}\n"
        f"burst = {key.burst}\n"
        f"namespaces = [{', '.join(map(_quoted, key.namespaces))}]\n"
        for key in keys
    )


def _read_entry(entry: object) -> RpcKey:
    if not isinstance(entry, dict):
        raise ValueError("expected a table")
    for member in entry:
        if member not in _MEMBERS:
            raise ValueError(f"unknown member {member}; known are {', '.join(sorted(_MEMBERS))}")
    name, digest = entry.get("name"), entry.get("sha256")
    if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
        raise ValueError(f"name is {name!r}, expected 1 to 64 of a–z, 0–9 and -")
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise ValueError(f"sha256 of {name} must be 64 hex digits")
    rate = _read_number(entry, "requests_per_s", 0, minimum=0)
    burst = _read_number(entry, "burst", max(1, rate * BURST_SECONDS), minimum=1)
    namespaces = entry.get("namespaces", [])
    if not isinstance(namespaces, list) or not all(isinstance(found, str) for found in namespaces):
        raise ValueError(f"namespaces of {name} must be a list of names")
    return RpcKey(name, bytes.fromhex(digest), rate, burst, tuple(namespaces))


def _read_number(entry: dict[str, object], member: str, default: int, *, minimum: int) -> int:
    value = entry.get(member, default)
    maximum = RATE_MAX * BURST_SECONDS
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise ValueError(f"{member} is {value!r}, expected an integer from {minimum} to {maximum}")
    return value


def _quoted(text: str) -> str:
    return f'"{text}"'
