"""Whatever happens, balances, held and parked amounts together are the supply, and no step loses a unit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.layout import FROZEN_ACCOUNTS_OFFSET_BITS, CurrencySlots
from contracts.native.genesis import AccountAmount, RoleGrant
from tests.contracts.ledger import ADMIN, ALICE, BOB, EUR, ISSUER, MEMO, DictionaryContext, Ledger, euro, genesis

PEOPLE = (ALICE, BOB, ISSUER)
ALL_ROLES = ("ISSUER_ROLE", "FREEZER_ROLE", "ENFORCER_ROLE", "PAUSER_ROLE", "UNPAUSER_ROLE")
IDS = tuple(bytes((number,)) * 32 for number in range(1, 4))
EXPIRES_S = DictionaryContext.block_timestamp_s + 100

SHAPES: dict[str, tuple[str, ...]] = {
    "transfer": ("to", "amount"),
    "transferBatch": ("pair", "amounts", "memos"),
    "mint": ("to", "amount", "memo"),
    "burn": ("amount", "memo"),
    "setFrozenTokens": ("to", "amount"),
    "forcedTransfer": ("other", "to", "amount"),
    "requestRedemption": ("amount", "memo"),
    "completeRedemption": ("number",),
    "rejectRedemption": ("number", "memo"),
    "cancelRedemption": ("number",),
    "createHold": ("id", "to", "other", "amount", "expires", "memo"),
    "executeHold": ("id", "amount"),
    "executeHoldAndRelease": ("id", "amount"),
    "releaseHold": ("id",),
    "pause": (),
    "unpause": (),
}

STEPS = st.tuples(
    st.sampled_from(tuple(SHAPES)),
    st.sampled_from(PEOPLE),
    st.sampled_from((*PEOPLE, ZERO_ADDRESS)),
    st.sampled_from(PEOPLE),
    st.integers(0, 60),
    st.integers(1, 3),
)


def small_euro() -> Ledger:
    """Return 150 euro in the hands of two, and every role with everybody."""
    roles = tuple(RoleGrant(role, who) for role in ALL_ROLES for who in PEOPLE)
    return Ledger(
        genesis(
            euro(
                admin=ADMIN,
                roles=roles,
                minters=(AccountAmount(ISSUER, 60), AccountAmount(ALICE, 60)),
                balances=(AccountAmount(ALICE, 100), AccountAmount(ISSUER, 50)),
            )
        )
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_balances_held_and_parked_are_the_supply_after_every_step(
    steps: list[tuple[str, Address, Address, Address, int, int]],
) -> None:
    ledger = small_euro()
    open_holds: dict[bytes, Address] = {}
    for name, who, to, other, amount, number in steps:
        named: dict[str, AbiValue] = {
            "to": to,
            "other": other,
            "amount": amount,
            "memo": MEMO,
            "pair": (to, other),
            "amounts": (amount, number),
            "memos": (MEMO, MEMO),
            "number": number,
            "id": IDS[number - 1],
            "expires": EXPIRES_S,
        }
        ledger.call(who, EUR, name, *(named[part] for part in SHAPES[name]))
        for hold_id in IDS:
            found = ledger.call(who, EUR, "holdOf", hold_id)
            if found.error is None:
                payer = found.values[0]
                assert isinstance(payer, bytes)
                open_holds[hold_id] = Address(payer)
        assert_conserved(ledger, open_holds)


def assert_conserved(ledger: Ledger, open_holds: dict[bytes, Address]) -> None:
    """Sum what every account has, part by part, and what its records say."""
    positions = {who: ledger.call(who, EUR, "positionOf", who).values for who in PEOPLE}
    total = sum(part for who in PEOPLE for part in numbers(positions[who][:2] + positions[who][3:4]))
    assert total == ledger.read(EUR, "totalSupply"), "money was made or lost"
    count = ledger.read(EUR, "redemptionCount")
    assert isinstance(count, int)
    requests = [ledger.call(ALICE, EUR, "redemptionOf", number).values for number in range(1, count + 1)]
    for who in PEOPLE:
        remaining = [
            ledger.call(who, EUR, "holdOf", hold_id).values[4] for hold_id, payer in open_holds.items() if payer == who
        ]
        assert positions[who][1] == sum(numbers(tuple(remaining)))
        assert positions[who][3] == sum(numbers(tuple(row[1] for row in requests if row[0] == who and row[4] == 1)))
    frozen = [position[2] for position in positions.values() if position[2]]
    zero_frozen = ledger.read(EUR, "getFrozenTokens", ZERO_ADDRESS)
    assert ledger.storage[EUR][CurrencySlots.FLAGS] >> FROZEN_ACCOUNTS_OFFSET_BITS == len(frozen) + bool(zero_frozen)


def numbers(values: tuple[AbiValue, ...]) -> list[int]:
    """Return values that are all numbers."""
    return [value for value in values if isinstance(value, int)]
