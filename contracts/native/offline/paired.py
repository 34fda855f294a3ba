"""PAIRED locks: money for one payee and one of its tills, spent by vouchers that say how much in all.

`redeem` and `refund` share out time exactly; nothing but the payee's own release ends a lock earlier. Source:
offline.md §3, §5.
"""

from typing import Final, TypeAlias

from consensus.primitives.scalars import ZERO_ADDRESS, Address, Hash32
from contracts.addresses import is_system_address
from contracts.declarations import declare_event, encode_event
from contracts.native.context import CallContext
from contracts.native.dispatch import Charge, FunctionTable
from contracts.native.errors import revert
from contracts.native.offline import prices
from contracts.native.offline.custody import (
    pay_out,
    plan_deposit,
    plan_payout_to_payee,
    plan_return,
    require_currency,
    take_in,
)
from contracts.native.offline.errors import BAD_PAYEE, BAD_SIGNER, NEEDS_VOUCHER, NOT_PAYER, naming_broken_rules
from contracts.native.offline.prices import spend_for_signatures
from contracts.native.offline.records import (
    check_times,
    delete_lock,
    read_lock,
    require_lock,
    require_open_nonce,
    separator_of,
    time_bounds,
    use_open_nonce,
    write_lock,
)
from contracts.offline import lock_rules
from contracts.offline.device_signatures import SECP256K1, SIGNATURE_BYTES, verify_device_signature
from contracts.offline.errors import UnknownSigAlg, ZeroAmount
from contracts.offline.lock_rules import OfflineWord
from contracts.offline.typed_data import LockTerms, lock_id, release_digest, voucher_digest

TermsTuple: TypeAlias = tuple[Address, Address, Address, Address, Address, int, int]
"""LockTerms as the ABI has them."""

TERMS: Final = "(address,address,address,address,address,uint8,uint64) terms"
"""payer, payee, till, currency, signer, sigAlg, openNonce."""

LOCK_OPENED: Final = declare_event(
    "LockOpened(bytes32 indexed lockId, address indexed payer, address indexed payee, address till, address currency,"
    " address signer, uint8 sigAlg, uint64 openNonce, uint96 deposit, uint32 spendUntil, uint32 claimUntil)"
)
LOCK_TOPPED_UP: Final = declare_event("LockToppedUp(bytes32 indexed lockId, uint96 deposit)")
LOCK_EXTENDED: Final = declare_event("LockExtended(bytes32 indexed lockId, uint32 spendUntil, uint32 claimUntil)")
REDEEMED: Final = declare_event(
    "Redeemed(bytes32 indexed lockId, address indexed payee, bytes8 indexed invoice, uint96 cumulative, uint96 paid)"
)
LOCK_RELEASED: Final = declare_event("LockReleased(bytes32 indexed lockId, uint96 paid, uint96 refunded)")
LOCK_REFUNDED: Final = declare_event("LockRefunded(bytes32 indexed lockId, uint96 refunded)")
PAIRED_EVENTS: Final = (LOCK_OPENED, LOCK_TOPPED_UP, LOCK_EXTENDED, REDEEMED, LOCK_RELEASED, LOCK_REFUNDED)

PAIRED: Final = FunctionTable()


@PAIRED.function("lockIdOf(" + TERMS + ")", returns="bytes32 lockId")
def lock_id_of(context: CallContext, terms: TermsTuple) -> Hash32:
    """Return the id of the lock with these terms, whether it was opened or not: their EIP-712 digest."""
    return lock_id(separator_of(context), LockTerms(*terms))


@PAIRED.function(
    "lockOf(bytes32 lockId)", returns="uint96 settled, uint96 deposit, uint32 spendUntil, uint32 claimUntil"
)
def lock_of(context: CallContext, lock: Hash32) -> tuple[int, int, int, int]:
    """Return a lock's word; zeros if there is none, or no more."""
    word = read_lock(context, lock)
    return word.settled, word.deposit, word.spend_until_s, word.claim_until_s


@PAIRED.function(
    "open(" + TERMS + ", uint96 deposit, uint32 spendUntil, uint32 claimUntil)",
    returns="bytes32 lockId",
    gas=prices.GAS_OPEN,
    work=prices.WORK_OPEN,
    mutates=True,
)
@naming_broken_rules
def open_lock(
    context: CallContext, encoded: TermsTuple, deposit: int, spend_until_s: int, claim_until_s: int
) -> Hash32:
    """Lock `deposit` of the caller for one payee, who accepts before `spendUntil` and redeems until `claimUntil`.

    Reverts with NotPayer, BadPayee, UnknownCurrency, BadSigner, UnknownSigAlg, WrongOpenNonce, ZeroAmount,
    SpendUntilPassed, GraceTooShort, LifeTooLong, and the errors of a payment from payer to payee.
    """
    terms = LockTerms(*encoded)
    _require_payer(context, terms)
    if terms.payee in (ZERO_ADDRESS, terms.payer) or is_system_address(terms.payee):
        raise revert(BAD_PAYEE, terms.payee)
    require_currency(context, terms.currency)
    if terms.signer == ZERO_ADDRESS:
        raise revert(BAD_SIGNER, terms.signer)
    if terms.sig_alg not in SIGNATURE_BYTES:
        raise UnknownSigAlg(terms.sig_alg)
    require_open_nonce(context, terms.payer, terms.open_nonce)
    if not deposit:
        raise ZeroAmount
    check_times(context, spend_until_s=spend_until_s, claim_until_s=claim_until_s)
    money = plan_deposit(context, terms.currency, terms.payer, deposit, payee=terms.payee)
    lock = lock_id(separator_of(context), terms)
    use_open_nonce(context, terms.payer)
    write_lock(context, lock, OfflineWord(0, deposit, spend_until_s, claim_until_s))
    take_in(context, money)
    parties = (terms.payer, terms.payee, terms.till, terms.currency, terms.signer)
    numbers = (terms.sig_alg, terms.open_nonce, deposit, spend_until_s, claim_until_s)
    context.emit(*encode_event(LOCK_OPENED, lock, *parties, *numbers))
    return lock


@PAIRED.function("topUp(" + TERMS + ", uint96 amount)", gas=prices.GAS_TOP_UP, work=prices.WORK_TOP_UP, mutates=True)
@naming_broken_rules
def top_up(context: CallContext, encoded: TermsTuple, amount: int) -> None:
    """Put more into a lock that can still be spent; the payer's call.

    Reverts with NotPayer, LockNotFound, ZeroAmount, SpendUntilPassed, AmountTooLarge, and the errors of a payment.
    """
    terms, lock = _terms(context, encoded)
    _require_payer(context, terms)
    word = lock_rules.top_up(require_lock(context, lock), amount_minor=amount, now_s=context.block_timestamp_s)
    money = plan_deposit(context, terms.currency, terms.payer, amount, payee=terms.payee)
    write_lock(context, lock, word)
    take_in(context, money)
    context.emit(*encode_event(LOCK_TOPPED_UP, lock, word.deposit))


@PAIRED.function(
    "extend(" + TERMS + ", uint32 spendUntil, uint32 claimUntil)",
    gas=prices.GAS_EXTEND,
    work=prices.WORK_EXTEND,
    mutates=True,
)
@naming_broken_rules
def extend(context: CallContext, encoded: TermsTuple, spend_until_s: int, claim_until_s: int) -> None:
    """Let a lock be spent and redeemed longer; the payer's call. No time ever shrinks.

    Reverts with NotPayer, LockNotFound, ClaimWindowClosed, TimesShrink, and what `open` says of times.
    """
    terms, lock = _terms(context, encoded)
    _require_payer(context, terms)
    grace_min_s, life_max_s = time_bounds(context)
    word = lock_rules.extend(
        require_lock(context, lock),
        spend_until_s=spend_until_s,
        claim_until_s=claim_until_s,
        now_s=context.block_timestamp_s,
        grace_min_s=grace_min_s,
        life_max_s=life_max_s,
    )
    write_lock(context, lock, word)
    context.emit(*encode_event(LOCK_EXTENDED, lock, spend_until_s, claim_until_s))


@PAIRED.function(
    "redeem(" + TERMS + ", uint96 cumulative, bytes8 invoice, bytes signature)",
    returns="uint96 paid",
    gas=prices.GAS_REDEEM,
    work=prices.WORK_REDEEM,
    mutates=True,
    is_metered=True,
)
@naming_broken_rules
def redeem(
    context: CallContext, charge: Charge, encoded: TermsTuple, cumulative: int, invoice: bytes, signature: bytes
) -> int:
    """Pay the payee what a voucher says beyond what it was paid; anybody's call, to be repeated without harm.

    Returns the minor units paid, also into the payee's held sub-account. Reverts with LockNotFound, ClaimWindowClosed,
    ExceedsDeposit, UnknownSigAlg, HighS, BadSignature.
    """
    terms, lock = _terms(context, encoded)
    spend_for_signatures(charge, terms.sig_alg, count=1)
    word, paid = lock_rules.redeem(require_lock(context, lock), cumulative=cumulative, now_s=context.block_timestamp_s)
    digest = voucher_digest(separator_of(context), lock=lock, cumulative=cumulative, invoice=invoice)
    verify_device_signature(digest, signature, signer=terms.signer, sig_alg=terms.sig_alg)
    payout = plan_payout_to_payee(context, terms.currency, payer=terms.payer, payee=terms.payee, amount=paid)
    write_lock(context, lock, word)
    pay_out(context, payout)
    context.emit(*encode_event(REDEEMED, lock, terms.payee, invoice, cumulative, paid))
    return paid


@PAIRED.function(
    "release(" + TERMS + ", uint96 cumulative, bytes payeeSignature, uint96 voucherCumulative, bytes8 voucherInvoice,"
    " bytes voucherSignature)",
    gas=prices.GAS_TWO_SIGNATURES,
    work=prices.WORK_RELEASE,
    mutates=True,
    is_metered=True,
)
@naming_broken_rules
def release(
    context: CallContext,
    charge: Charge,
    encoded: TermsTuple,
    cumulative: int,
    payee_signature: bytes,
    voucher_cumulative: int,
    voucher_invoice: bytes,
    voucher_signature: bytes,
) -> None:
    """End a lock before its time, as its payee signed: the payee gets all up to `cumulative`, the payer the rest.

    Anybody's call. What was not paid yet needs the payer as caller, or a voucher of as much. Reverts with LockNotFound,
    BelowSettled, ExceedsDeposit, HighS, BadSignature, NeedsVoucher, UnknownSigAlg, EnforcedPause.
    """
    terms, lock = _terms(context, encoded)
    word = require_lock(context, lock)
    paid, rest = lock_rules.release(word, cumulative=cumulative)
    separator = separator_of(context)
    digest = release_digest(separator, lock=lock, cumulative=cumulative)
    verify_device_signature(digest, payee_signature, signer=terms.payee, sig_alg=SECP256K1)
    if context.caller != terms.payer and paid:
        if voucher_cumulative < cumulative:
            raise revert(NEEDS_VOUCHER, cumulative)
        spend_for_signatures(charge, terms.sig_alg, count=1)
        digest = voucher_digest(separator, lock=lock, cumulative=voucher_cumulative, invoice=voucher_invoice)
        verify_device_signature(digest, voucher_signature, signer=terms.signer, sig_alg=terms.sig_alg)
    to_payee = plan_payout_to_payee(context, terms.currency, payer=terms.payer, payee=terms.payee, amount=paid)
    to_payer = plan_return(context, terms.currency, terms.payer, rest)
    delete_lock(context, lock)
    pay_out(context, to_payee)
    pay_out(context, to_payer)
    context.emit(*encode_event(LOCK_RELEASED, lock, paid, rest))


@PAIRED.function(
    "refund(" + TERMS + ")",
    returns="uint96 refunded",
    gas=prices.GAS_REFUND,
    work=prices.WORK_REFUND,
    mutates=True,
)
@naming_broken_rules
def refund(context: CallContext, encoded: TermsTuple) -> int:
    """Give the payer back what was not redeemed in time; anybody's call.

    Reverts with LockNotFound, NotYetRefundable, EnforcedPause.
    """
    terms, lock = _terms(context, encoded)
    rest = lock_rules.refund(require_lock(context, lock), now_s=context.block_timestamp_s)
    payout = plan_return(context, terms.currency, terms.payer, rest)
    delete_lock(context, lock)
    pay_out(context, payout)
    context.emit(*encode_event(LOCK_REFUNDED, lock, rest))
    return rest


def _terms(context: CallContext, encoded: TermsTuple) -> tuple[LockTerms, Hash32]:
    terms = LockTerms(*encoded)
    return terms, lock_id(separator_of(context), terms)


def _require_payer(context: CallContext, terms: LockTerms) -> None:
    if context.caller != terms.payer:
        raise revert(NOT_PAYER, context.caller, terms.payer)
