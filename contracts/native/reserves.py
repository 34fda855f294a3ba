"""What stands behind a currency: attestations of reserves, and the rule that nothing is minted without them.

An attestation is what an auditor found at a time; the ledger keeps the latest, the log keeps all. With the rule on, a
mint needs one that is young enough and covers the supply it leads to. Source: ledger.md §4.
"""

from typing import Final

from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    RESERVE_AMOUNT_BITS,
    RESERVE_AS_OF_OFFSET_BITS,
    RESERVE_MAX_AGE_OFFSET_BITS,
    CurrencySlots,
    read_packed,
    write_packed,
)
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_ISSUE, GAS_ROLE, WORK_ISSUE, WORK_ROLE, FunctionTable
from contracts.native.errors import revert
from contracts.native.roles import ATTESTOR_ROLE, DEFAULT_ADMIN_ROLE, require_role

RESERVES_MAX: Final = 2**RESERVE_AMOUNT_BITS - 1
"""Highest reserve that can be attested, minor units: no supply is higher."""

RESERVES_ATTESTED: Final = declare_event(
    "ReservesAttested(address indexed attestor, uint256 amount, uint64 asOf, bytes32 indexed documentHash)"
)
RESERVE_RULE_SET: Final = declare_event("ReserveRuleSet(uint64 maxAge)")
RESERVE_EVENTS: Final = (RESERVES_ATTESTED, RESERVE_RULE_SET)

RESERVES: Final = FunctionTable()


@RESERVES.function(
    "attestReserves(uint256 amount, uint64 asOf, bytes32 documentHash)", gas=GAS_ISSUE, work=WORK_ISSUE, mutates=True
)
def attest_reserves(context: CallContext, amount: int, as_of_s: int, document_hash: bytes) -> None:
    """Attest that reserves were `amount` minor units at `asOf` (seconds since the epoch); an attestor's call.

    Another attestation of the same time replaces it. Moves nothing, so a pause does not stop it. Reverts with
    ReservesTooHigh, AttestationFromFuture, and AttestationSuperseded if a later one is known.
    """
    require_role(context, ATTESTOR_ROLE)
    if amount > RESERVES_MAX:
        raise revert(errors.RESERVES_TOO_HIGH, amount, RESERVES_MAX)
    if as_of_s > context.block_timestamp_s:
        raise revert(errors.ATTESTATION_FROM_FUTURE, as_of_s, context.block_timestamp_s)
    word = context.get_slot(CurrencySlots.RESERVES)
    _, latest_s, max_age_s = _fields(word)
    if as_of_s < latest_s:
        raise revert(errors.ATTESTATION_SUPERSEDED, as_of_s, latest_s)
    changed = max_age_s << RESERVE_MAX_AGE_OFFSET_BITS | as_of_s << RESERVE_AS_OF_OFFSET_BITS | amount
    context.set_slot(CurrencySlots.RESERVES, changed)
    context.set_slot(CurrencySlots.RESERVE_DOCUMENT, int.from_bytes(document_hash, "big"))
    context.emit(*encode_event(RESERVES_ATTESTED, context.caller, amount, as_of_s, document_hash))


@RESERVES.function("setReserveRule(uint64 maxAge)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def set_reserve_rule(context: CallContext, max_age_s: int) -> None:
    """Let mints need an attestation at most `maxAge` seconds old that covers the supply; 0 asks for none.

    An admin's call.
    """
    require_role(context, DEFAULT_ADMIN_ROLE)
    word = context.get_slot(CurrencySlots.RESERVES)
    changed = write_packed(word, max_age_s, offset_bits=RESERVE_MAX_AGE_OFFSET_BITS, bits=64)
    context.set_slot(CurrencySlots.RESERVES, changed)
    context.emit(*encode_event(RESERVE_RULE_SET, max_age_s))


@RESERVES.function("reserveRule()", returns="uint64 maxAge")
def reserve_rule(context: CallContext) -> int:
    """Return how old an attestation may be for a mint, seconds; 0 if mints need none."""
    return _fields(context.get_slot(CurrencySlots.RESERVES))[2]


@RESERVES.function("reserves()", returns="uint256 amount, uint64 asOf, bytes32 documentHash")
def reserves(context: CallContext) -> tuple[int, int, bytes]:
    """Return the latest attestation; zeros if there was none."""
    amount, as_of_s, _ = _fields(context.get_slot(CurrencySlots.RESERVES))
    return amount, as_of_s, context.get_slot(CurrencySlots.RESERVE_DOCUMENT).to_bytes(32, "big")


def require_reserves(context: CallContext, amount: int) -> None:
    """Revert with AttestationAgedOut or ReservesExceeded if the rule is on and does not let `amount` be minted."""
    word = context.get_slot(CurrencySlots.RESERVES)
    attested, as_of_s, max_age_s = _fields(word)
    if not max_age_s:
        return
    now_s = context.block_timestamp_s
    if now_s - as_of_s > max_age_s:
        raise revert(errors.ATTESTATION_AGED_OUT, as_of_s, max_age_s, now_s)
    supply = context.get_slot(CurrencySlots.TOTAL_SUPPLY)
    if supply + amount > attested:
        raise revert(errors.RESERVES_EXCEEDED, attested, supply, amount)


def _fields(word: int) -> tuple[int, int, int]:
    """Return (amount, asOf, maxAge)."""
    return (
        read_packed(word, offset_bits=0, bits=RESERVE_AMOUNT_BITS),
        read_packed(word, offset_bits=RESERVE_AS_OF_OFFSET_BITS, bits=64),
        read_packed(word, offset_bits=RESERVE_MAX_AGE_OFFSET_BITS, bits=64),
    )
