"""`sycee settle`: deliveries and payments that happen together or not at all, through SettlementEngine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import click

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from wallet_cli.addresses import checksum_address
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.deals.desk import Desk, Money, open_desk
from wallet_cli.deals.steps import answer, memo_fields, movement, name_of, parse_money, show_deal, take_step
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import EMPTY_MEMO, encode_memo, memo_text
from wallet_cli.moments import instant_text, parse_instant
from wallet_cli.output import Proof
from wallet_cli.recipients import validate_recipient
from wallet_cli.session import Session

LEGS_MAX: Final = 16
"""Legs of one instruction, as in the contract."""

EXPIRES_DEFAULT: Final = "1h"
"""How long an instruction waits for its payers unless something else is said: trades of one day settle in it."""

STATES: Final = {1: "proposed", 2: "settled", 3: "rejected", 4: "cancelled"}
"""As the contract numbers them."""

_BOTH: Final = (Need.NETWORK, Need.KEY)
_number: Final = click.argument("number", metavar="ID", type=click.IntRange(1, 2**64))


@dataclass(frozen=True, slots=True)
class Leg:
    """One movement of an instruction."""

    payer: Address
    payee: Address
    money: Money

    def value(self) -> Sequence[AbiValue]:
        """Return the leg as the contract takes it."""
        return (self.money.token, self.payer, self.payee, self.money.units)


@dataclass(frozen=True, slots=True)
class Instruction:
    """What was proposed, proven."""

    number: int
    legs: tuple[Leg, ...]
    expires_at_s: int
    memo: bytes

    @property
    def payers(self) -> tuple[Address, ...]:
        """Return who must affirm, each once, in the order of the legs."""
        return tuple(dict.fromkeys(leg.payer for leg in self.legs))


def parse_leg(desk: Desk, text: str) -> Leg:
    """Return `PAYER:PAYEE:AMOUNT`; the amount is `100.00 EUR`, or `5 BOND@0x…` in smallest units of a token.

    Raises: UsageRefused.
    """
    parts = text.split(":")
    if len(parts) != 3:
        raise UsageRefused(
            f"{text!r} is not a leg",
            why="a leg says who pays whom how much",
            next_step='type it like "alice:bob:100.00 EUR" or "bob:alice:5 BOND@0x…"',
            code="LEG_INVALID",
        )
    payer, payee = desk.session.resolve(parts[0])[1], desk.session.resolve(parts[1])[1]
    validate_recipient(payer)
    validate_recipient(payee)
    return Leg(payer, payee, parse_money(desk, parts[2]))


@wallet_command(
    "propose",
    needs=_BOTH,
    examples=('sycee settle propose "alice:bob:100.00 EUR" "bob:alice:15000 JPY" --memo T-17 --yes',
              'sycee settle propose "alice:bob:100.00 EUR" "bob:alice:15000 JPY" --expires 2h --dry-run'),
)  # fmt: skip
@click.argument("legs", nargs=-1, required=True, metavar="LEG...")
@click.option("--expires", default=EXPIRES_DEFAULT, metavar="TIME", help="1h, 2d or 2026-12-01T12:00 (default 1h).")
@click.option("--memo", default="", metavar="TEXT", help="The trade's reference, at most 32 bytes.")
def propose(session: Session, legs: tuple[str, ...], expires: str, memo: str) -> None:
    """Put an instruction before its parties: every LEG is PAYER:PAYEE:AMOUNT. Nothing moves until all affirm."""
    desk = open_desk(session, "SettlementEngine")
    if len(legs) > LEGS_MAX:
        raise UsageRefused(
            f"{len(legs)} legs were given, an instruction has at most {LEGS_MAX}",
            why="all of them settle in one transaction",
            next_step="propose two instructions, or net the legs",
            code="LEGS_TOO_MANY",
        )
    parsed = tuple(parse_leg(desk, text) for text in legs)
    expires_at_s = parse_instant(expires, session.settings.now_ms())
    reference = encode_memo(memo)
    fields = _fields(desk, Instruction(0, parsed, expires_at_s, reference))
    legs_values = [leg.value() for leg in parsed]
    # The expiry moves on with the clock; the same legs and reference are the same deed.
    values = (legs_values, expires_at_s, reference)
    found = take_step(desk, "Propose a settlement", fields, "propose", *values, moving=(1,))
    if found is not None:
        made = _instruction(desk, desk.made(found, "InstructionProposed"))
        outcome = f"instruction {made.number}; each payer affirms it: sycee settle affirm {made.number}"
        answer(desk, found, _record(made), outcome)


@wallet_command(
    "affirm", needs=_BOTH, examples=("sycee settle affirm 1 --from bob --yes", "sycee settle affirm 1 --dry-run")
)
@_number
def affirm(session: Session, number: int) -> None:
    """Agree to an instruction and reserve all that you pay in it; the last payer settles all legs."""
    desk = open_desk(session, "SettlementEngine")
    found = _find(desk, number)
    own = desk.actor.address
    paid = [leg.money for leg in found.legs if leg.payer == own]
    record: dict[str, object] = {"instruction": number}
    done = take_step(desk, "Affirm a settlement", _fields(desk, found), "affirm", number, record=record, paid=paid)
    if done is not None:
        is_settled = bool(desk.events(done.receipt.logs, "InstructionSettled"))
        outcome = f"instruction {number} {'settled' if is_settled else 'waits for other payers'}"
        answer(desk, done, _record(found), outcome)


@wallet_command(
    "reject",
    needs=_BOTH,
    examples=("sycee settle reject 1 --reason PRICE --yes", "sycee settle reject 1 --from bob --dry-run"),
)
@_number
@click.option("--reason", default="", metavar="TEXT", help="For the other parties, at most 32 bytes.")
def reject(session: Session, number: int, reason: str) -> None:
    """End an instruction that you pay or receive in, before it settles; every reservation returns."""
    _end(session, number, "reject", (number, encode_memo(reason)), "rejected")


@wallet_command("cancel", needs=_BOTH, examples=("sycee settle cancel 1 --yes", "sycee settle cancel 1 --dry-run"))
@_number
def cancel(session: Session, number: int) -> None:
    """End an instruction that has expired, as anybody; every reservation returns."""
    _end(session, number, "cancel", (number,), "cancelled")


@wallet_command("show", needs=(Need.NETWORK,), examples=("sycee settle show 1", "sycee settle show 1 --json"))
@_number
def show(session: Session, number: int) -> None:
    """Show an instruction: its terms proven; its state and who has affirmed are one node's word."""
    desk = open_desk(session, "SettlementEngine", is_reading=True)
    found = _find(desk, number)
    state = _state(desk, number)
    affirmed = [payer for payer in found.payers if desk.ask("hasAffirmed", number, payer)[0]]
    waiting = [payer for payer in found.payers if payer not in affirmed]
    fields = [*_fields(desk, found), ("state", f"{state}  UNVERIFIED")]
    fields += [("affirmed", desk.who(payer)) for payer in affirmed]
    fields += [("waits for", desk.who(payer)) for payer in waiting if state == "proposed"]
    record = {
        **_record(found),
        "state": state,
        "affirmed": [checksum_address(payer) for payer in affirmed],
        "waiting": [checksum_address(payer) for payer in waiting],
    }
    show_deal(desk, f"instruction {number}", fields, record)


@wallet_command("list", needs=(Need.NETWORK,), examples=("sycee settle list", "sycee settle list --json"))
def list_(session: Session) -> None:
    """List the instructions that you pay or receive in; terms proven, that none is missing is one node's word."""
    desk = open_desk(session, "SettlementEngine")
    own = desk.actor.address
    lines, records = [], []
    for transaction_hash in dict.fromkeys(desk.transactions_with("InstructionProposed")):
        proven = session.verifier.finality(transaction_hash)
        for values in [] if proven is None else desk.events(proven.receipt.logs, "InstructionProposed"):
            found = _instruction(desk, values)
            if not any(own in (leg.payer, leg.payee) for leg in found.legs):
                continue
            state = _state(desk, found.number)
            lines.append(f"  {found.number:>6}  {state:<10} {memo_text(found.memo):<16.16} {found.legs[0].money}"
                         f"{' …' if len(found.legs) > 1 else ''}")  # fmt: skip
            records.append({**_record(found), "state": state})
    proof = Proof("unverified")
    session.output.result(records, "\n".join([*(lines or ["  no instructions"]), f"  {proof.label()}"]), proof=proof)


settle = WalletGroup(
    "settle",
    table={
        "propose": ("wallet_cli.deals.settle:propose", "put deliveries and payments before their parties"),
        "affirm": ("wallet_cli.deals.settle:affirm", "agree, and reserve what you pay"),
        "reject": ("wallet_cli.deals.settle:reject", "end one before it settles"),
        "cancel": ("wallet_cli.deals.settle:cancel", "end one that has expired"),
        "show": ("wallet_cli.deals.settle:show", "show one"),
        "list": ("wallet_cli.deals.settle:list_", "those you are a party of"),
    },
    help="Deliveries and payments that happen together or not at all.",
)


def _find(desk: Desk, number: int) -> Instruction:
    return _instruction(desk, desk.terms("InstructionProposed", "instructionId", number))


def _instruction(desk: Desk, values: dict[str, AbiValue]) -> Instruction:
    legs = tuple(
        Leg(Address(payer), Address(payee), desk.money(Address(token), units))
        for token, payer, payee, units in cast(Sequence[tuple[bytes, bytes, bytes, int]], values["legs"])
    )
    number, expires_at_s, memo = values["instructionId"], values["expiresAt"], values["memo"]
    assert isinstance(number, int) and isinstance(expires_at_s, int) and isinstance(memo, bytes), "declared so"
    return Instruction(number, legs, expires_at_s, memo)


def _state(desk: Desk, number: int) -> str:
    instruction = cast(Sequence[int], desk.ask("instructionOf", number)[0])
    return STATES.get(instruction[1], f"state {instruction[1]}")


def _end(session: Session, number: int, function: str, values: Sequence[AbiValue], outcome: str) -> None:
    desk = open_desk(session, "SettlementEngine")
    found = _find(desk, number)
    title = f"{function.capitalize()} a settlement"
    done = take_step(desk, title, _fields(desk, found), function, *values, record={"instruction": number})
    if done is not None:
        told = f"instruction {number} {outcome}; what was reserved returned or is owed"
        answer(desk, done, _record(found), told)


def _fields(desk: Desk, found: Instruction) -> list[tuple[str, str]]:
    """Return every movement, who must act, and until when."""
    fields = [movement(desk, leg.money, leg.payer, leg.payee) for leg in found.legs]
    fields.append(("payers", ", ".join(name_of(desk, payer) for payer in found.payers) + "; all of them must affirm"))
    fields.append(("until", f"{instant_text(found.expires_at_s)}; then anybody can cancel"))
    return [*fields, *memo_fields(found.memo)]


def _record(found: Instruction) -> dict[str, object]:
    return {
        "instruction": found.number,
        "legs": [
            {
                "token": checksum_address(leg.money.token),
                "payer": checksum_address(leg.payer),
                "payee": checksum_address(leg.payee),
                "units": str(leg.money.units),
                "amount": str(leg.money),
            }
            for leg in found.legs
        ],
        "expires_at_s": found.expires_at_s,
        "memo": "" if found.memo == EMPTY_MEMO else memo_text(found.memo),
    }
