"""What OfflineLocks does, in dictionaries: written from the design alone, nothing of the contract or its rules.

Signatures are known by who made them: the model never verifies one. Source: offline.md §3 to §6.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from consensus.primitives.hashing import keccak256
from tests.money.model.currency import need_spendable
from tests.money.model.ledger import Answer, Order
from tests.money.model.roles import need
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
    need_receiver,
    need_running,
)
from tests.money.model.state import NOBODY, Call, Refused, State, Value, is_system

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


# Paired locks


def lock_id(play: Play, terms: Terms) -> bytes:
    return digest(play.offline.chain_id, LOCK_TYPE, *terms)


def need_lock(play: Play, name: bytes) -> Word:
    word = play.offline.locks.get(name)
    if word is None:
        raise Refused("LockNotFound", name)
    return word


def need_claimable(play: Play, word: Word) -> None:
    if play.now_s > word.claim_s:
        raise Refused("ClaimWindowClosed", word.claim_s)


def open_lock(play: Play, terms: Terms, deposit: int, spend_s: int, claim_s: int) -> bytes:
    payer, payee, till, currency, signer, sig_alg, nonce = terms
    _need_caller(play, payer, "NotPayer")
    if payee in (NOBODY, payer) or is_system(payee):
        raise Refused("BadPayee", payee)
    play.need_currency(currency)
    if signer == NOBODY:
        raise Refused("BadSigner", signer)
    if sig_alg not in (1, 2):
        raise Refused("UnknownSigAlg", sig_alg)
    play.need_nonce(payer, nonce)
    if not deposit:
        raise Refused("ZeroAmount")
    play.need_times(spend_s, claim_s)
    play.take(currency, payer, deposit, payee)
    name = lock_id(play, terms)
    play.offline.nonces[payer] = nonce + 1
    play.offline.locks[name] = Word(deposit, spend_s, claim_s)
    play.offline.currencies[name] = currency
    play.own.log("LockOpened", name, payer, payee, till, currency, signer, sig_alg, nonce, deposit, spend_s, claim_s)
    return name


def top_up(play: Play, terms: Terms, amount: int) -> None:
    payer, payee, _, currency = terms[:4]
    _need_caller(play, payer, "NotPayer")
    name = lock_id(play, terms)
    word = need_lock(play, name)
    if not amount:
        raise Refused("ZeroAmount")
    if play.now_s >= word.spend_s:
        raise Refused("SpendUntilPassed", word.spend_s, play.now_s)
    if word.deposit + amount > AMOUNT_HIGHEST:
        raise Refused("AmountTooLarge", amount, AMOUNT_HIGHEST - word.deposit)
    play.take(currency, payer, amount, payee)
    word.deposit += amount
    play.own.log("LockToppedUp", name, word.deposit)


def extend(play: Play, terms: Terms, spend_s: int, claim_s: int) -> None:
    _need_caller(play, terms[0], "NotPayer")
    name = lock_id(play, terms)
    word = need_lock(play, name)
    need_claimable(play, word)
    for current, given in ((word.spend_s, spend_s), (word.claim_s, claim_s)):
        if given < current:
            raise Refused("TimesShrink", current, given)
    play.need_times(spend_s, claim_s)
    word.spend_s, word.claim_s = spend_s, claim_s
    play.own.log("LockExtended", name, spend_s, claim_s)


def redeem(play: Play, terms: Terms, cumulative: int, invoice: bytes, signature: bytes) -> int:
    payer, payee, _, currency, signer, sig_alg, _ = terms
    name = lock_id(play, terms)
    word = need_lock(play, name)
    need_claimable(play, word)
    if cumulative > word.deposit:
        raise Refused("ExceedsDeposit", word.deposit)
    found = digest(play.offline.chain_id, VOUCHER_TYPE, name, cumulative, invoice)
    play.need_signed(signer, sig_alg, found, signature)
    paid = max(0, cumulative - word.settled)
    word.settled += paid
    play.give(currency, payer, payee, paid)
    play.own.log("Redeemed", name, payee, invoice, cumulative, paid)
    return paid


def release(
    play: Play,
    terms: Terms,
    cumulative: int,
    payee_signature: bytes,
    shown: int,
    shown_invoice: bytes,
    shown_signature: bytes,
) -> None:
    payer, payee, _, currency, signer, sig_alg, _ = terms
    name = lock_id(play, terms)
    word = need_lock(play, name)
    if cumulative < word.settled:
        raise Refused("BelowSettled", word.settled)
    if cumulative > word.deposit:
        raise Refused("ExceedsDeposit", word.deposit)
    signed = digest(play.offline.chain_id, RELEASE_TYPE, name, cumulative)
    play.need_signed(payee, 1, signed, payee_signature)
    if play.own.caller != payer and cumulative != word.settled:
        if shown < cumulative:
            raise Refused("NeedsVoucher", cumulative)
        voucher = digest(play.offline.chain_id, VOUCHER_TYPE, name, shown, shown_invoice)
        play.need_signed(signer, sig_alg, voucher, shown_signature)
    paid, rest = cumulative - word.settled, word.deposit - cumulative
    play.need_running_for(currency, rest)
    del play.offline.locks[name]
    play.give(currency, payer, payee, paid)
    play.give(currency, payer, payer, rest)
    play.own.log("LockReleased", name, paid, rest)


def refund(play: Play, terms: Terms) -> int:
    payer, currency = terms[0], terms[3]
    name = lock_id(play, terms)
    word = need_lock(play, name)
    if play.now_s <= word.claim_s:
        raise Refused("NotYetRefundable", word.claim_s)
    rest = word.deposit - word.settled
    play.need_running_for(currency, rest)
    del play.offline.locks[name]
    play.give(currency, payer, payer, rest)
    play.own.log("LockRefunded", name, rest)
    return rest


# Classes and purses


def create_class(play: Play, members: Sequence[bytes]) -> bytes:
    size = len(members)
    if not 1 <= size <= CLASS_HIGHEST:
        raise Refused("BadClass", size, NOBODY)
    for member in members:
        if is_system(member):
            raise Refused("BadClass", size, member)
    for before, member in itertools.pairwise(members):
        if member <= before:
            raise Refused("BadClass", size, member)
    head = (32).to_bytes(32, "big") + size.to_bytes(32, "big")
    name = keccak256(head + b"".join(member.rjust(32, b"\0") for member in members))
    if name not in play.offline.classes:
        play.offline.classes[name] = tuple(members)
        play.own.log("ClassCreated", name, tuple(members))
    return name


def purse_id(play: Play, terms: Terms) -> bytes:
    return digest(play.offline.chain_id, PURSE_TYPE, *terms)


def need_purse(play: Play, name: bytes) -> Word:
    word = play.offline.purses.get(name)
    if word is None:
        raise Refused("PurseNotFound", name)
    return word


def open_purse(play: Play, terms: Terms) -> bytes:
    owner, currency, signer, sig_alg, signer_class, nonce, value, collateral, cap, hops, delay, klass = terms[:12]
    spend_s, claim_s = terms[12:]
    _need_caller(play, owner, "NotOwner")
    if owner in play.offline.blacklist:
        raise Refused("AccountBlacklisted", owner)
    play.need_currency(currency)
    if signer == NOBODY:
        raise Refused("BadSigner", signer)
    play.need_nonce(owner, nonce)
    for field_name, found, allowed in (
        ("maxHops", hops, 1),
        ("settleDelay", delay, 0),
        ("signerClass", signer_class, 0),
    ):
        if found != allowed:
            raise Refused("UnsupportedInThisVersion", field_name)
    if sig_alg not in (1, 2):
        raise Refused("UnknownSigAlg", sig_alg)
    members = play.offline.classes.get(klass)
    if members is None:
        raise Refused("BadClass", 0, NOBODY)
    if not cap or not value:
        raise Refused("ZeroAmount")
    if cap > value:
        raise Refused("AmountTooLarge", cap, value)
    pot = value + collateral
    if pot > AMOUNT_HIGHEST:
        raise Refused("AmountTooLarge", pot, AMOUNT_HIGHEST)
    if len(members) * cap > pot:
        raise Refused("NotCovered", len(members) * cap, pot)
    play.need_times(spend_s, claim_s)
    play.take(currency, owner, pot, None)
    name = purse_id(play, terms)
    play.offline.nonces[owner] = nonce + 1
    play.offline.purses[name] = Word(pot, spend_s, claim_s)
    play.offline.currencies[name] = currency
    play.own.log("PurseOpened", name, owner, klass, terms)
    return name


def need_spend(play: Play, terms: Terms, name: bytes, hop: Terms, signature: bytes) -> bytes:
    """Refuse what is no spend of the purse; return its digest."""
    purse, parent, lo, hi = hop[:4]
    if purse != name:
        raise Refused("OtherPurse", name, purse)
    need_range(terms, parent, lo, hi)
    found = digest(play.offline.chain_id, HOP_TYPE, *hop)
    play.need_signed(terms[2], terms[3], found, signature)
    return found


def need_range(terms: Terms, parent: bytes, lo: int, hi: int) -> None:
    if parent != bytes(32):
        raise Refused("OtherPurse", bytes(32), parent)
    if not lo < hi <= terms[6]:
        raise Refused("BadRange", lo, hi, terms[6])


def claim(play: Play, terms: Terms, hop: Terms, signature: bytes) -> int:
    owner, currency = terms[:2]
    value, cap, klass = terms[6], terms[8], terms[11]
    _, parent, lo, hi, to, invoice = hop
    name = purse_id(play, terms)
    word = need_purse(play, name)
    need_claimable(play, word)
    need_range(terms, parent, lo, hi)
    if to not in play.offline.classes[klass]:
        raise Refused("NotInClass", klass, to)
    found = need_spend(play, terms, name, hop, signature)
    before = play.offline.paid.get((name, to), 0)
    paid = 0 if found in play.offline.claimed else min(hi - lo, cap - before)
    play.offline.claimed.add(found)
    play.offline.paid[name, to] = before + paid
    word.settled += paid
    play.give(currency, owner, to, paid)
    play.own.log("Claimed", name, to, invoice, found, lo, hi, paid)
    if word.settled > value:
        play.convict(name, owner, (bytes(32), found), word.claim_s)
    return paid


def prove(play: Play, terms: Terms, first: Terms, signature: bytes, second: Terms, other_signature: bytes) -> None:
    name = purse_id(play, terms)
    word = play.offline.purses.get(name)
    if word is None and name not in play.offline.closed:
        raise Refused("PurseNotFound", name)
    claim_s = play.offline.closed[name][1] if word is None else word.claim_s
    if first[1] != second[1]:
        raise Refused("OtherPurse", first[1], second[1])
    digests = (
        need_spend(play, terms, name, first, signature),
        need_spend(play, terms, name, second, other_signature),
    )
    if digests[0] == digests[1]:
        raise Refused("SameDigest", digests[0])
    if first[2] >= second[3] or second[2] >= first[3]:
        raise Refused("NoOverlap")
    play.convict(name, terms[0], digests, claim_s)


def flag_purse(play: Play, terms: Terms) -> None:
    _need_caller(play, terms[0], "NotOwner")
    name = purse_id(play, terms)
    word = need_purse(play, name)
    if 1 not in play.offline.flags.get(name, set()):
        play.flag(name, 1, word.claim_s)
        play.own.log("PurseFlagged", name)


def close_purse(play: Play, terms: Terms) -> int:
    owner, currency = terms[:2]
    name = purse_id(play, terms)
    word = need_purse(play, name)
    if play.now_s <= word.claim_s:
        raise Refused("NotYetRefundable", word.claim_s)
    rest = word.deposit - word.settled
    play.need_running_for(currency, rest)
    del play.offline.purses[name]
    play.offline.closed[name] = (word.spend_s, word.claim_s)
    reason = "AccountBlacklisted" if owner in play.offline.blacklist else ""
    play.give(currency, owner, owner, rest, reason=reason)
    play.own.log("PurseClosed", name, rest)
    return rest


# Held sub-accounts, and the governor


def release_held(play: Play, currency: bytes, account: bytes, amount: int) -> None:
    play.need_currency(currency)
    _need_held(play, currency, account, amount)
    if account in play.offline.blacklist:
        raise Refused("AccountBlacklisted", account)
    call = play.money(currency)
    need_running(call)
    use = play.may_have(call, OFFLINE_LOCKS, account, amount)
    keep_use(call, account, use)
    play.offline.held[currency, account] -= amount
    play.leave(currency, account, amount)
    play.own.log("HeldReleased", currency, account, amount)


def enforce_held(play: Play, currency: bytes, account: bytes, to: bytes, amount: int, reason: bytes) -> None:
    play.need_currency(currency)
    call = play.money(currency)
    need_running(call)
    need(call, "ENFORCER_ROLE")
    _need_held(play, currency, account, amount)
    need_receiver(to)
    if not admits(call, call.money.policy_id, to, RECIPIENT):
        raise Refused("ERC7943CannotReceive", to)
    play.offline.held[currency, account] -= amount
    play.leave(currency, to, amount)
    play.own.log("HeldEnforced", currency, account, to, amount, reason)


def clear(play: Play, owner: bytes) -> None:
    if play.own.caller != play.state.governor:
        raise Refused("GovernorOnly", play.own.caller, play.state.governor)
    if owner not in play.offline.blacklist:
        raise Refused("NotBlacklisted", owner)
    play.offline.blacklist.remove(owner)
    play.own.log("Cleared", owner)


def _need_caller(play: Play, entitled: Value, error: str) -> None:
    if play.own.caller != entitled:
        raise Refused(error, play.own.caller, entitled)


def _need_held(play: Play, currency: bytes, account: bytes, amount: int) -> None:
    if not amount:
        raise Refused("ZeroAmount")
    held = play.offline.held.get((currency, account), 0)
    if amount > held:
        raise Refused("ExceedsHeld", held)


FUNCTIONS: Final[dict[str, Callable[..., Value | None]]] = {
    "open": open_lock,
    "topUp": top_up,
    "extend": extend,
    "redeem": redeem,
    "release": release,
    "refund": refund,
    "createClass": create_class,
    "openPurse": open_purse,
    "claim": claim,
    "prove": prove,
    "flagPurse": flag_purse,
    "closePurse": close_purse,
    "releaseHeld": release_held,
    "enforceHeld": enforce_held,
    "clear": clear,
}


def answer_offline(state: State, offline: Offline, order: Order, now_s: int) -> Answer:
    """Return what a call of OfflineLocks comes to, and remember it."""
    play = Play(state, offline, order, now_s)
    try:
        result = FUNCTIONS[order.name](play, *order.arguments)
    except Refused as refused:
        return Answer((refused.name, refused.values), None, ())
    return Answer(None, result, tuple(play.own.events))
