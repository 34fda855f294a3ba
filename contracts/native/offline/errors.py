"""What OfflineLocks refuses, by name, and how a broken rule becomes the error of that name.

The rules themselves are in contracts/offline, where wallets use them too; nothing is decided here. Amounts are minor
units, times seconds since the epoch. Source: offline.md §5.
"""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from contracts.declarations import declare_error
from contracts.native import errors
from contracts.native.context import NativeRevert
from contracts.native.errors import revert
from contracts.offline import errors as rules

NOT_PAYER: Final = declare_error("NotPayer(address caller, address payer)")
NOT_OWNER: Final = declare_error("NotOwner(address caller, address owner)")
BAD_PAYEE: Final = declare_error("BadPayee(address payee)")
BAD_SIGNER: Final = declare_error("BadSigner(address signer)")
UNKNOWN_SIG_ALG: Final = declare_error("UnknownSigAlg(uint8 sigAlg)")
WRONG_OPEN_NONCE: Final = declare_error("WrongOpenNonce(uint64 expected, uint64 given)")
AMOUNT_TOO_LARGE: Final = declare_error("AmountTooLarge(uint256 amount, uint256 highest)")
SPEND_UNTIL_PASSED: Final = declare_error("SpendUntilPassed(uint32 spendUntil, uint256 now)")
GRACE_TOO_SHORT: Final = declare_error("GraceTooShort(uint256 min)")
LIFE_TOO_LONG: Final = declare_error("LifeTooLong(uint256 max)")
LOCK_NOT_FOUND: Final = declare_error("LockNotFound(bytes32 lockId)")
PURSE_NOT_FOUND: Final = declare_error("PurseNotFound(bytes32 purseId)")
CLAIM_WINDOW_CLOSED: Final = declare_error("ClaimWindowClosed(uint32 claimUntil)")
NOT_YET_REFUNDABLE: Final = declare_error("NotYetRefundable(uint32 claimUntil)")
EXCEEDS_DEPOSIT: Final = declare_error("ExceedsDeposit(uint96 deposit)")
BELOW_SETTLED: Final = declare_error("BelowSettled(uint96 settled)")
TIMES_SHRINK: Final = declare_error("TimesShrink(uint32 current, uint32 given)")
BAD_SIGNATURE: Final = declare_error("BadSignature(address signer)")
HIGH_S: Final = declare_error("HighS()")
NEEDS_VOUCHER: Final = declare_error("NeedsVoucher(uint96 cumulative)")
BAD_CLASS: Final = declare_error("BadClass(uint256 size, address member)")
NOT_IN_CLASS: Final = declare_error("NotInClass(bytes32 classId, address account)")
NOT_COVERED: Final = declare_error("NotCovered(uint256 needed, uint256 locked)")
UNSUPPORTED_IN_THIS_VERSION: Final = declare_error("UnsupportedInThisVersion(string field)")
BAD_RANGE: Final = declare_error("BadRange(uint96 lo, uint96 hi, uint96 value)")
OTHER_PURSE: Final = declare_error("OtherPurse(bytes32 expected, bytes32 given)")
NO_OVERLAP: Final = declare_error("NoOverlap()")
SAME_DIGEST: Final = declare_error("SameDigest(bytes32 digest)")
ACCOUNT_BLACKLISTED: Final = declare_error("AccountBlacklisted(address account)")
NOT_BLACKLISTED: Final = declare_error("NotBlacklisted(address account)")
EXCEEDS_HELD: Final = declare_error("ExceedsHeld(uint96 held)")

OFFLINE_ERRORS: Final = (
    NOT_PAYER,
    NOT_OWNER,
    BAD_PAYEE,
    errors.UNKNOWN_CURRENCY,
    BAD_SIGNER,
    UNKNOWN_SIG_ALG,
    WRONG_OPEN_NONCE,
    errors.ZERO_AMOUNT,
    AMOUNT_TOO_LARGE,
    SPEND_UNTIL_PASSED,
    GRACE_TOO_SHORT,
    LIFE_TOO_LONG,
    LOCK_NOT_FOUND,
    PURSE_NOT_FOUND,
    CLAIM_WINDOW_CLOSED,
    NOT_YET_REFUNDABLE,
    EXCEEDS_DEPOSIT,
    BELOW_SETTLED,
    TIMES_SHRINK,
    BAD_SIGNATURE,
    HIGH_S,
    NEEDS_VOUCHER,
    BAD_CLASS,
    NOT_IN_CLASS,
    NOT_COVERED,
    UNSUPPORTED_IN_THIS_VERSION,
    BAD_RANGE,
    OTHER_PURSE,
    NO_OVERLAP,
    SAME_DIGEST,
    ACCOUNT_BLACKLISTED,
    NOT_BLACKLISTED,
    EXCEEDS_HELD,
    errors.INDEX_OUT_OF_RANGE,
    errors.GOVERNOR_ONLY,
    errors.UNAUTHORIZED_ACCOUNT,
    errors.ENFORCED_PAUSE,
    errors.INVALID_SENDER,
    errors.INVALID_RECEIVER,
    errors.INSUFFICIENT_BALANCE,
    errors.INSUFFICIENT_UNFROZEN_BALANCE,
    errors.CANNOT_RECEIVE,
    errors.POLICY_REFUSES_SENDER,
    errors.POLICY_REFUSES_RECIPIENT,
    errors.ACCOUNT_SUSPENDED,
    errors.TRANSFER_LIMIT_EXCEEDED,
    errors.DAILY_OUT_LIMIT_EXCEEDED,
    errors.DAILY_IN_LIMIT_EXCEEDED,
    errors.BALANCE_LIMIT_EXCEEDED,
)
"""The contract's own, then what passes unchanged from registries, roles and the currency."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def naming_broken_rules(handler: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a native function revert with the named error of the rule that was broken."""

    @wraps(handler)
    def run(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        try:
            return handler(*arguments, **named)
        except rules.RuleBroken as broken:
            raise _named(broken) from broken

    return run


def _named(broken: rules.RuleBroken) -> NativeRevert:
    match broken:
        case rules.UnknownSigAlg():
            return revert(UNKNOWN_SIG_ALG, broken.sig_alg)
        case rules.BadSignature():
            return revert(BAD_SIGNATURE, broken.signer)
        case rules.HighS():
            return revert(HIGH_S)
        case rules.ZeroAmount():
            return revert(errors.ZERO_AMOUNT)
        case rules.AmountTooLarge():
            return revert(AMOUNT_TOO_LARGE, broken.amount_minor, broken.maximum)
        case rules.SpendUntilPassed():
            return revert(SPEND_UNTIL_PASSED, broken.spend_until_s, broken.now_s)
        case rules.GraceTooShort():
            return revert(GRACE_TOO_SHORT, broken.grace_min_s)
        case rules.LifeTooLong():
            return revert(LIFE_TOO_LONG, broken.life_max_s)
        case rules.TimesShrink():
            return revert(TIMES_SHRINK, broken.old_s, broken.new_s)
        case rules.ClaimWindowClosed():
            return revert(CLAIM_WINDOW_CLOSED, broken.claim_until_s)
        case rules.NotYetRefundable():
            return revert(NOT_YET_REFUNDABLE, broken.claim_until_s)
        case rules.ExceedsDeposit():
            return revert(EXCEEDS_DEPOSIT, broken.deposit)
        case rules.BelowSettled():
            return revert(BELOW_SETTLED, broken.settled)
        case _:
            return _named_of_purse(broken)


def _named_of_purse(broken: rules.RuleBroken) -> NativeRevert:
    match broken:
        case rules.BadClass():
            return revert(BAD_CLASS, broken.size, broken.member)
        case rules.NotCovered():
            return revert(NOT_COVERED, broken.needed, broken.locked)
        case rules.UnsupportedInThisVersion():
            return revert(UNSUPPORTED_IN_THIS_VERSION, broken.field)
        case rules.BadRange():
            return revert(BAD_RANGE, broken.lo, broken.hi, broken.value)
        case rules.OtherPurse():
            return revert(OTHER_PURSE, broken.expected, broken.found)
        case rules.NoOverlap():
            return revert(NO_OVERLAP)
        case rules.SameDigest():
            return revert(SAME_DIGEST, broken.digest)
    # What is not there is asked by the contract itself, which knows the name it was looked for by.
    raise AssertionError(f"{type(broken).__name__} has no named error") from broken
