"""Locks for one payee, in the model. Source: offline.md §3, §5."""

from tests.money.model.state import NOBODY, Refused, is_system
from tests.offline.model.play import (
    AMOUNT_HIGHEST,
    LOCK_TYPE,
    RELEASE_TYPE,
    VOUCHER_TYPE,
    Play,
    Terms,
    Word,
    digest,
    need_caller,
    need_claimable,
)


def lock_id(play: Play, terms: Terms) -> bytes:
    return digest(play.offline.chain_id, LOCK_TYPE, *terms)


def need_lock(play: Play, name: bytes) -> Word:
    word = play.offline.locks.get(name)
    if word is None:
        raise Refused("LockNotFound", name)
    return word


def open_lock(play: Play, terms: Terms, deposit: int, spend_s: int, claim_s: int) -> bytes:
    payer, payee, till, currency, signer, sig_alg, nonce = terms
    need_caller(play, payer, "NotPayer")
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
    need_caller(play, payer, "NotPayer")
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
    need_caller(play, terms[0], "NotPayer")
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
