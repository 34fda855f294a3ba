"""The small world of the money machine: who lives there, three currencies, and where every episode starts."""

from dataclasses import dataclass

from nacl.signing import SigningKey

from consensus.chain.genesis import GenesisCurrency, GenesisDocument, GenesisMinter, GenesisValidator
from consensus.primitives.scalars import Address, TimestampMs
from consensus.primitives.signatures import address_of_private_key
from contracts.addresses import currency_address
from node.execution.genesis_state import Genesis, build_genesis
from node.state.reader import FinalState
from node.storage.memory import MemoryStore
from tests.money.model.roles import ROLES
from tests.money.model.state import Money, State

CHAIN_ID = 23_790
GENESIS_S = 1_800_000_000
OPENING_MINOR = 10_000
MINTER_MINOR = 5_000
GENESIS_ROLES = ("ISSUER_ROLE", "MINT_CONTROLLER_ROLE", "PAUSER_ROLE", "UNPAUSER_ROLE", "DEFAULT_ADMIN_ROLE")


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who calls and signs."""

    private_key: bytes
    address: Address


def _actor(number: int) -> Actor:
    key = bytes((number,)) * 32
    return Actor(key, address_of_private_key(key))


ACTORS = tuple(_actor(number) for number in range(1, 11))
PRIVATE_KEYS: dict[bytes, bytes] = {actor.address: actor.private_key for actor in ACTORS}
ADDRESSES = tuple(actor.address for actor in ACTORS)
GOVERNOR, ADMIN = ADDRESSES[:2]
CUSTOMERS = ADDRESSES[2:8]
BANKS = ADDRESSES[8:]
STRANGER = Address(b"\x57" * 20)
"""Is paid, and never calls."""

CURRENCY_NAMES: dict[bytes, str] = {
    currency_address(1): "Euro",
    currency_address(2): "Yen",
    currency_address(3): "Dinar",
}
CURRENCIES = tuple(currency_address(number) for number in range(1, 4))


def build_world() -> Genesis:
    """Return the block that every episode builds on."""
    facts = (("EUR", "Euro", 2), ("JPY", "Yen", 0), ("KWD", "Dinar", 3))
    document = GenesisDocument(
        chain_id=CHAIN_ID,
        name="money",
        timestamp_ms=TimestampMs(GENESIS_S * 1000),
        governor=GOVERNOR,
        parameters=(),
        validators=(
            GenesisValidator(
                name="bank1",
                operator=Address(b"\xb1" * 20),
                consensus_key=point(1),
                tls_key=point(2),
                attestation_key=point(3),
                endpoints=("127.0.0.1:26001",),
            ),
        ),
        currencies=tuple(
            GenesisCurrency(
                code=code,
                name=name,
                decimals=decimals,
                admin=ADMIN,
                supply_cap_minor=0,
                minters=(GenesisMinter(ADMIN, MINTER_MINOR),),
                balances=tuple((address, OPENING_MINOR) for address in CUSTOMERS),
            )
            for code, name, decimals in facts
        ),
    )
    return build_genesis(document, FinalState(MemoryStore()))


def point(number: int) -> bytes:
    """Return a distinct key of 32 bytes that is an ed25519 point."""
    return bytes(SigningKey(bytes((number,)) * 32).verify_key)


def opening_state() -> State:
    """Return what the model knows of that block."""
    moneys: dict[bytes, Money] = {}
    for address in CURRENCIES:
        money = Money(address, supply=OPENING_MINOR * len(CUSTOMERS))
        money.balances = dict.fromkeys(CUSTOMERS, OPENING_MINOR)
        money.minters = {ADMIN: MINTER_MINOR}
        money.roles = {(ROLES[role], ADMIN): True for role in GENESIS_ROLES}
        moneys[address] = money
    return State(GOVERNOR, moneys)
