"""`sycee offline lock|topup|extend|release|refund|card`: money for one payee and till, put in and taken back online."""

from pathlib import Path
from typing import Final

import click

from consensus.light.attestation import AttestedKind
from consensus.primitives.scalars import ZERO_ADDRESS, Address, AmountMinor, Hash32
from contracts.offline.device_signatures import SECP256K1
from contracts.offline.typed_data import LockTerms, lock_id, release_digest
from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.amounts import Amount, format_amount, format_units, parse_amount
from wallet_cli.cli import Need, wallet_command
from wallet_cli.deals.desk import Desk
from wallet_cli.deals.steps import Fields, answer, take_step
from wallet_cli.errors import UsageRefused
from wallet_cli.moments import duration_text, instant_text, parse_duration
from wallet_cli.offline import payer_tables, till_tables
from wallet_cli.offline.carriers import carrier_options, carry, looks_like_message, read_message, show_frames, way_of
from wallet_cli.offline.domain import separator_of
from wallet_cli.offline.ledger import (
    find_locks,
    keep_lock,
    lock_terms_of,
    lock_tuple,
    open_offline_desk,
    read_open_nonce,
    read_word,
)
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import REFERENCE_BYTES, CertifiedWord, Release, Voucher
from wallet_cli.offline.payer import check_release
from wallet_cli.offline.policy import load_policy, require_within
from wallet_cli.offline.reading import decode_as
from wallet_cli.offline.signer import sign_digest
from wallet_cli.offline.tills import load_own_card, make_card, read_card
from wallet_cli.offline.vault import VaultKey, make_vault_key
from wallet_cli.offline.vault_signer import has_vault_key, spare_key
from wallet_cli.offline.words import refusal
from wallet_cli.recipients import validate_recipient
from wallet_cli.session import Session
from wallet_cli.unlocking import open_key

_BOTH: Final = (Need.NETWORK, Need.KEY)
_TIMES: Final = (7, 8)
"""Places of spendUntil and claimUntil in calls that begin with a lock's seven terms."""

_OPEN_MOVING: Final = (6, 8, 9)
"""Places of openNonce, spendUntil and claimUntil in a call of open."""


@wallet_command(
    "lock",
    needs=_BOTH,
    examples=('sycee offline lock bob "50.00 EUR" --card bob.sycee --yes',
              'sycee offline lock bob "50.00 EUR" --for 14d --dry-run'),
)  # fmt: skip
@click.argument("payee", metavar="PAYEE")
@click.argument("amount", metavar="AMOUNT")
@click.option("--card", metavar="IN", help="The payee's card: file, picture or text. PAYEE may be the card itself.")
@click.option("--till", metavar="ADDRESS", help="The payee's till, if there is no card.")
@click.option("--for", "spend_for", metavar="DURATION", help="How long it can be spent (default 7d).")
@click.option("--grace", metavar="DURATION", help="How long the payee can redeem after that (default 7d).")
def lock(
    session: Session,
    payee: str,
    amount: str,
    card: str | None,
    till: str | None,
    spend_for: str | None,
    grace: str | None,
) -> None:
    """Lock AMOUNT for PAYEE alone, so that it can be paid without a network. The rest comes back afterwards."""
    desk = open_offline_desk(session)
    to, till_key = _payee_and_till(session, payee, card, till)
    policy = load_policy(session.home)
    money = parse_amount(amount, desk.currencies)
    require_within(policy, "lock_max", money)
    now_s = session.settings.now_ms() // 1_000
    spend_until_s = now_s + _duration_s(spend_for, policy.duration_s("lock_for"))
    claim_until_s = spend_until_s + _duration_s(grace, policy.duration_s("lock_grace"))
    found = _finish_earlier(desk, to, till_key, money)
    if found is None:
        wanted = LockTerms(
            desk.actor.address, to, till_key, money.currency.address, _spare_lock_key(desk), SECP256K1,
            read_open_nonce(desk),
        )  # fmt: skip
        fields: Fields = [
            ("for", desk.who(to)),
            ("till", _till_words(to, till_key)),
            ("locks", format_amount(money)),
            ("spend", f"until {instant_text(spend_until_s)}"),
            ("back", f"what is left, from {instant_text(claim_until_s)}; not before"),
        ]
        values = (lock_tuple(wanted), int(money.units), spend_until_s, claim_until_s)
        done = take_step(desk, "Lock money for offline payments", fields, "open", *values, moving=_OPEN_MOVING)
        if done is None:
            return
        terms = lock_terms_of(desk.made(done, "LockOpened"))
        certified = keep_lock(session, terms)
        assert certified is not None, "it was opened in a final block"
        answer(desk, done, _lock_record(desk, terms, certified), _opened_words(desk, terms, certified))
        return
    terms, certified = found
    session.output.result(_lock_record(desk, terms, certified), _opened_words(desk, terms, certified))


@wallet_command(
    "topup",
    needs=_BOTH,
    examples=('sycee offline topup 5f3a9c01 "20.00 EUR" --yes', 'sycee offline topup 5f3a9c01 "20.00 EUR" --dry-run'),
)
@click.argument("reference", metavar="ID")
@click.argument("amount", metavar="AMOUNT")
def topup(session: Session, reference: str, amount: str) -> None:
    """Put AMOUNT more into a lock."""
    desk, terms, word = _own_lock(session, reference)
    money = parse_amount(amount, [entry for entry in desk.currencies if entry.address == terms.currency])
    total = Amount(AmountMinor(money.units + word.word.deposit), money.currency)
    require_within(load_policy(session.home), "lock_max", total)
    fields: Fields = [("for", desk.who(terms.payee)), ("adds", format_amount(money))]
    done = take_step(desk, "Top up a lock", fields, "topUp", lock_tuple(terms), int(money.units))
    if done is not None:
        certified = keep_lock(session, terms)
        assert certified is not None, "it was topped up in a final block"
        answer(desk, done, _lock_record(desk, terms, certified), _opened_words(desk, terms, certified))


@wallet_command(
    "extend",
    needs=_BOTH,
    examples=("sycee offline extend 5f3a9c01 --for 7d --yes", "sycee offline extend 5f3a9c01 --for 7d --dry-run"),
)
@click.argument("reference", metavar="ID")
@click.option("--for", "spend_for", metavar="DURATION", help="How long from now it can be spent (default 7d).")
@click.option("--grace", metavar="DURATION", help="How long the payee can redeem after that (default 7d).")
def extend(session: Session, reference: str, spend_for: str | None, grace: str | None) -> None:
    """Make a lock last longer; it is never made shorter."""
    desk, terms, found = _own_lock(session, reference)
    policy, now_s = load_policy(session.home), session.settings.now_ms() // 1_000
    spend = max(found.word.spend_until_s, now_s + _duration_s(spend_for, policy.duration_s("lock_for")))
    claim = max(found.word.claim_until_s, spend + _duration_s(grace, policy.duration_s("lock_grace")))
    fields: Fields = [
        ("for", desk.who(terms.payee)),
        ("spend", f"until {instant_text(spend)}"),
        ("back", f"what is left, from {instant_text(claim)}"),
    ]
    done = take_step(desk, "Extend a lock", fields, "extend", lock_tuple(terms), spend, claim, moving=_TIMES)
    if done is not None:
        certified = keep_lock(session, terms)
        assert certified is not None, "it was extended in a final block"
        answer(desk, done, _lock_record(desk, terms, certified), _opened_words(desk, terms, certified))


@wallet_command(
    "refund", needs=_BOTH, examples=("sycee offline refund --yes", "sycee offline refund 5f3a9c01 --dry-run")
)
@click.argument("reference", metavar="[ID]", required=False, default="")
def refund(session: Session, reference: str) -> None:
    """Take back what is left in a lock, or in every lock whose claim window is over."""
    desk = open_offline_desk(session)
    now_s = session.settings.now_ms() // 1_000
    due = [
        (terms, found)
        for terms in find_locks(desk)
        if (name := lock_id(separator_of(session), terms)).hex().startswith(reference.removeprefix("0x"))
        and (found := read_word(session, AttestedKind.LOCK, name, desk.head)).is_live
        and (reference or now_s > found.word.claim_until_s)
    ]
    if not due:
        raise UsageRefused(
            "nothing can be refunded now" if not reference else f"no lock of {desk.actor.name} begins with {reference}",
            why="the rest of a lock comes back when its claim window is over",
            next_step="sycee offline list",
            code="NOTHING_TO_REFUND",
        )
    for terms, found in due:
        left = desk.money(terms.currency, found.word.left)
        fields: Fields = [
            ("returns", f"{left} to {desk.actor.name}"),
            ("from", f"the lock for {desk.who(terms.payee)}"),
        ]
        done = take_step(desk, "Take a lock back", fields, "refund", lock_tuple(terms))
        if done is not None:
            name = lock_id(separator_of(session), terms)
            payer_tables.close_lock(session.offline_database, name)
            answer(desk, done, {"lock": f"0x{name.hex()}"}, f"lock {name.hex()[:8]} is closed")


@wallet_command(
    "release",
    needs=_BOTH,
    examples=(
        "sycee offline release 5f3a9c01 --out back.sycee",
        "sycee offline release 5f3a9c01 --signed back.sycee --yes",
    ),
)
@click.argument("reference", metavar="ID")
@click.option("--signed", metavar="IN", help="The payee's RELEASE: pay what was accepted, take the rest back now.")
@carrier_options
def release(
    session: Session, reference: str, signed: str | None, via: str | None, out: Path | None, frame_bytes: int,
    invert: bool,
) -> None:  # fmt: skip
    """Give the rest of a lock back before its time: the payee signs, the payer submits what was signed."""
    if signed is not None:
        _submit_release(session, reference, signed)
        return
    name, best = _received_lock(session, reference)
    session.output.say(f"release of lock {name.hex()[:8]}: nothing more is accepted from it, the rest goes back")
    session.output.confirm("Sign?", is_yes=session.settings.is_yes, next_step="repeat with --yes")
    account = session.account()
    key = open_key(session, account)
    # Closed on disk before the signature exists: what is released is never accepted again.
    till_tables.close_for_acceptance(session.offline_database, name)
    digest = release_digest(separator_of(session), lock=name, cumulative=best)
    content = encode_message(Release(name[:REFERENCE_BYTES], sign_digest(key, digest), best))
    way = way_of(session, via, out, frame_bytes, invert)
    carried = carry(session, way, "release", content)
    session.output.result({"lock": f"0x{name.hex()}", **carried.record}, carried.text)
    show_frames(carried, way)


@wallet_command(
    "card",
    needs=(Need.KEY,),
    examples=(
        'sycee offline card --name "Bob\'s bakery" --via file',
        "sycee offline card --new --via png --out card.png",
    ),
)
@click.option("--name", default="", metavar="TEXT", help="What payers read, at most 32 bytes (default: the account's).")
@click.option("--new", "is_new", is_flag=True, help="Make a new till key: locks for the old one stay good.")
@click.option("--account-till", is_flag=True, help="Let the account's own key be the till.")
@carrier_options
def card(
    session: Session, name: str, is_new: bool, account_till: bool, via: str | None, out: Path | None,
    frame_bytes: int, invert: bool,
) -> None:  # fmt: skip
    """Show the card of this till: payers lock money for it. Made once, with a key of its own."""
    account = session.account()
    now_s = session.settings.now_ms() // 1_000
    found = load_own_card(session, account.address)
    if found is not None and any(found.till) and not has_vault_key(session, found.till):
        session.output.say("this card's till key is on another device, or was lost: a new till begins here")
        is_new = True
    if found is None or is_new or account_till or (name and name != found.name) or found.until_s <= now_s:
        till = ZERO_ADDRESS
        if not account_till:
            till = found.till if found is not None and any(found.till) and not is_new else _make_till_key(session)
        until_s = now_s + load_policy(session.home).duration_s("card_for")
        found = make_card(session, account, till=till, name=name or account.name, until_s=until_s)
    way = way_of(session, via, out, frame_bytes, invert)
    carried = carry(session, way, "card", encode_message(found))
    record = {
        "payee": checksum_address(found.payee),
        "till": checksum_address(found.till) if any(found.till) else "",
        "name": found.name,
        "until_s": found.until_s,
        **carried.record,
    }
    title = f"{found.name}: payee {checksum_address(found.payee)}"
    session.output.result(record, f"{title}\n{carried.text}")
    show_frames(carried, way)


def sync_locks(desk: Desk) -> tuple[int, int]:
    """Certify every live lock of who acts anew where it changed, and close those that are over.

    Returns how many are live and how many were closed now. Raises: as certify_word.
    """
    session = desk.session
    live = closed = 0
    for terms in find_locks(desk):
        name = lock_id(separator_of(session), terms)
        known = payer_tables.load_lock(session.offline_database, name)
        found = read_word(session, AttestedKind.LOCK, name, desk.head)
        if found.is_live:
            live += 1
            if known is None or known[1].word != found.word:
                keep_lock(session, terms)
        elif known is not None and not payer_tables.is_lock_closed(session.offline_database, name):
            closed += 1
            payer_tables.close_lock(session.offline_database, name)
    return live, closed


def _payee_and_till(session: Session, payee: str, card: str | None, till: str | None) -> tuple[Address, Address]:
    if looks_like_message(payee) and card is None:
        shown = read_card(session, payee)
        return shown.payee, shown.till
    to = session.resolve(payee)[1]
    validate_recipient(to)
    if card is None:
        return to, ZERO_ADDRESS if till is None else parse_address(till)[0]
    shown = read_card(session, card)
    if shown.payee != to:
        raise UsageRefused(
            f"the card is of {checksum_address(shown.payee)}, {payee} is {checksum_address(to)}",
            why="money would be locked for somebody else",
            next_step=f"ask {payee} for its card",
            code="CARD_OF_ANOTHER",
        )
    return shown.payee, shown.till


def _finish_earlier(desk: Desk, payee: Address, till: Address, money: Amount) -> tuple[LockTerms, CertifiedWord] | None:
    """Return an equal lock that was opened and never stored: this command was stopped behind its transaction."""
    session = desk.session
    for terms in find_locks(desk):
        name = lock_id(separator_of(session), terms)
        is_same = (terms.payee, terms.till, terms.currency) == (payee, till, money.currency.address)
        if is_same and payer_tables.load_lock(session.offline_database, name) is None:
            certified = keep_lock(session, terms)
            if certified is not None and certified.word.deposit == money.units:
                session.output.say(f"lock {name.hex()[:8]} was opened before and is ready now")
                return terms, certified
    return None


def _spare_lock_key(desk: Desk) -> Address:
    used = {terms.signer for terms in find_locks(desk)}
    return spare_key(desk.session, VaultKey.LOCK, used).address


def _own_lock(session: Session, reference: str) -> tuple[Desk, LockTerms, CertifiedWord]:
    desk = open_offline_desk(session)
    name = payer_tables.find_lock(session.offline_database, reference)
    found = payer_tables.load_lock(session.offline_database, name)
    assert found is not None
    return desk, found[0].terms, found[1]


def _received_lock(session: Session, reference: str) -> tuple[Hash32, int]:
    name = till_tables.find_lock(session.offline_database, reference)
    known = till_tables.load_lock(session.offline_database, name)
    account = session.account()
    if known.terms.payee != account.address:
        raise UsageRefused(
            f"lock {name.hex()[:8]} is for {checksum_address(known.terms.payee)}, not for {account.name}",
            why="only the payee's account gives a lock back",
            next_step="repeat with --from NAME of that account",
            code="OTHER_PARTY",
        )
    return name, max(known.best, known.word.settled)


def _submit_release(session: Session, reference: str, signed: str) -> None:
    desk, terms, _ = _own_lock(session, reference)
    message = decode_as(Release, read_message([signed]))
    refused = check_release(separator_of(session), terms, message)
    if refused is not None:
        raise refusal(refused)
    name = lock_id(separator_of(session), terms)
    word = read_word(session, AttestedKind.LOCK, name, desk.head).word
    paid = desk.money(terms.currency, message.cumulative - word.settled)
    back = desk.money(terms.currency, word.deposit - message.cumulative)
    fields: Fields = [("pays", f"{paid} to {desk.who(terms.payee)}"), ("returns", f"{back} to {desk.actor.name}")]
    none = Voucher(0, bytes(8), b"")
    values = (lock_tuple(terms), message.cumulative, message.signature, none.cumulative, none.invoice, none.signature)
    done = take_step(desk, "Take the rest of a lock back", fields, "release", *values)
    if done is not None:
        payer_tables.close_lock(session.offline_database, name)
        answer(desk, done, {"lock": f"0x{name.hex()}"}, f"lock {name.hex()[:8]} is closed")


def _make_till_key(session: Session) -> Address:
    import secrets

    from wallet_cli.passwords import read_password

    folder = session.home.network_data(session.network.name)
    is_development = all(account.is_development for account in session.accounts)
    password = read_password(session.password_source(), "Password of this wallet's device keys")
    return make_vault_key(
        folder, VaultKey.TILL, password, random=secrets.token_bytes, is_development=is_development
    ).address


def _duration_s(text: str | None, default_s: int) -> int:
    if text is None:
        return default_s
    seconds = parse_duration(text)
    if seconds is None:
        raise UsageRefused(
            f"{text!r} is no duration",
            why="a lock is good for so long",
            next_step=f"type it like 36h, 7d or 2w; the default is {duration_text(default_s)}",
            code="TIME_INVALID",
        )
    return seconds


def _till_words(payee: Address, till: Address) -> str:
    return checksum_address(till) if any(till) else f"the account {checksum_address(payee)} itself"


def _opened_words(desk: Desk, terms: LockTerms, certified: CertifiedWord) -> str:
    name, word = lock_id(separator_of(desk.session), terms), certified.word
    return (
        f"lock {name.hex()[:8]}: {desk.money(terms.currency, word.left)} for {desk.who(terms.payee)}\n"
        f"  spend     until {instant_text(word.spend_until_s)}, without a network: sycee offline pay INVOICE\n"
        f"  certified by {len(certified.certificate.signers)} validators at height {certified.certificate.height}"
    )


def _lock_record(desk: Desk, terms: LockTerms, certified: CertifiedWord) -> dict[str, object]:
    currency = next(entry for entry in desk.currencies if entry.address == terms.currency)
    word = certified.word
    return {
        "lock": f"0x{lock_id(separator_of(desk.session), terms).hex()}",
        "payee": checksum_address(terms.payee),
        "till": checksum_address(terms.till) if any(terms.till) else "",
        "deposit": str(word.deposit),
        "settled": str(word.settled),
        "left": format_units(word.left, currency.decimals),
        "currency": currency.code,
        "spend_until_s": word.spend_until_s,
        "claim_until_s": word.claim_until_s,
        "attested_height": certified.certificate.height,
    }
