"""What statements say of money that goes into OfflineLocks and comes out again."""

from dataclasses import dataclass, replace

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.addresses import OFFLINE_LOCKS
from contracts.declarations import encode_call
from contracts.movements import MovementKind, read_movements
from contracts.native.dispatch import find_function
from contracts.native.offline.contract import OFFLINE_LOCKS as CONTRACT
from contracts.offline.typed_data import lock_id, purse_id
from tests.contracts.ledger import ADMIN, ALICE, CAROL, EUR, MEMO
from tests.contracts.native.offline.till import (
    CLAIM_UNTIL_S,
    DEPOSIT,
    INVOICE,
    MEMBERS,
    PAYEE,
    PURSE,
    SEPARATOR,
    SPEND_UNTIL_S,
    TERMS,
    Till,
    hop,
    hop_tuple,
    released,
    signed,
    terms_of,
    voucher,
)

LOCK = lock_id(SEPARATOR, TERMS)
LOCKED, PAID, RETURNED = MovementKind.OFFLINE_LOCKED, MovementKind.OFFLINE_PAID, MovementKind.OFFLINE_RETURNED


@dataclass(frozen=True)
class Logged:
    """A log as receipts hold it."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


def moves(till: Till, caller: Address, name: str, *values: AbiValue) -> list[tuple[object, ...]]:
    """Call OfflineLocks and return kind, parties, amount and reference of what its logs tell."""
    data = encode_call(find_function(CONTRACT, name), *values)
    result, logs = till.ledger.run(caller, OFFLINE_LOCKS, data)
    assert result.success
    found = read_movements([Logged(*log) for log in logs], EUR)
    return [(one.kind, one.payer, one.payee, one.amount, one.reference) for one in found]


def test_a_lock_is_told_from_its_opening_to_its_refund(till: Till) -> None:
    opening = (terms_of(TERMS), DEPOSIT, SPEND_UNTIL_S, CLAIM_UNTIL_S)
    assert moves(till, ALICE, "open", *opening) == [(LOCKED, ALICE, OFFLINE_LOCKS, DEPOSIT, LOCK)]
    assert moves(till, ALICE, "topUp", terms_of(TERMS), 9) == [(LOCKED, ALICE, OFFLINE_LOCKS, 9, LOCK)]
    redeemed = moves(till, CAROL, "redeem", terms_of(TERMS), 700, INVOICE, voucher(700))
    assert redeemed == [(PAID, OFFLINE_LOCKS, PAYEE, 700, LOCK)]
    assert moves(till, CAROL, "redeem", terms_of(TERMS), 700, INVOICE, voucher(700)) == []
    till.at(CLAIM_UNTIL_S + 1)
    assert moves(till, CAROL, "refund", terms_of(TERMS)) == [(RETURNED, OFFLINE_LOCKS, ALICE, 4_309, LOCK)]


def test_a_release_tells_the_payees_part_from_the_payers(till: Till) -> None:
    values = (0, INVOICE, b"")
    till.opened()
    assert moves(till, ALICE, "release", terms_of(TERMS), 2_000, released(2_000), *values) == [
        (PAID, OFFLINE_LOCKS, PAYEE, 2_000, LOCK),
        (RETURNED, OFFLINE_LOCKS, ALICE, 3_000, LOCK),
    ]
    whole = replace(TERMS, open_nonce=1)
    name = lock_id(SEPARATOR, whole)
    till.opened(whole)
    signature = released(DEPOSIT, whole)
    assert moves(till, ALICE, "release", terms_of(whole), DEPOSIT, signature, *values) == [
        (PAID, OFFLINE_LOCKS, PAYEE, DEPOSIT, name)
    ]
    nothing = replace(TERMS, open_nonce=2)
    till.opened(nothing)
    assert moves(till, ALICE, "release", terms_of(nothing), 0, released(0, nothing), *values) == [
        (RETURNED, OFFLINE_LOCKS, ALICE, DEPOSIT, lock_id(SEPARATOR, nothing))
    ]


def test_a_payee_that_is_kept_back_leaves_the_payers_part_alone(till: Till) -> None:
    till.opened().denying(PAYEE)
    assert moves(till, ALICE, "release", terms_of(TERMS), 2_000, released(2_000), 0, INVOICE, b"") == [
        (RETURNED, OFFLINE_LOCKS, ALICE, 3_000, LOCK)
    ]


def test_a_purse_is_told_from_its_opening_to_its_end(till: Till) -> None:
    assert till.does(CAROL, "createClass", MEMBERS).error is None
    name = purse_id(SEPARATOR, PURSE)
    assert moves(till, ALICE, "openPurse", terms_of(PURSE)) == [(LOCKED, ALICE, OFFLINE_LOCKS, 4_000, name)]
    spend = hop(0, 700)
    claimed = moves(till, CAROL, "claim", terms_of(PURSE), hop_tuple(spend), signed(spend))
    assert claimed == [(PAID, OFFLINE_LOCKS, PAYEE, 700, name)]
    till.at(CLAIM_UNTIL_S + 1)
    assert moves(till, CAROL, "closePurse", terms_of(PURSE)) == [(RETURNED, OFFLINE_LOCKS, ALICE, 3_300, name)]


def test_what_was_held_is_paid_without_naming_a_lock(till: Till) -> None:
    till.opened().with_limits(incoming=999).redeems(1_000)
    assert moves(till, CAROL, "releaseHeld", EUR, PAYEE, 600) == [(PAID, OFFLINE_LOCKS, PAYEE, 600, None)]
    till.with_enforcer()
    assert moves(till, ADMIN, "enforceHeld", EUR, PAYEE, CAROL, 300, MEMO) == [(PAID, OFFLINE_LOCKS, CAROL, 300, None)]
