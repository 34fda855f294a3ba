"""Classes, covered purses and proofs of double spends, in the model. Source: offline.md §4, §5."""

import itertools
from collections.abc import Sequence

from consensus.primitives.hashing import keccak256
from tests.money.model.state import NOBODY, Refused, is_system
from tests.offline.model.play import (
    AMOUNT_HIGHEST,
    CLASS_HIGHEST,
    HOP_TYPE,
    PURSE_TYPE,
    Play,
    Terms,
    Word,
    digest,
    need_caller,
    need_claimable,
)


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
    need_caller(play, owner, "NotOwner")
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
    need_caller(play, terms[0], "NotOwner")
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
