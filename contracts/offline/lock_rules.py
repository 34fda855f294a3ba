"""A lock's word and what may happen to it, as pure functions: the ledger applies them, a payee foresees them.

`redeem` and `refund` partition time exactly, and nothing that a payer can do makes a word worth less to its payee.
Source: offline.md §3, §5.
"""

from dataclasses import dataclass, replace
from typing import Final

from contracts.offline.errors import (
    AmountTooLarge,
    BelowSettled,
    ClaimWindowClosed,
    ExceedsDeposit,
    GraceTooShort,
    LifeTooLong,
    LockNotFound,
    NotYetRefundable,
    SpendUntilPassed,
    TimesShrink,
    ZeroAmount,
)

AMOUNT_MAX: Final = 2**96 - 1
"""Minor units in a word's fields: any currency's supply that people can count."""

TIME_S_MAX: Final = 2**32 - 1
"""Last second of a word's times: in the year 2106."""

LIFE_S_MAX: Final = 90 * 24 * 3600
"""Seconds money stays locked at most, whatever the protocol's parameters say: 90 days. Keys of validators that left
longer ago cannot make anybody accept anything. Twice as long keeps stolen keys useful twice as long."""


@dataclass(frozen=True, slots=True)
class OfflineWord:
    """The one storage word of a lock or a purse."""

    settled: int
    """uint96, minor units paid already."""
    deposit: int
    """uint96, minor units put in; 0 in a lock that is no more. A purse's pot: value and collateral."""
    spend_until_s: int
    """uint32: payees accept before it."""
    claim_until_s: int
    """uint32: the ledger pays up to and including it."""

    @property
    def left(self) -> int:
        """Return the minor units not paid yet."""
        return self.deposit - self.settled


def encode_word(word: OfflineWord) -> bytes:
    """Return the 32 bytes in storage: settled u96 ‖ deposit u96 ‖ spendUntil u32 ‖ claimUntil u32."""
    return (
        word.settled.to_bytes(12, "big")
        + word.deposit.to_bytes(12, "big")
        + word.spend_until_s.to_bytes(4, "big")
        + word.claim_until_s.to_bytes(4, "big")
    )


def decode_word(encoded: bytes) -> OfflineWord:
    """Return what 32 bytes of storage say; every 32 bytes say something."""
    assert len(encoded) == 32
    return OfflineWord(
        int.from_bytes(encoded[:12], "big"),
        int.from_bytes(encoded[12:24], "big"),
        int.from_bytes(encoded[24:28], "big"),
        int.from_bytes(encoded[28:], "big"),
    )


def validate_times(*, spend_until_s: int, claim_until_s: int, now_s: int, grace_min_s: int, life_max_s: int) -> None:
    """Check the times of a lock or purse that is opened or extended.

    Raises: SpendUntilPassed, GraceTooShort, LifeTooLong.
    """
    if now_s >= spend_until_s:
        raise SpendUntilPassed(spend_until_s=spend_until_s, now_s=now_s)
    if claim_until_s < spend_until_s + grace_min_s:
        raise GraceTooShort(grace_s=claim_until_s - spend_until_s, grace_min_s=grace_min_s)
    if claim_until_s > now_s + life_max_s:
        raise LifeTooLong(life_s=claim_until_s - now_s, life_max_s=life_max_s)


def top_up(word: OfflineWord, *, amount_minor: int, now_s: int) -> OfflineWord:
    """Return the word with more in it. Raises: LockNotFound, ZeroAmount, SpendUntilPassed, AmountTooLarge."""
    _require_live(word)
    if amount_minor == 0:
        raise ZeroAmount
    if now_s >= word.spend_until_s:
        raise SpendUntilPassed(spend_until_s=word.spend_until_s, now_s=now_s)
    if word.deposit + amount_minor > AMOUNT_MAX:
        raise AmountTooLarge(amount_minor=amount_minor, maximum=AMOUNT_MAX - word.deposit)
    return replace(word, deposit=word.deposit + amount_minor)


def extend(
    word: OfflineWord, *, spend_until_s: int, claim_until_s: int, now_s: int, grace_min_s: int, life_max_s: int
) -> OfflineWord:
    """Return the word with later times.

    Raises: LockNotFound, ClaimWindowClosed, TimesShrink, and those of `validate_times`.
    """
    _require_live(word)
    _require_claimable(word, now_s)
    if spend_until_s < word.spend_until_s:
        raise TimesShrink(field="spendUntil", old_s=word.spend_until_s, new_s=spend_until_s)
    if claim_until_s < word.claim_until_s:
        raise TimesShrink(field="claimUntil", old_s=word.claim_until_s, new_s=claim_until_s)
    validate_times(
        spend_until_s=spend_until_s,
        claim_until_s=claim_until_s,
        now_s=now_s,
        grace_min_s=grace_min_s,
        life_max_s=life_max_s,
    )
    return replace(word, spend_until_s=spend_until_s, claim_until_s=claim_until_s)


def redeem(word: OfflineWord, *, cumulative: int, now_s: int) -> tuple[OfflineWord, int]:
    """Return the word after a signed voucher, and the minor units that the payee gets for it.

    A voucher that was overtaken pays 0 and succeeds: redeeming is idempotent and the largest voucher wins.

    Raises: LockNotFound, ClaimWindowClosed, ExceedsDeposit.
    """
    _require_live(word)
    _require_claimable(word, now_s)
    if cumulative > word.deposit:
        raise ExceedsDeposit(cumulative=cumulative, deposit=word.deposit)
    paid = max(0, cumulative - word.settled)
    return replace(word, settled=word.settled + paid), paid


def release(word: OfflineWord, *, cumulative: int) -> tuple[int, int]:
    """Return what payee and payer get when the payee gives up the rest: the word is no more.

    Who may submit it (the payer, or anybody with a voucher of as much) is the contract's question.

    Raises: LockNotFound, BelowSettled, ExceedsDeposit.
    """
    _require_live(word)
    if cumulative < word.settled:
        raise BelowSettled(cumulative=cumulative, settled=word.settled)
    if cumulative > word.deposit:
        raise ExceedsDeposit(cumulative=cumulative, deposit=word.deposit)
    return cumulative - word.settled, word.deposit - cumulative


def refund(word: OfflineWord, *, now_s: int) -> int:
    """Return what goes back to the payer: the word is no more. Raises: LockNotFound, NotYetRefundable."""
    _require_live(word)
    if now_s <= word.claim_until_s:
        raise NotYetRefundable(claim_until_s=word.claim_until_s, now_s=now_s)
    return word.left


def _require_live(word: OfflineWord) -> None:
    if word.deposit == 0:
        raise LockNotFound


def _require_claimable(word: OfflineWord, now_s: int) -> None:
    if now_s > word.claim_until_s:
        raise ClaimWindowClosed(claim_until_s=word.claim_until_s, now_s=now_s)
