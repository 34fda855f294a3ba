"""Why a command stopped, as people and scripts see it.

UserError                     what happened, why, what to type next; a stable code; the exit code
├── UsageRefused         2    the words typed cannot mean anything, or a file is not what it should be
├── Declined             3    the user said no, or nobody is there to ask
├── PasswordWrong        4
├── InsufficientFunds    5
├── NetworkUnreachable   6    no endpoint answers
├── ProofInvalid         7    a proof, certificate or signature that is not true
├── TransactionRefused   8    final but reverted, or the node did not take it
├── OutcomeUnknown       9    time-out: safe to retry
├── PolicyRefused       10    a limit or a stale anchor
├── DoubleSpendDetected 11    two signatures for the same units, kept as evidence
├── WalletLocked        12    another process is at work
├── DeviceFailed        13    a signer or a disk did not do what it must
└── RestoredHome        14    frozen after a restore or roll-back

Nothing here may carry a secret: every text ends on a screen.
"""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `sycee`; scripts rely on them."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    DECLINED = 3
    PASSWORD = 4
    FUNDS = 5
    NETWORK = 6
    PROOF = 7
    REFUSED = 8
    UNKNOWN = 9
    POLICY = 10
    DOUBLE_SPEND = 11
    LOCKED = 12
    DEVICE = 13
    RESTORED = 14


class UserError(Exception):
    """An expected end of a command."""

    exit_code = Exit.INTERNAL
    default_code = "INTERNAL"

    def __init__(
        self, message: str, *, why: str, next_step: str, code: str | None = None, reason: str | None = None
    ) -> None:
        self.message = message
        """What happened, with both values where two differ."""
        self.why = why
        self.next_step = next_step
        """What to type."""
        self.code = code or self.default_code
        """Stable word in capitals for scripts."""
        self.reason = reason
        """The node's reason word, absent if no node refused anything."""
        super().__init__(message)


class UsageRefused(UserError):
    """The command, an argument or a file of the wallet cannot be understood."""

    exit_code = Exit.USAGE
    default_code = "USAGE"


class Declined(UserError):
    """Not confirmed: the user declined, or there is no terminal to ask on."""

    exit_code = Exit.DECLINED
    default_code = "DECLINED"


class PasswordWrong(UserError):
    """The password opens no key."""

    exit_code = Exit.PASSWORD
    default_code = "PASSWORD_WRONG"


class InsufficientFunds(UserError):
    """The proven balance is below what is to be paid."""

    exit_code = Exit.FUNDS
    default_code = "INSUFFICIENT_FUNDS"


class NetworkUnreachable(UserError):
    """No endpoint gave an answer that can be read."""

    exit_code = Exit.NETWORK
    default_code = "NETWORK_UNREACHABLE"


class ProofInvalid(UserError):
    """An endpoint's evidence does not prove its answer."""

    exit_code = Exit.PROOF
    default_code = "PROOF_INVALID"


class TransactionRefused(UserError):
    """The transaction is final but reverted, or the node refused it."""

    exit_code = Exit.REFUSED
    default_code = "TRANSACTION_REFUSED"


class OutcomeUnknown(UserError):
    """Time ran out before the outcome was proven; the transaction may still become final."""

    exit_code = Exit.UNKNOWN
    default_code = "OUTCOME_UNKNOWN"


class PolicyRefused(UserError):
    """The wallet's own rules forbid it."""

    exit_code = Exit.POLICY
    default_code = "POLICY_REFUSED"


class DoubleSpendDetected(UserError):
    """A purse was spent twice: nothing is accepted, and the proof is stored."""

    exit_code = Exit.DOUBLE_SPEND
    default_code = "DOUBLE_SPEND"


class WalletLocked(UserError):
    """Another process of this wallet is assigning nonces of the same account."""

    exit_code = Exit.LOCKED
    default_code = "WALLET_LOCKED"


class DeviceFailed(UserError):
    """A signer or a disk did not do what it must: nothing more is signed."""

    exit_code = Exit.DEVICE
    default_code = "DEVICE_FAILED"


class RestoredHome(UserError):
    """The wallet's files are older than, or not those of, the wallet that wrote last."""

    exit_code = Exit.RESTORED
    default_code = "RESTORED_HOME"
