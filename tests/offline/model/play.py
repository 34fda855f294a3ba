"""What the model remembers of OfflineLocks, and what all its functions ask: signatures, times, money in and out.

Signatures are known by who made them: nothing here verifies one. Source: offline.md §3 to §6.
"""

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from consensus.primitives.hashing import keccak256
from tests.money.model.currency import need_spendable
from tests.money.model.ledger import Order
from tests.money.model.rules import (
    RECIPIENT,
    SENDER,
    admits,
    count_in,
    count_out,
    is_suspended,
    keep_use,
    need_admitted,
    need_ends,
    need_running,
)
from tests.money.model.state import NOBODY, Call, Refused, State, Value

OFFLINE_LOCKS: Final = bytes.fromhex("5cee") + bytes(17) + b"\x07"
DAY_S: Final = 24 * 60 * 60
GRACE_S, LIFE_S, LONGEST_S = 3 * DAY_S, 30 * DAY_S, 90 * DAY_S
AMOUNT_HIGHEST: Final = 2**96 - 1
CLASS_HIGHEST: Final = 500

LOCK_TYPE: Final = (
    "LockTerms(address payer,address payee,address till,address currency,address signer,uint8 sigAlg,uint64 openNonce)"
)
PURSE_TYPE: Final = (
    "PurseTerms(address owner,address currency,address signer,uint8 sigAlg,uint8 signerClass,uint64 openNonce,"
    "uint96 value,uint96 collateral,uint96 perPayee,uint8 maxHops,uint32 settleDelay,bytes32 acceptClass,"
    "uint32 spendUntil,uint32 claimUntil)"
)
HOP_TYPE: Final = "Hop(bytes32 purseId,bytes32 parent,uint96 lo,uint96 hi,address to,bytes8 invoice)"
VOUCHER_TYPE: Final = "Voucher(bytes32 lockId,uint96 cumulative,bytes8 invoice)"
RELEASE_TYPE: Final = "Release(bytes32 lockId,uint96 cumulative)"
_DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

Terms: TypeAlias = tuple[Any, ...]
"""Fields of a struct in their order. Any: they are of several types."""


def digest(chain_id: int, struct: str, *values: int | bytes, contract: bytes = OFFLINE_LOCKS) -> bytes:
    """Return the EIP-712 digest of a struct; `bytes8` values are the only ones shorter than 20 bytes."""
    domain = _hash(_DOMAIN_TYPE) + _hash("Sycee OfflineLocks") + _hash("1") + _word(chain_id) + _word(contract)
    body = _hash(struct) + b"".join(map(_word, values))
    return keccak256(b"\x19\x01" + keccak256(domain) + keccak256(body))


def _hash(text: str) -> bytes:
    return keccak256(text.encode())


def _word(value: int | bytes) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(32, "big")
    return value.ljust(32, b"\0") if len(value) == 8 else value.rjust(32, b"\0")


@dataclass(frozen=True, slots=True)
class Made:
    """Who signed what: what a signature's bytes stand for."""

    signer: bytes
    digest: bytes
    is_high: bool = False


@dataclass(slots=True)
class Word:
    """A lock or purse."""

    deposit: int
    spend_s: int
    claim_s: int
    settled: int = 0


@dataclass(slots=True)
class Offline:
    """All that OfflineLocks remembers."""

    chain_id: int
    locks: dict[bytes, Word] = field(default_factory=dict)
    purses: dict[bytes, Word] = field(default_factory=dict)
    closed: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Times of purses that are no more."""
    nonces: dict[bytes, int] = field(default_factory=dict)
    flags: dict[bytes, set[int]] = field(default_factory=dict)
    paid: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    """By purse and payee."""
    claimed: set[bytes] = field(default_factory=set)
    classes: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    held: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    """By currency and account."""
    blacklist: set[bytes] = field(default_factory=set)
    revocations: list[tuple[int, int, bytes]] = field(default_factory=list)
    signatures: dict[bytes, Made] = field(default_factory=dict)
    currencies: dict[bytes, bytes] = field(default_factory=dict)
    """Of each lock and purse ever opened."""

    def escrow(self, currency: bytes) -> int:
        """Return what live words and held sub-accounts of a currency come to."""
        words = {**self.locks, **self.purses}
        left = sum(word.deposit - word.settled for name, word in words.items() if self.currencies[name] == currency)
        return left + sum(amount for (kept, _), amount in self.held.items() if kept == currency)


class Play:
    """One call of OfflineLocks."""

    def __init__(self, state: State, offline: Offline, order: Order, now_s: int) -> None:
        self.state, self.offline, self.now_s = state, offline, now_s
        self.own = Call(state, OFFLINE_LOCKS, order.caller, now_s, NOBODY, [])

    def money(self, currency: bytes) -> Call:
        return Call(self.state, currency, self.own.caller, self.now_s, NOBODY, self.own.events)

    def need_currency(self, currency: bytes) -> None:
        if currency not in self.state.moneys:
            raise Refused("UnknownCurrency", currency)

    def need_signed(self, by: bytes, sig_alg: int, found: bytes, signature: bytes) -> None:
        if sig_alg not in (1, 2):
            raise Refused("UnknownSigAlg", sig_alg)
        made = self.offline.signatures.get(signature)
        if made is not None and made.is_high and len(signature) == (65, 128)[sig_alg - 1]:
            raise Refused("HighS")
        if made is None or (made.signer, made.digest) != (by, found):
            raise Refused("BadSignature", by)

    def need_times(self, spend_s: int, claim_s: int) -> None:
        if self.now_s >= spend_s:
            raise Refused("SpendUntilPassed", spend_s, self.now_s)
        if claim_s - spend_s < GRACE_S:
            raise Refused("GraceTooShort", GRACE_S)
        if claim_s - self.now_s > LIFE_S:
            raise Refused("LifeTooLong", LIFE_S)

    def need_nonce(self, account: bytes, given: int) -> None:
        expected = self.offline.nonces.get(account, 0)
        if given != expected:
            raise Refused("WrongOpenNonce", expected, given)

    def take(self, currency: bytes, payer: bytes, amount: int, payee: bytes | None) -> None:
        """Ask all that a payment is asked, then move the money in."""
        call = self.money(currency)
        if payee is None:
            need_running(call)
            if not admits(call, call.money.policy_id, payer, SENDER):
                raise Refused("PolicyRefusesSender", call.money.policy_id, payer)
        else:
            need_ends(call, payer, payee)
        use = count_out(call, payer, amount, moves=True)
        need_spendable(call, payer, amount)
        keep_use(call, payer, use)
        self._move(call, payer, OFFLINE_LOCKS, amount)

    def give(self, currency: bytes, payer: bytes, to: bytes, amount: int, *, reason: str = "") -> None:
        """Pay, or keep for whoever may not have it now."""
        if not amount:
            return
        call = self.money(currency)
        use = None
        if not reason:
            try:
                use = self.may_have(call, payer, to, amount)
            except Refused as refused:
                reason = refused.name
        if reason:
            key = (currency, to)
            self.offline.held[key] = self.offline.held.get(key, 0) + amount
            self.own.log("PayoutHeld", currency, to, amount, REASONS[reason])
            return
        keep_use(call, to, use)
        self._move(call, OFFLINE_LOCKS, to, amount)

    def may_have(self, call: Call, payer: bytes, to: bytes, amount: int) -> tuple[int, int] | None:
        need_admitted(call, to, RECIPIENT)
        use = None if payer == to else count_in(call, to, amount)
        if call.money.has_limits and is_suspended(call, to):
            raise Refused("AccountSuspended", to, self.state.accounts[to].status)
        return use

    def leave(self, currency: bytes, to: bytes, amount: int) -> None:
        self._move(self.money(currency), OFFLINE_LOCKS, to, amount)

    def need_running_for(self, currency: bytes, amount: int) -> None:
        if amount:
            need_running(self.money(currency))

    def revoke(self, kind: int, name: bytes, until_s: int) -> None:
        self.offline.revocations.append((kind, until_s, name[:8]))

    def flag(self, purse: bytes, flag: int, until_s: int) -> None:
        flags = self.offline.flags.setdefault(purse, set())
        if not flags:
            self.revoke(1, purse, until_s)
        flags.add(flag)

    def convict(self, purse: bytes, owner: bytes, digests: tuple[bytes, bytes], until_s: int) -> None:
        if 2 in self.offline.flags.get(purse, set()):
            return
        self.flag(purse, 2, until_s)
        if owner not in self.offline.blacklist:
            self.offline.blacklist.add(owner)
            self.revoke(2, owner, self.now_s + LONGEST_S)
        self.own.log("Equivocation", purse, owner, *digests)

    def _move(self, call: Call, sender: bytes, to: bytes, amount: int) -> None:
        call.money.add(sender, -amount)
        call.money.add(to, amount)
        call.log("Transfer", sender, to, amount)


REASONS: Final = {
    name.partition("(")[0]: keccak256(name.encode())[:4]
    for name in (
        "PolicyRefusesRecipient(uint64,address)",
        "AccountSuspended(address,uint8)",
        "DailyInLimitExceeded(address,uint8,uint256,uint256,uint256)",
        "BalanceLimitExceeded(address,uint8,uint256,uint256,uint256)",
        "AccountBlacklisted(address)",
    )
}
"""Selectors of what keeps money back."""


def need_caller(play: Play, entitled: Value, error: str) -> None:
    if play.own.caller != entitled:
        raise Refused(error, play.own.caller, entitled)


def need_claimable(play: Play, word: Word) -> None:
    if play.now_s > word.claim_s:
        raise Refused("ClaimWindowClosed", word.claim_s)
