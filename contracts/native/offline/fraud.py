"""Double spends of a purse: proof, blacklist, revocation log, and the governor's clearing.

Code confiscates nothing: nobody lost money, and a disk rolled back by accident looks the same. Source: offline.md §4,
§5.
"""

from typing import Final

from consensus.primitives.scalars import Address, Hash32
from contracts.declarations import declare_event, encode_event
from contracts.layout import read_packed
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable
from contracts.native.errors import revert
from contracts.native.offline import prices
from contracts.native.offline.errors import NOT_BLACKLISTED
from contracts.native.offline.records import (
    FLAGGED_AS_EQUIVOCATED,
    REVOCATION_EXPIRES_OFFSET_BITS,
    REVOCATION_KIND_OFFSET_BITS,
    REVOCATION_PREFIX_BYTES,
    blacklist,
    flag_purse,
    flags_of,
)
from contracts.native.offline.records import is_blacklisted as is_on_blacklist
from contracts.native.protocol_config import require_governor
from contracts.offline.slots import OfflineLocksSlots, blacklisted_since_slot, revocation_slot

EQUIVOCATION: Final = declare_event(
    "Equivocation(bytes32 indexed purseId, address indexed owner, bytes32 digestA, bytes32 digestB)"
)
CLEARED: Final = declare_event("Cleared(address indexed owner)")
FRAUD_EVENTS: Final = (EQUIVOCATION, CLEARED)

FRAUD: Final = FunctionTable()


@FRAUD.function("isBlacklisted(address account)", returns="bool")
def is_blacklisted(context: CallContext, account: Address) -> bool:
    """Tell whether an account spent a purse twice and was not cleared since."""
    return is_on_blacklist(context, account)


@FRAUD.function("revocationCount()", returns="uint256")
def revocation_count(context: CallContext) -> int:
    """Return the length of the revocation log."""
    return context.get_slot(OfflineLocksSlots.REVOCATIONS)


@FRAUD.function("revocationAt(uint256 index)", returns="uint8 kind, uint32 expires, bytes8 prefix")
def revocation_at(context: CallContext, index: int) -> tuple[int, int, bytes]:
    """Return an entry of the revocation log, from 0: kind 1 a purse's id, 2 an owner's address, their first 8 bytes.

    Reverts with IndexOutOfRange.
    """
    count = revocation_count(context)
    if index >= count:
        raise revert(errors.INDEX_OUT_OF_RANGE, index, count)
    word = context.get_slot(revocation_slot(index))
    prefix = read_packed(word, offset_bits=0, bits=REVOCATION_EXPIRES_OFFSET_BITS)
    expires_s = read_packed(word, offset_bits=REVOCATION_EXPIRES_OFFSET_BITS, bits=32)
    return word >> REVOCATION_KIND_OFFSET_BITS, expires_s, prefix.to_bytes(REVOCATION_PREFIX_BYTES, "big")


@FRAUD.function("clear(address owner)", gas=prices.GAS_FLAG, work=prices.WORK_CLEAR, mutates=True)
def clear(context: CallContext, owner: Address) -> None:
    """Take an owner off the blacklist; the governor's call. The event stays for ever, as does the purse's flag.

    Reverts with GovernorOnly, NotBlacklisted.
    """
    require_governor(context)
    if not is_on_blacklist(context, owner):
        raise revert(NOT_BLACKLISTED, owner)
    context.set_slot(blacklisted_since_slot(owner), 0)
    context.emit(*encode_event(CLEARED, owner))


def convict(
    context: CallContext, purse: Hash32, owner: Address, digests: tuple[Hash32, Hash32], *, claim_until_s: int
) -> None:
    """Flag a purse that was spent twice and blacklist its owner, once per purse, so that a cleared owner stays cleared.

    A digest that nobody knows is zero.
    """
    if flags_of(context, purse) & FLAGGED_AS_EQUIVOCATED:
        return
    flag_purse(context, purse, FLAGGED_AS_EQUIVOCATED, expires_s=claim_until_s)
    blacklist(context, owner)
    context.emit(*encode_event(EQUIVOCATION, purse, owner, *digests))
