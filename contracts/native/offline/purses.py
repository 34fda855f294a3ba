"""COVERED purses: as much is locked as a whole class of payees could ever be shown.

A spend is the claim: whoever submits it, its payee is paid at once, up to its cap, in any order, so that no double
spend leaves anybody unpaid. Source: offline.md §4, §5.
"""

from dataclasses import replace
from typing import Final, TypeAlias

from consensus.primitives.scalars import ZERO_HASH, Address, Hash32
from contracts.declarations import declare_event, encode_event
from contracts.native.context import CallContext
from contracts.native.dispatch import Charge, FunctionTable
from contracts.native.errors import revert
from contracts.native.offline import prices
from contracts.native.offline.classes import class_size
from contracts.native.offline.custody import (
    pay_out,
    plan_deposit,
    plan_payout_to_payee,
    plan_return,
    require_currency,
    take_in,
)
from contracts.native.offline.errors import BAD_SIGNER, NOT_IN_CLASS, NOT_OWNER, naming_broken_rules
from contracts.native.offline.fraud import convict
from contracts.native.offline.prices import spend_for_signatures
from contracts.native.offline.records import (
    FLAGGED_BY_OWNER,
    check_times,
    flag_purse,
    flags_of,
    is_member,
    read_purse,
    require_not_blacklisted,
    require_open_nonce,
    require_purse,
    separator_of,
    use_open_nonce,
    write_purse,
)
from contracts.offline import purse_rules
from contracts.offline.errors import NotYetRefundable
from contracts.offline.lock_rules import OfflineWord
from contracts.offline.purse_rules import SignedHop, validate_hop, validate_purse_terms
from contracts.offline.slots import hop_paid_slot, paid_to_slot
from contracts.offline.typed_data import Hop, PurseTerms, purse_id

PurseTuple: TypeAlias = tuple[Address, Address, Address, int, int, int, int, int, int, int, int, Hash32, int, int]
"""PurseTerms as the ABI has them."""

HopTuple: TypeAlias = tuple[Hash32, Hash32, int, int, Address, bytes]
"""Hop as the ABI has it."""

_TERMS_TYPE: Final = (
    "(address,address,address,uint8,uint8,uint64,uint96,uint96,uint96,uint8,uint32,bytes32,uint32,uint32)"
)
TERMS: Final = f"{_TERMS_TYPE} terms"
"""owner, currency, signer, sigAlg, signerClass, openNonce, value, collateral, perPayee, maxHops, settleDelay,
acceptClass, spendUntil, claimUntil."""

HOP: Final = "(bytes32,bytes32,uint96,uint96,address,bytes8)"
"""purseId, parent, lo, hi, to, invoice."""

PURSE_OPENED: Final = declare_event(
    f"PurseOpened(bytes32 indexed purseId, address indexed owner, bytes32 indexed acceptClass, {TERMS})"
)
CLAIMED: Final = declare_event(
    "Claimed(bytes32 indexed purseId, address indexed to, bytes8 indexed invoice, bytes32 hopDigest, uint96 lo,"
    " uint96 hi, uint96 paid)"
)
PURSE_FLAGGED: Final = declare_event("PurseFlagged(bytes32 indexed purseId)")
PURSE_CLOSED: Final = declare_event("PurseClosed(bytes32 indexed purseId, uint96 returned)")
PURSE_EVENTS: Final = (PURSE_OPENED, CLAIMED, PURSE_FLAGGED, PURSE_CLOSED)

PURSES: Final = FunctionTable()


@PURSES.function("purseIdOf(" + TERMS + ")", returns="bytes32 purseId")
def purse_id_of(context: CallContext, terms: PurseTuple) -> Hash32:
    """Return the id of the purse with these terms, whether it was opened or not: their EIP-712 digest."""
    return purse_id(separator_of(context), PurseTerms(*terms))


@PURSES.function(
    "purseOf(bytes32 purseId)", returns="uint96 settled, uint96 deposit, uint32 spendUntil, uint32 claimUntil"
)
def purse_of(context: CallContext, purse: Hash32) -> tuple[int, int, int, int]:
    """Return a purse's word: zeros if there never was one, amounts 0 if it is closed."""
    word = read_purse(context, purse)
    return word.settled, word.deposit, word.spend_until_s, word.claim_until_s


@PURSES.function("purseFlags(bytes32 purseId)", returns="uint8 flags")
def purse_flags(context: CallContext, purse: Hash32) -> int:
    """Return a purse's flags: 1 its owner flagged it, 2 it was spent twice."""
    return flags_of(context, purse)


@PURSES.function("paidTo(bytes32 purseId, address payee)", returns="uint96 paid")
def paid_to(context: CallContext, purse: Hash32, payee: Address) -> int:
    """Return the minor units that a payee was paid from a purse."""
    return context.get_slot(paid_to_slot(purse, payee))


@PURSES.function(
    "openPurse(" + TERMS + ")",
    returns="bytes32 purseId",
    gas=prices.GAS_OPEN,
    work=prices.WORK_OPEN_PURSE,
    mutates=True,
)
@naming_broken_rules
def open_purse(context: CallContext, encoded: PurseTuple) -> Hash32:
    """Lock value and collateral of the caller for a class of payees.

    Reverts with NotOwner, AccountBlacklisted, UnknownCurrency, BadSigner, WrongOpenNonce, UnsupportedInThisVersion,
    UnknownSigAlg, BadClass, ZeroAmount, AmountTooLarge, NotCovered, SpendUntilPassed, GraceTooShort, LifeTooLong, and
    the errors of a payment that the owner makes.
    """
    terms = PurseTerms(*encoded)
    owner = terms.owner
    if context.caller != owner:
        raise revert(NOT_OWNER, context.caller, owner)
    require_not_blacklisted(context, owner)
    require_currency(context, terms.currency)
    if not any(terms.signer):
        raise revert(BAD_SIGNER, terms.signer)
    require_open_nonce(context, owner, terms.open_nonce)
    validate_purse_terms(terms, class_size=class_size(context, terms.accept_class))
    check_times(context, spend_until_s=terms.spend_until_s, claim_until_s=terms.claim_until_s)
    pot = terms.value + terms.collateral
    money = plan_deposit(context, terms.currency, owner, pot, payee=None)
    purse = purse_id(separator_of(context), terms)
    use_open_nonce(context, owner)
    write_purse(context, purse, OfflineWord(0, pot, terms.spend_until_s, terms.claim_until_s))
    take_in(context, money)
    context.emit(*encode_event(PURSE_OPENED, purse, owner, terms.accept_class, encoded))
    return purse


@PURSES.function(
    "claim(" + TERMS + f", {HOP} hop, bytes signature)",
    returns="uint96 paid",
    gas=prices.GAS_REDEEM,
    work=prices.WORK_CLAIM,
    mutates=True,
    is_metered=True,
)
@naming_broken_rules
def claim(context: CallContext, charge: Charge, encoded: PurseTuple, encoded_hop: HopTuple, signature: bytes) -> int:
    """Pay a spend's payee what is left of its cap, at once; anybody's call, to be repeated without harm.

    Returns the minor units paid, also into the payee's held sub-account; 0 for a spend paid before. Reverts with
    PurseNotFound, ClaimWindowClosed, OtherPurse, BadRange, NotInClass, UnknownSigAlg, HighS, BadSignature.
    """
    terms, hop = PurseTerms(*encoded), hop_of(encoded_hop)
    spend_for_signatures(charge, terms.sig_alg, count=1)
    separator = separator_of(context)
    purse = purse_id(separator, terms)
    word = require_purse(context, purse)
    paid_slot = paid_to_slot(purse, hop.to)
    paid_before = context.get_slot(paid_slot)
    paid = purse_rules.claim(terms, word, hop, paid_to=paid_before, now_s=context.block_timestamp_s)
    if not is_member(context, terms.accept_class, hop.to):
        raise revert(NOT_IN_CLASS, terms.accept_class, hop.to)
    digest = validate_hop(terms, purse, SignedHop(hop, signature), separator=separator)
    if context.get_slot(hop_paid_slot(digest)):
        paid = 0
    payout = plan_payout_to_payee(context, terms.currency, payer=terms.owner, payee=hop.to, amount=paid)
    settled = word.settled + paid
    assert settled <= word.deposit, "all payees to their caps are covered"
    context.set_slot(hop_paid_slot(digest), 1)
    context.set_slot(paid_slot, paid_before + paid)
    write_purse(context, purse, replace(word, settled=settled))
    pay_out(context, payout)
    context.emit(*encode_event(CLAIMED, purse, hop.to, hop.invoice, digest, hop.lo, hop.hi, paid))
    if settled > terms.value:
        # More than an honest owner has: some units were signed away twice, whichever they are.
        convict(context, purse, terms.owner, (ZERO_HASH, digest), claim_until_s=word.claim_until_s)
    return paid


@PURSES.function("flagPurse(" + TERMS + ")", gas=prices.GAS_FLAG, work=prices.WORK_FLAG, mutates=True)
@naming_broken_rules
def flag_lost_purse(context: CallContext, encoded: PurseTuple) -> None:
    """Warn payees of a purse whose device was lost; its owner's call, again does nothing. No claim is ever refused.

    Reverts with NotOwner, PurseNotFound.
    """
    terms = PurseTerms(*encoded)
    if context.caller != terms.owner:
        raise revert(NOT_OWNER, context.caller, terms.owner)
    purse = purse_id(separator_of(context), terms)
    word = require_purse(context, purse)
    if flags_of(context, purse) & FLAGGED_BY_OWNER:
        return
    flag_purse(context, purse, FLAGGED_BY_OWNER, expires_s=word.claim_until_s)
    context.emit(*encode_event(PURSE_FLAGGED, purse))


@PURSES.function(
    "closePurse(" + TERMS + ")",
    returns="uint96 returned",
    gas=prices.GAS_REFUND,
    work=prices.WORK_CLOSE_PURSE,
    mutates=True,
)
@naming_broken_rules
def close_purse(context: CallContext, encoded: PurseTuple) -> int:
    """Give the owner back what was not claimed in time; anybody's call.

    A blacklisted owner's waits in its held sub-account until it is cleared. What remains says that there was such a
    purse, so that a double spend can be proven for ever. Reverts with PurseNotFound, NotYetRefundable, EnforcedPause.
    """
    terms = PurseTerms(*encoded)
    purse = purse_id(separator_of(context), terms)
    word = require_purse(context, purse)
    if context.block_timestamp_s <= word.claim_until_s:
        raise NotYetRefundable(claim_until_s=word.claim_until_s, now_s=context.block_timestamp_s)
    payout = plan_return(context, terms.currency, terms.owner, word.left, waits_for_clearing=True)
    write_purse(context, purse, OfflineWord(0, 0, word.spend_until_s, word.claim_until_s))
    pay_out(context, payout)
    context.emit(*encode_event(PURSE_CLOSED, purse, word.left))
    return word.left


def hop_of(encoded: HopTuple) -> Hop:
    """Return a spend as the rules know it."""
    purse, parent, lo, hi, to, invoice = encoded
    return Hop(purse, lo, hi, to, invoice, parent)
