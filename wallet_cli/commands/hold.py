"""`sycee hold`: set money aside now, pay it or give it back later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import click

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.addresses import BATCH
from contracts.declarations import encode_call
from contracts.movements import MovementKind
from contracts.native.batch import BATCH as BATCH_CONTRACT
from contracts.native.batch import CALLS_MAX
from contracts.native.dispatch import find_function
from wallet_cli.acting import Deed, carry_out, final_line
from wallet_cli.addresses import short_address
from wallet_cli.amounts import Amount, Currency, amount_record, amount_words, format_amount, parse_amount
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import UsageRefused
from wallet_cli.holds import (
    ProvenHold,
    find_hold,
    hold_call,
    is_same_hold,
    new_hold_id,
    open_holds,
    read_hold,
    short_hold_id,
)
from wallet_cli.keystore import Account
from wallet_cli.memos import EMPTY_MEMO, encode_memo, memo_text
from wallet_cli.moments import instant_text, parse_instant
from wallet_cli.outbox import Intent
from wallet_cli.payments import Payment, payments_in, validate_moved
from wallet_cli.positions import require_spendable
from wallet_cli.recipients import kind_of, validate_recipient, warnings_of
from wallet_cli.screens import deed_screen, party_words, proof_words, transaction_record
from wallet_cli.session import Session
from wallet_cli.transactions import checksum_or_name, provable_head
from wallet_cli.verified import FinalTransaction, Head

EXPIRES_DEFAULT: Final = "24h"
"""How long a hold runs unless something else is said: a day, as a card's authorisation for a meal or a taxi."""

RELEASE_GAS_LIMIT_MAX: Final = 30_000_000
"""Highest gas limit signed for giving a hundred holds back at once."""

_BOTH: Final = (Need.NETWORK, Need.KEY)
_HOLD: Final = "0x9f3a51c07b2e"


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every command about holds begins with."""

    session: Session
    account: Account
    head: Head
    currencies: list[Currency]

    @property
    def now_s(self) -> int:
        # The ledger counts whole seconds.
        return self.head.final.header.timestamp_ms // 1_000

    def find(self, text: str) -> ProvenHold:
        """Return the hold that `text` names. Raises: UsageRefused."""
        return find_hold(self.session, self.head, self.account.address, self.currencies, text)

    def who(self, address: Address) -> str:
        """Return somebody as screens name him."""
        name = self.session.name_of(address)
        return party_words(name or short_address(address), kind_of(self.session, address), address)

    def screen(
        self, title: str, fields: Sequence[tuple[str, str]], warnings: Sequence[str] = (), *, proven: str = "hold"
    ) -> str:
        """Return what is shown before signing; `proven` is what was."""
        where = (self.session.network.name, self.session.network.chain_id)
        checks = f"{proven} {proof_words(self.head.proof)}; a node tried it without revert"
        return deed_screen(title, where, fields, checks, warnings)


@wallet_command(
    "create",
    needs=_BOTH,
    examples=(
        'sycee hold create bob "12.34 EUR" --expires 36h --memo TABLE-7 --yes',
        'sycee hold create bob "5 EUR" --notary 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --dry-run',
    ),
)
@click.argument("to")
@click.argument("amount")
@click.option("--notary", metavar="WHO", help="Who decides that it is paid; without one the payee takes it.")
@click.option("--expires", default=EXPIRES_DEFAULT, metavar="TIME", help="36h, 7d or 2026-12-01T12:00 (default 24h).")
@click.option("--memo", default="", metavar="TEXT", help="Reference of at most 32 bytes, logged with every payment.")
def create(session: Session, to: str, amount: str, notary: str | None, expires: str, memo: str) -> None:
    """Set AMOUNT of your balance aside for TO, to be paid until it expires.

    Its id is drawn at random and kept with the signed transaction: after a crash the same command makes no second one.
    """
    desk = _desk(session)
    name, payee, has_checksum = session.resolve(to)
    validate_recipient(payee)
    executor = session.resolve(notary)[1] if notary else ZERO_ADDRESS
    money = parse_amount(amount, desk.currencies)
    expires_at_s = parse_instant(expires, session.settings.now_ms())
    hold_id, reference = new_hold_id(), encode_memo(memo)
    data = hold_call("createHold", hold_id, payee, executor, money.units, expires_at_s, reference)
    intent = Intent(desk.account.address, money.currency.address, data)

    def prepare() -> Deed:
        _, after = require_spendable(session, desk.head, desk.account, money)
        fields = [
            ("to", desk.who(payee)),
            ("amount", f"{format_amount(money):<14} {amount_words(money)}"),
            ("from", f"{desk.account.name:<14} after it {format_amount(after)} spendable"),
            ("paid by", desk.who(executor) if any(executor) else "the payee, who takes it when it wants"),
            ("until", f"{instant_text(expires_at_s)}; then anybody can give it back"),
            ("id", short_hold_id(hold_id)),
        ]
        if reference != EMPTY_MEMO:
            fields.append(("memo", memo_text(reference)))
        warnings = warnings_of(payee, name, has_checksum, desk.head.proof)
        record: dict[str, object] = {"id": f"0x{hold_id.hex()}", **amount_record(money)}
        return Deed(intent, desk.screen("Make a hold", fields, warnings, proven="balance"), record)

    found = carry_out(
        session,
        desk.head,
        desk.account,
        prepare,
        is_same=lambda stored: is_same_hold(stored, intent),
        name="hold",
    )
    if found is None:
        return
    made = Payment(MovementKind.HOLD_MADE, desk.account.address, payee, money, reference)
    validate_moved(found, payments_in(found, desk.currencies), made)
    # A transaction that was resumed carries the id that was drawn then.
    _answer(desk, found, found.transaction.data[4:36], money.currency)


@wallet_command(
    "pay",
    needs=_BOTH,
    examples=(f'sycee hold pay {_HOLD} "10 EUR" --from bob --yes', f"sycee hold pay {_HOLD} --from bob --yes --json"),
)
@click.argument("hold_id", metavar="ID")
@click.argument("amount", required=False, default=None)
@click.option("--release-rest", is_flag=True, help="Give what is not paid back to the payer at once.")
def pay(session: Session, hold_id: str, amount: str | None, release_rest: bool) -> None:
    """Pay AMOUNT of a hold to its payee, or all that remains; as its notary, or as its payee where there is none."""
    desk = _desk(session)
    proven = desk.find(hold_id)
    money = proven.remaining if amount is None else parse_amount(amount, [proven.currency])
    rest = proven.amount(max(proven.remaining.units - money.units, 0))
    name = "executeHoldAndRelease" if release_rest else "executeHold"
    intent = _intent(desk, proven, hold_call(name, proven.hold.id, money.units))
    remainder = "nothing"
    if rest.units:
        remainder = f"{format_amount(rest)} " + ("go back to the payer" if release_rest else "stay held")
    fields = [
        ("to", desk.who(proven.hold.payee)),
        ("amount", f"{format_amount(money):<14} {amount_words(money)}"),
        ("payer", desk.who(proven.hold.payer)),
        ("rest", remainder),
        *_identity(proven),
    ]
    deed = Deed(intent, desk.screen("Pay from a hold", fields), {"id": f"0x{proven.hold.id.hex()}"})
    paid = Payment(MovementKind.HOLD_PAID, proven.hold.payer, proven.hold.payee, money, proven.hold.memo)
    _do(desk, deed, proven, paid)


@wallet_command(
    "release",
    needs=_BOTH,
    examples=(f"sycee hold release {_HOLD} --from bob --yes", "sycee hold release --expired --yes"),
)
@click.argument("hold_id", metavar="[ID]", required=False, default=None)
@click.option("--expired", is_flag=True, help="All of your own holds that have expired, at most a hundred at once.")
def release(session: Session, hold_id: str | None, expired: bool) -> None:
    """Give what remains of a hold back to its payer: as its notary or payee, after expiry as anybody."""
    if expired == (hold_id is not None):
        raise UsageRefused(
            "it is not said which hold is meant",
            why="either ID or --expired is needed, and not both",
            next_step="sycee hold list",
            code="HOLD_NEEDED",
        )
    desk = _desk(session)
    if hold_id is None:
        _release_expired(desk)
        return
    proven = desk.find(hold_id)
    intent = _intent(desk, proven, hold_call("releaseHold", proven.hold.id))
    fields = [("back to", desk.who(proven.hold.payer)), ("amount", format_amount(proven.remaining)), *_identity(proven)]
    deed = Deed(intent, desk.screen("Give a hold back", fields), {"id": f"0x{proven.hold.id.hex()}"})
    back = Payment(MovementKind.HOLD_RELEASED, proven.hold.payer, proven.hold.payee, proven.remaining, EMPTY_MEMO)
    _do(desk, deed, proven, back)


@wallet_command(
    "consent",
    needs=_BOTH,
    examples=(f"sycee hold consent {_HOLD} --until 7d --from bob --yes",
              f"sycee hold consent {_HOLD} --from bob --until 9d --dry-run"),
)  # fmt: skip
@click.argument("hold_id", metavar="ID")
@click.option("--until", required=True, metavar="TIME", help="7d, or 2026-12-01T12:00 (UTC).")
def consent(session: Session, hold_id: str, until: str) -> None:
    """Let the payer extend a hold up to TIME; as its notary, or as its payee where there is none."""
    _prolong(session, hold_id, until, "consentToExtension", "Consent to extend a hold")


@wallet_command(
    "extend",
    needs=_BOTH,
    examples=(f"sycee hold extend {_HOLD} --until 7d --yes", f"sycee hold extend {_HOLD} --until 2026-12-31 --dry-run"),
)
@click.argument("hold_id", metavar="ID")
@click.option("--until", required=True, metavar="TIME", help="7d, or 2026-12-01T12:00 (UTC).")
def extend(session: Session, hold_id: str, until: str) -> None:
    """Let a hold of your own expire at TIME instead, as far as whoever pays it consented."""
    _prolong(session, hold_id, until, "extendHold", "Extend a hold")


@wallet_command("show", needs=(Need.NETWORK,), examples=(f"sycee hold show {_HOLD}", f"sycee hold show {_HOLD} --json"))
@click.argument("hold_id", metavar="ID")
def show(session: Session, hold_id: str) -> None:
    """Show a hold, open or closed, proven."""
    desk = _desk(session)
    proven = desk.find(hold_id)
    hold = proven.hold
    fields = [
        ("id", f"0x{hold.id.hex()}"),
        ("status", proven.status_words(desk.now_s)),
        ("payer", desk.who(hold.payer)),
        ("to", desk.who(hold.payee)),
        ("notary", desk.who(hold.notary) if any(hold.notary) else "none: the payee takes it"),
        ("amount", format_amount(proven.amount(hold.amount))),
        ("remaining", format_amount(proven.remaining)),
        ("expires", instant_text(hold.expires_at_s)),
    ]
    if hold.consented_until_s:
        fields.append(("consent", f"may be extended until {instant_text(hold.consented_until_s)}"))
    if hold.memo != EMPTY_MEMO:
        fields.append(("memo", memo_text(hold.memo)))
    lines = [f"  {label:<10}{text}" for label, text in fields]
    text = "\n".join([*lines, f"  {desk.head.proof.label()}"])
    session.output.result(proven.record(desk.now_s), text, proof=desk.head.proof)


@wallet_command("list", needs=(Need.NETWORK,), examples=("sycee hold list", "sycee hold list --json"))
@click.option(
    "--as", "role", type=click.Choice(["payer", "payee", "notary"]), help="Only those the account is this to."
)
def list_(session: Session, role: str | None) -> None:
    """List the open holds an account has to do with, the soonest to expire first; each proven.

    That none is missing is one node's word.
    """
    desk = _desk(session)
    found = open_holds(session, desk.head, desk.account.address, desk.currencies)
    shown = [(proven, roles) for proven, roles in found if role is None or role in roles]
    lines = []
    for proven, roles in shown:
        other = proven.hold.payee if "payer" in roles else proven.hold.payer
        lines.append(
            f"  {proven.short_id}  {format_amount(proven.remaining):>16}  {'+'.join(roles):<8} "
            f"{checksum_or_name(session, other):<12.12} {instant_text(proven.hold.expires_at_s)[:16]}"
            f"{'  expired' if proven.has_expired(desk.now_s) else ''}"
        )
    own_expired = _expired(desk, shown)
    if own_expired:
        lines.append(f"  {len(own_expired)} of your own expired; take them back: sycee hold release --expired")
    text = "\n".join([*(lines or ["  no open holds"]), f"  {desk.head.proof.label()}; the list is one node's word"])
    records = [{**proven.record(desk.now_s), "roles": list(roles)} for proven, roles in shown]
    session.output.result(records, text, proof=desk.head.proof)


hold = WalletGroup(
    "hold",
    table={
        "create": ("wallet_cli.commands.hold:create", "set money aside for somebody"),
        "pay": ("wallet_cli.commands.hold:pay", "pay from a hold"),
        "release": ("wallet_cli.commands.hold:release", "give a hold back"),
        "consent": ("wallet_cli.commands.hold:consent", "let a hold be extended"),
        "extend": ("wallet_cli.commands.hold:extend", "let a hold expire later"),
        "show": ("wallet_cli.commands.hold:show", "show a hold"),
        "list": ("wallet_cli.commands.hold:list_", "open holds of an account"),
    },
    help="Set money aside now, pay it or give it back later.",
)


def _desk(session: Session) -> _Desk:
    head = provable_head(session)
    return _Desk(session, session.account(), head, load_currencies(session, head))


def _intent(desk: _Desk, proven: ProvenHold, data: bytes) -> Intent:
    return Intent(desk.account.address, proven.currency.address, data)


def _identity(proven: ProvenHold) -> list[tuple[str, str]]:
    fields = [("id", proven.short_id), ("until", instant_text(proven.hold.expires_at_s))]
    if proven.hold.memo != EMPTY_MEMO:
        fields.append(("memo", memo_text(proven.hold.memo)))
    return fields


def _do(desk: _Desk, deed: Deed, proven: ProvenHold, expected: Payment | None) -> None:
    """Carry a deed about one hold out and show what became of the hold."""
    found = carry_out(desk.session, desk.head, desk.account, lambda: deed, is_same=deed.intent.__eq__)
    if found is None:
        return
    if expected is not None:
        validate_moved(found, payments_in(found, desk.currencies), expected)
    _answer(desk, found, proven.hold.id, proven.currency)


def _prolong(session: Session, hold_id: str, until: str, function: str, title: str) -> None:
    desk = _desk(session)
    proven = desk.find(hold_id)
    until_s = parse_instant(until, session.settings.now_ms())
    intent = _intent(desk, proven, hold_call(function, proven.hold.id, until_s))
    fields = [
        ("hold", f"{format_amount(proven.remaining):<14} to {checksum_or_name(session, proven.hold.payee)}"),
        ("from", instant_text(proven.hold.expires_at_s)),
        ("until", instant_text(until_s)),
        ("id", proven.short_id),
    ]
    _do(desk, Deed(intent, desk.screen(title, fields), {"id": f"0x{proven.hold.id.hex()}"}), proven, None)


def _expired(desk: _Desk, found: Sequence[tuple[ProvenHold, tuple[str, ...]]]) -> list[ProvenHold]:
    return [proven for proven, roles in found if "payer" in roles and proven.has_expired(desk.now_s)]


def _release_expired(desk: _Desk) -> None:
    """Take back everything of one's own that expired, in one transaction."""
    session = desk.session
    found = open_holds(session, desk.head, desk.account.address, desk.currencies)
    expired = _expired(desk, found)[:CALLS_MAX]
    if not expired:
        session.output.result([], "no hold of yours has expired", proof=desk.head.proof)
        return
    calls = tuple((proven.currency.address, hold_call("releaseHold", proven.hold.id)) for proven in expired)
    data = encode_call(find_function(BATCH_CONTRACT, "execute"), calls)
    fields = [("back to", desk.account.name)]
    fields += [(proven.short_id[:9], f"{format_amount(proven.remaining):>16}") for proven in expired]
    fields += [("together", format_amount(total)) for total in _sums(expired)]
    deed = Deed(
        Intent(desk.account.address, BATCH, data),
        desk.screen("Take expired holds back", fields),
        {"ids": [f"0x{proven.hold.id.hex()}" for proven in expired]},
        RELEASE_GAS_LIMIT_MAX,
    )
    done = carry_out(session, desk.head, desk.account, lambda: deed, is_same=deed.intent.__eq__)
    if done is None:
        return
    payments = payments_in(done, desk.currencies)
    for proven in expired:
        parties = (proven.hold.payer, proven.hold.payee)
        validate_moved(done, payments, Payment(MovementKind.HOLD_RELEASED, *parties, proven.remaining, EMPTY_MEMO))
    text = f"{final_line(done.proof)}\n0x{done.transaction.hash.hex()}"
    session.output.result(transaction_record(done, payments), text, proof=done.proof)


def _sums(holds: Sequence[ProvenHold]) -> list[Amount]:
    """Return what holds have left, added up by currency."""
    sums: dict[Currency, Amount] = {}
    for proven in holds:
        before = sums.get(proven.currency, proven.amount(0))
        sums[proven.currency] = replace(before, units=proven.amount(before.units + proven.remaining.units).units)
    return list(sums.values())


def _answer(desk: _Desk, found: FinalTransaction, hold_id: bytes, currency: Currency) -> None:
    """Show a transaction that is done, and the hold as it is now."""
    session = desk.session
    after = provable_head(session)
    # An endpoint that lags behind could only prove what was.
    is_after = after.final.header.height >= found.final.header.height
    proven = read_hold(session, after, currency, hold_id) if is_after else None
    record = transaction_record(found, payments_in(found, desk.currencies))
    lines = [final_line(found.proof), f"0x{found.transaction.hash.hex()}"]
    if proven is not None:
        now_s = after.final.header.timestamp_ms // 1_000
        record["hold"] = proven.record(now_s)
        lines.append(
            f"hold {proven.short_id} {proven.status_words(now_s)}, {format_amount(proven.remaining)} remaining, "
            f"until {instant_text(proven.hold.expires_at_s)}"
        )
    session.output.result(record, "\n".join(lines), proof=found.proof)
