"""The public development accounts: what the mnemonic "test test … test junk" gives.

Developers' tools know these keys, so everybody does. Never give them anything of value.
"""

from dataclasses import dataclass

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from consensus.primitives.signatures import SECP256K1_ORDER, address_of_private_key

DEV_MNEMONIC = "test test test test test test test test test test test junk"
DEV_PRIVATE_KEYS = (
    bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    bytes.fromhex("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    bytes.fromhex("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    bytes.fromhex("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    bytes.fromhex("8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    bytes.fromhex("92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    bytes.fromhex("4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    bytes.fromhex("dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    bytes.fromhex("2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
)
"""Private keys at m/44'/60'/0'/0/0 to 9."""

DEV_KEYS = {address_of_private_key(private_key): private_key for private_key in DEV_PRIVATE_KEYS}
"""The same by address."""

DERIVATION_DOMAIN = b"sycee-devnet-key/1"
"""Separates derived development keys from every other use of the mnemonic."""


@dataclass(frozen=True, slots=True)
class DevAccount:
    """A development account with a name people type."""

    name: str
    private_key: bytes
    address: Address


def _account(name: str, private_key: bytes) -> DevAccount:
    return DevAccount(name=name, private_key=private_key, address=address_of_private_key(private_key))


ALICE = _account("alice", DEV_PRIVATE_KEYS[0])
BOB = _account("bob", DEV_PRIVATE_KEYS[1])
CAROL = _account("carol", DEV_PRIVATE_KEYS[2])
ISSUER = _account("issuer", DEV_PRIVATE_KEYS[8])
"""May mint every currency of a development network."""
GOVERNOR = _account("governor", DEV_PRIVATE_KEYS[9])
"""Creates currencies and administers them."""

PEOPLE = (ALICE, BOB, CAROL)
"""Funded in every currency, and in the wallet."""


NAMED = (*PEOPLE, ISSUER, GOVERNOR)
"""In the wallet of a development network, so that `sycee admin` works there at once."""


def derived_private_key(label: str) -> bytes:
    """Return the development key of `label`, the same on every development network: a keccak-256 that is valid."""
    candidate = keccak256(DERIVATION_DOMAIN + DEV_MNEMONIC.encode() + b"\x00" + label.encode())
    # One in 2^128 hashes is not a key; hashing again finds one at once.
    while not 0 < int.from_bytes(candidate, "big") < SECP256K1_ORDER:
        candidate = keccak256(candidate)
    return candidate


def derived_account(label: str) -> DevAccount:
    """Return the development account of `label`, for instance an operator or a bank of the demo."""
    return _account(label, derived_private_key(label))


def checksum_address(address: Address) -> str:
    """Return the address as people and tools show it (EIP-55)."""
    digits = address.hex()
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(digit.upper() if int(digest[place], 16) >= 8 else digit for place, digit in enumerate(digits))
