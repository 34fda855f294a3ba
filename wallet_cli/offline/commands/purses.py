"""`sycee offline purse` and `sycee offline class`: money for any payee of a closed group, covered for all of them."""

from collections.abc import Sequence
from typing import Final

import click

from consensus.light.attestation import AttestedKind
from consensus.primitives.scalars import Address, Hash32
from contracts.offline.device_signatures import SECP256K1
from contracts.offline.errors import RuleBroken
from contracts.offline.purse_rules import MAX_HOPS, class_id, collateral_needed
from contracts.offline.slots import class_member_slot, class_size_slot
from contracts.offline.typed_data import PurseTerms, purse_id
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, format_amount, parse_amount
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.deals.desk import Desk
from wallet_cli.deals.steps import Fields, answer, take_step
from wallet_cli.errors import UsageRefused
from wallet_cli.moments import instant_text
from wallet_cli.offline import payer_tables, till_tables
from wallet_cli.offline.domain import separator_of
from wallet_cli.offline.ledger import (
    find_classes,
    find_members,
    find_purses,
    keep_purse,
    open_offline_desk,
    purse_terms_of,
    purse_tuple,
    read_open_nonce,
    read_slot,
    read_word,
)
from wallet_cli.offline.messages import CertifiedWord
from wallet_cli.offline.policy import load_policy, require_within
from wallet_cli.offline.vault import VaultKey
from wallet_cli.offline.vault_signer import spare_key
from wallet_cli.offline.words import Names
from wallet_cli.pinned_currencies import pinned_currencies
from wallet_cli.session import Session
from wallet_cli.verified import Head

_BOTH: Final = (Need.NETWORK, Need.KEY)
_OPEN_MOVING: Final = (5, 12, 13)
"""Places of openNonce, spendUntil and claimUntil in a call of openPurse."""

_NO_MEMBER: Final = 0


@wallet_command(
    "open",
    needs=_BOTH,
    examples=('sycee offline purse open "60.00 EUR" --class 0x77aa --yes',
              'sycee offline purse open "60.00 EUR" --class 0x77aa --per-payee "20.00 EUR" --dry-run'),
)  # fmt: skip
@click.argument("value", metavar="VALUE")
@click.option("--class", "reference", required=True, metavar="ID", help="The payees that it can pay.")
@click.option("--per-payee", metavar="AMOUNT", help="The most that one of them can get (default 20.00).")
def open_(session: Session, value: str, reference: str, per_payee: str | None) -> None:
    """Lock VALUE to be spent at any payee of a class; as much more is locked as covers all of them."""
    desk = open_offline_desk(session)
    policy = load_policy(session.home)
    money = parse_amount(value, desk.currencies)
    require_within(policy, "purse_value_max", money)
    cap = parse_amount(per_payee, [money.currency]) if per_payee else policy.amount("purse_per_payee", money.currency)
    cap = Amount(min(cap.units, money.units), money.currency)
    accept_class = _class_named(desk, reference)
    members = find_members(desk, accept_class)
    collateral = collateral_needed(value=money.units, per_payee=cap.units, class_size=len(members))
    spend_until_s = session.settings.now_ms() // 1_000 + policy.duration_s("purse_for")
    claim_until_s = spend_until_s + policy.duration_s("purse_grace")
    used = {terms.signer for terms in find_purses(desk)}
    signer = spare_key(session, VaultKey.PURSE, used).address
    terms = PurseTerms(
        desk.actor.address, money.currency.address, signer, SECP256K1, 0, read_open_nonce(desk), money.units,
        collateral, cap.units, MAX_HOPS, 0, accept_class, spend_until_s, claim_until_s,
    )  # fmt: skip
    pot = desk.money(money.currency.address, money.units + collateral)
    fields: Fields = [
        ("spendable", format_amount(money)),
        ("locks", f"{pot}: what {len(members)} payees could be shown at most"),
        ("each", f"payee gets at most {format_amount(cap)}"),
        ("spend", f"until {instant_text(spend_until_s)}"),
        ("back", f"what is left, from {instant_text(claim_until_s)}; not before"),
        ("careful", "units shown twice are proof against you; the key is in no backup"),
    ]
    done = take_step(desk, "Open a purse", fields, "openPurse", purse_tuple(terms), moving=_OPEN_MOVING)
    if done is not None:
        opened = purse_terms_of(desk.made(done, "PurseOpened"))
        certified = keep_purse(session, opened, members)
        assert certified is not None, "it was opened in a final block"
        answer(desk, done, _record(desk, opened, certified), f"purse {_name(session, opened).hex()[:8]} is certified")


@wallet_command("list", needs=(), examples=("sycee offline purse list", "sycee offline purse list --json"))
def list_(session: Session) -> None:
    """List this wallet's purses."""
    names = Names(session, pinned_currencies(session))
    payer = payer_tables.load_payer(
        session.offline_database,
        chain_id=session.network.chain_id,
        separator=separator_of(session),
        currencies=tuple(currency.address for currency in names.currencies),
    )
    records, lines = [], []
    for purse in payer.purses:
        terms, name = purse.terms, _name(session, purse.terms)
        left = names.money(terms.currency, terms.value - purse.next_lo)
        records.append(
            {
                "purse": f"0x{name.hex()}",
                "left": left,
                "per_payee": names.money(terms.currency, terms.per_payee),
                "payees": len(purse.members),
                "frozen": purse.is_frozen,
                "spend_until_s": terms.spend_until_s,
            }
        )
        state = "FROZEN after a restore" if purse.is_frozen else f"until {instant_text(terms.spend_until_s)}"
        lines.append(f"{name.hex()[:8]}  {left:>16} left for {len(purse.members)} payees, {state}")
    session.output.result(records, "\n".join(lines) or "no purse; with a network: sycee offline purse open VALUE")


@wallet_command(
    "flag", needs=_BOTH, examples=("sycee offline purse flag 5f3a9c01 --yes", "sycee offline purse flag 5f3a --dry-run")
)
@click.argument("reference", metavar="ID")
def flag(session: Session, reference: str) -> None:
    """Warn payees of a purse whose device is lost. What they accepted before is paid all the same."""
    desk, terms = _own_purse(session, reference)
    fields: Fields = [("purse", _name(session, terms).hex()), ("effect", "payees that hear of it accept nothing more")]
    done = take_step(desk, "Flag a purse", fields, "flagPurse", purse_tuple(terms))
    if done is not None:
        answer(desk, done, {"purse": f"0x{_name(session, terms).hex()}"}, "flagged")


@wallet_command(
    "close",
    needs=_BOTH,
    examples=("sycee offline purse close 5f3a9c01 --yes", "sycee offline purse close 5f3a --dry-run"),
)
@click.argument("reference", metavar="ID")
def close(session: Session, reference: str) -> None:
    """Take back what is left in a purse, when its claim window is over."""
    desk, terms = _own_purse(session, reference)
    name = _name(session, terms)
    left = desk.money(terms.currency, read_word(session, AttestedKind.PURSE, name, desk.head).word.left)
    fields: Fields = [("returns", f"{left} to {desk.actor.name}")]
    done = take_step(desk, "Close a purse", fields, "closePurse", purse_tuple(terms))
    if done is not None:
        payer_tables.close_purse(session.offline_database, name)
        answer(desk, done, {"purse": f"0x{name.hex()}"}, f"purse {name.hex()[:8]} is closed")


@wallet_command(
    "create",
    needs=_BOTH,
    examples=("sycee offline class create bob carol --yes", "sycee offline class create bob carol dave --dry-run"),
)
@click.argument("members", nargs=-1, required=True, metavar="PAYEE...")
def create(session: Session, members: tuple[str, ...]) -> None:
    """Make a class of payees; it never changes, so that purses for it stay covered."""
    desk = open_offline_desk(session)
    listed = sorted(session.resolve(member)[1] for member in members)
    try:
        name = class_id(listed)
    except RuleBroken as error:
        raise UsageRefused(
            f"these payees cannot be a class: {error}",
            why="a class is 1 to 500 different accounts",
            next_step="name each payee once",
            code="CLASS_INVALID",
        ) from error
    fields: Fields = [("payee", desk.who(member)) for member in listed]
    done = take_step(desk, "Make a class of payees", fields, "createClass", listed)
    if done is not None:
        shown = [checksum_address(member) for member in listed]
        record: dict[str, object] = {"class": f"0x{name.hex()}", "members": shown}
        answer(desk, done, record, f"class 0x{name.hex()}")


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee offline class show 0x77aa", "sycee offline class show 0x77aa --json"),
)
@click.argument("reference", metavar="ID")
def show(session: Session, reference: str) -> None:
    """Show who is in a class, proven, and remember it if this account is."""
    desk = open_offline_desk(session, is_reading=True)
    name = _class_named(desk, reference)
    members = find_members(desk, name)
    is_member = _remember_class(desk, name)
    record = {
        "class": f"0x{name.hex()}",
        "members": [checksum_address(member) for member in members],
        "is_member": is_member,
    }
    lines = [f"class 0x{name.hex()}", *(f"  {desk.who(member)}" for member in members)]
    session.output.result(record, "\n".join(lines), proof=desk.head.proof)


def sync_classes(desk: Desk) -> int:
    """Remember every class that who acts is proven to be in, and return how many. Raises: ProofInvalid."""
    return sum(_remember_class(desk, name) for name in find_classes(desk))


def sync_purses(desk: Desk) -> int:
    """Certify every live purse of who acts anew and close those that are over; return how many are live."""
    session = desk.session
    live = 0
    for terms in find_purses(desk):
        name = _name(session, terms)
        known = payer_tables.load_purse(session.offline_database, name)
        if read_word(session, AttestedKind.PURSE, name, desk.head).is_live:
            live += 1
            # Payees ask for a young certificate: a purse is certified whenever there is a network.
            keep_purse(session, terms, known[0].members if known else find_members(desk, terms.accept_class))
        elif known is not None and not payer_tables.is_purse_closed(session.offline_database, name):
            payer_tables.close_purse(session.offline_database, name)
    return live


def _remember_class(desk: Desk, name: Hash32) -> bool:
    size, member = _class_words(desk.session, desk.head, name, desk.own)
    if member == _NO_MEMBER:
        return False
    till_tables.save_class(desk.session.offline_database, name, size)
    return True


def _class_words(session: Session, head: Head, name: Hash32, account: Address) -> tuple[int, int]:
    return (
        read_slot(session, head, class_size_slot(name)),
        read_slot(session, head, class_member_slot(name, account)),
    )


def _class_named(desk: Desk, reference: str) -> Hash32:
    """Return the one class that begins with these digits, of those that a node lists. Raises: UsageRefused."""
    digits = reference.removeprefix("0x").lower()
    found: Sequence[Hash32] = [name for name in find_classes(desk) if name.hex().startswith(digits)]
    if len(found) == 1:
        return found[0]
    raise UsageRefused(
        f"{len(found)} classes begin with {reference!r}",
        why="a purse is for the payees of one class",
        next_step="sycee offline class create PAYEE...",
        code="CLASS_UNKNOWN",
    )


def _own_purse(session: Session, reference: str) -> tuple[Desk, PurseTerms]:
    """Return a purse of the account in use, found on the ledger: a lost device's store is not needed."""
    desk = open_offline_desk(session)
    digits = reference.removeprefix("0x").lower()
    found = [terms for terms in find_purses(desk) if _name(session, terms).hex().startswith(digits)]
    if len(found) == 1:
        return desk, found[0]
    raise UsageRefused(
        f"{len(found)} purses of {desk.actor.name} begin with {reference!r}",
        why="one purse is flagged or closed at a time",
        next_step="sycee offline purse list",
        code="REFERENCE_UNKNOWN",
    )


def _name(session: Session, terms: PurseTerms) -> Hash32:
    return purse_id(separator_of(session), terms)


def _record(desk: Desk, terms: PurseTerms, certified: CertifiedWord) -> dict[str, object]:
    return {
        "purse": f"0x{_name(desk.session, terms).hex()}",
        "value": str(desk.money(terms.currency, terms.value)),
        "collateral": str(desk.money(terms.currency, terms.collateral)),
        "per_payee": str(desk.money(terms.currency, terms.per_payee)),
        "class": f"0x{terms.accept_class.hex()}",
        "spend_until_s": terms.spend_until_s,
        "claim_until_s": terms.claim_until_s,
        "attested_height": certified.certificate.height,
    }


purse = WalletGroup(
    "purse",
    table={
        "open": ("wallet_cli.offline.commands.purses:open_", "lock money for a class of payees"),
        "list": ("wallet_cli.offline.commands.purses:list_", "this wallet's purses"),
        "flag": ("wallet_cli.offline.commands.purses:flag", "warn payees of a lost device"),
        "close": ("wallet_cli.offline.commands.purses:close", "take the rest back"),
    },
    help="Money for any payee of a closed group.",
)

class_ = WalletGroup(
    "class",
    table={
        "create": ("wallet_cli.offline.commands.purses:create", "make a class of payees"),
        "show": ("wallet_cli.offline.commands.purses:show", "who is in it, proven"),
    },
    help="Closed groups of payees, whom a purse can pay.",
)
