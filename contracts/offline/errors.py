"""What the rules of offline money refuse, one class per reason.

The ledger reverts with the same names and values, and a wallet says them before anything is sent. Nothing is decided
here.

RuleBroken (ValueError)
├── BadSignature, HighS, UnknownSigAlg      signatures and their algorithms
├── SpendUntilPassed, GraceTooShort, LifeTooLong, TimesShrink, ClaimWindowClosed, NotYetRefundable      times
├── LockNotFound, PurseNotFound, ZeroAmount, AmountTooLarge, ExceedsDeposit, BelowSettled               amounts
├── BadClass, NotInClass, NotCovered, UnsupportedInThisVersion, BadRange                                purses
└── NoOverlap, SameDigest, OtherPurse                                                                   fraud proofs
"""


class RuleBroken(ValueError):
    """Something the rules of offline money do not allow."""


class BadSignature(RuleBroken):
    """Bytes that the named key did not sign."""

    def __init__(self, *, signer: bytes, detail: str) -> None:
        self.signer = signer
        self.detail = detail
        super().__init__(f"not signed by 0x{signer.hex()}: {detail}")


class HighS(RuleBroken):
    """A signature whose s is in the upper half of the order: a second spelling of a valid one."""

    def __init__(self, s: int) -> None:
        self.s = s
        super().__init__(f"s is 0x{s:x}, in the upper half of the group order; sign with the lower one")


class UnknownSigAlg(RuleBroken):
    """A number that names no signature algorithm."""

    def __init__(self, sig_alg: int) -> None:
        self.sig_alg = sig_alg
        super().__init__(f"signature algorithm {sig_alg} is unknown: 1 is secp256k1, 2 is P-256")


class SpendUntilPassed(RuleBroken):
    """The last second of spending is not ahead."""

    def __init__(self, *, spend_until_s: int, now_s: int) -> None:
        self.spend_until_s = spend_until_s
        self.now_s = now_s
        super().__init__(f"spending ends at {spend_until_s}, it is {now_s}: choose a later end")


class GraceTooShort(RuleBroken):
    """Too little time between the end of spending and the end of redeeming."""

    def __init__(self, *, grace_s: int, grace_min_s: int) -> None:
        self.grace_s = grace_s
        self.grace_min_s = grace_min_s
        super().__init__(f"{grace_s} s between spending and the end of claims, at least {grace_min_s} s are required")


class LifeTooLong(RuleBroken):
    """Money locked for longer than the protocol allows."""

    def __init__(self, *, life_s: int, life_max_s: int) -> None:
        self.life_s = life_s
        self.life_max_s = life_max_s
        super().__init__(f"claims would end {life_s} s from now, at most {life_max_s} s are allowed")


class TimesShrink(RuleBroken):
    """Times that would end earlier than what was promised."""

    def __init__(self, *, field: str, old_s: int, new_s: int) -> None:
        self.field = field
        self.old_s = old_s
        self.new_s = new_s
        super().__init__(f"{field} is {old_s} and cannot go back to {new_s}")


class ClaimWindowClosed(RuleBroken):
    """Redeemed too late."""

    def __init__(self, *, claim_until_s: int, now_s: int) -> None:
        self.claim_until_s = claim_until_s
        self.now_s = now_s
        super().__init__(f"claims ended at {claim_until_s}, it is {now_s}: the money goes back to the payer")


class NotYetRefundable(RuleBroken):
    """Asked back while the payee may still redeem."""

    def __init__(self, *, claim_until_s: int, now_s: int) -> None:
        self.claim_until_s = claim_until_s
        self.now_s = now_s
        super().__init__(f"the payee may claim until {claim_until_s}, it is {now_s}: ask again after it")


class LockNotFound(RuleBroken):
    """No live lock."""

    def __init__(self) -> None:
        super().__init__("the lock's word is empty: never opened, released or refunded")


class PurseNotFound(RuleBroken):
    """No live purse."""

    def __init__(self) -> None:
        super().__init__("the purse's pot is empty: never opened, or closed")


class ZeroAmount(RuleBroken):
    """Nothing at all."""

    def __init__(self) -> None:
        super().__init__("the amount is 0; at least one minor unit is required")


class AmountTooLarge(RuleBroken):
    """More than the field holds."""

    def __init__(self, *, amount_minor: int, maximum: int) -> None:
        self.amount_minor = amount_minor
        self.maximum = maximum
        super().__init__(f"{amount_minor} minor units, at most {maximum} fit")


class ExceedsDeposit(RuleBroken):
    """More than is locked."""

    def __init__(self, *, cumulative: int, deposit: int) -> None:
        self.cumulative = cumulative
        self.deposit = deposit
        super().__init__(f"the voucher says {cumulative}, the deposit is {deposit}: the payer must top up first")


class BelowSettled(RuleBroken):
    """A release of less than was paid already."""

    def __init__(self, *, cumulative: int, settled: int) -> None:
        self.cumulative = cumulative
        self.settled = settled
        super().__init__(f"the release says {cumulative}, {settled} were paid already")


class BadClass(RuleBroken):
    """A list of payees that can be no class; `member` is the one at fault, zero if their number is."""

    def __init__(self, detail: str, *, size: int, member: bytes = bytes(20)) -> None:
        self.detail = detail
        self.size = size
        self.member = member
        super().__init__(f"no class of payees: {detail}")


class NotInClass(RuleBroken):
    """A payee that the purse does not cover."""

    def __init__(self, account: bytes) -> None:
        self.account = account
        super().__init__(f"0x{account.hex()} is not in the class that the purse pays")


class NotCovered(RuleBroken):
    """Less locked than all payees together could be shown."""

    def __init__(self, *, needed: int, locked: int) -> None:
        self.needed = needed
        self.locked = locked
        super().__init__(f"all payees to their caps come to {needed}, locked are {locked}: add collateral")


class UnsupportedInThisVersion(RuleBroken):
    """A field that has one allowed value in this version."""

    def __init__(self, field: str, *, found: int, allowed: int) -> None:
        self.field = field
        self.found = found
        self.allowed = allowed
        super().__init__(f"{field} is {found}, this version allows {allowed}")


class BadRange(RuleBroken):
    """Units that a purse does not have."""

    def __init__(self, *, lo: int, hi: int, value: int) -> None:
        self.lo = lo
        self.hi = hi
        self.value = value
        super().__init__(f"units {lo} to {hi} are no range of a purse of {value}")


class NoOverlap(RuleBroken):
    """Two spends of different units: no fraud."""

    def __init__(self, *, first: tuple[int, int], second: tuple[int, int]) -> None:
        self.first = first
        self.second = second
        super().__init__(f"units {first[0]} to {first[1]} and {second[0]} to {second[1]} share none")


class SameDigest(RuleBroken):
    """One spend shown twice: no fraud."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        super().__init__(f"both spends are 0x{digest.hex()}")


class OtherPurse(RuleBroken):
    """A spend of another purse, or with another parent, than it is compared with."""

    def __init__(self, *, expected: bytes, found: bytes) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"the spend is of 0x{found.hex()}, compared with one of 0x{expected.hex()}")
