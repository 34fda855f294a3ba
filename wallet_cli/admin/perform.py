"""From a plan to a final transaction: show, try, ask, sign, send, prove. The order never changes.

Nothing is signed that was not shown and that a node did not run without revert; each plan is asked for by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from consensus.primitives.scalars import Address
from contracts.decoding import DecodedError, DecodedEvent, decode_log, decode_revert
from wallet_cli.acting import Deed, carry_out, final_line
from wallet_cli.admin.kinds import account_text
from wallet_cli.admin.plans import LABEL_COLUMNS, Plan, plan_lines, plan_record
from wallet_cli.admin.remedies import remedy
from wallet_cli.admin.scope import Scope
from wallet_cli.admin.words import named_words
from wallet_cli.client import RpcRefused
from wallet_cli.contract_arguments import value_record
from wallet_cli.errors import TransactionRefused
from wallet_cli.keystore import Account
from wallet_cli.outbox import Intent
from wallet_cli.output import age_text
from wallet_cli.transactions import EXECUTION_REVERTED, revert_text
from wallet_cli.verified import FinalTransaction, refused_answer

GAS_LIMIT_MAX: Final = 30_000_000
"""Highest gas limit signed for one administrative call: 500 accounts of a list take a million. Gas costs nothing."""

_SCREEN_COLUMNS: Final = 80
_EVENTS_SHOWN: Final = 10
"""Events of one transaction printed; a change of a list has one for each account, and `--json` has all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A plan that was carried out, proven."""

    plan: Plan
    found: FinalTransaction


def perform(scope: Scope, account: Account, plans: Sequence[Plan]) -> None:
    """Carry plans out one after the other with the rights of `account`, and print what became of them.

    The same command again resumes what was signed before. Raises: TransactionRefused, Declined, OutcomeUnknown,
    ProofInvalid.
    """
    if scope.session.settings.is_dry_run:
        show(scope, plans)
        scope.session.output.say(simulate(scope, plans[0]))
        print_dry_run(scope, plans)
        return
    _print_outcomes(scope, [_carry_out(scope, account, plan) for plan in plans])


def show(scope: Scope, plans: Sequence[Plan]) -> None:
    """Show plans on stderr: what each does, who signs, from which state it was read."""
    network, proof = scope.session.network, scope.ledger.head.proof
    lines = [line for plan in plans for line in plan_lines(plan)]
    lines[0] += f"network {network.name}, chain {network.chain_id}".rjust(_SCREEN_COLUMNS - len(lines[0]))
    lines.append(_field("signs", account_text(scope, scope.signer)))
    if proof.level == "verified":
        lines.append(_field("state", f"proven at height {proof.height}, {age_text(proof.age_ms or 0)} old"))
    else:
        lines.append(_field("state", proof.label()))
    scope.session.output.say("\n".join(lines))


def simulate(scope: Scope, plan: Plan) -> str:
    """Let a node try a plan with the signer's rights, and return the line that says so.

    Raises: TransactionRefused naming the error and what to do.
    """
    call = {"from": f"0x{scope.signer.hex()}", "to": f"0x{plan.to.hex()}", "data": f"0x{plan.data.hex()}"}
    try:
        scope.session.client.call("eth_call", call, "latest")
    except RpcRefused as error:
        if error.code != EXECUTION_REVERTED:
            raise refused_answer(error) from error
        raise _would_revert(scope, plan, error) from error
    return _field("checks", "a node tried it without revert")


def _would_revert(scope: Scope, plan: Plan, refusal: RpcRefused) -> TransactionRefused:
    decoded, place = decoded_refusal(refusal), plan.function
    if decoded is not None and decoded.name == "BatchCallFailed":
        inner = decoded.arguments["reason"]
        assert isinstance(inner, bytes)
        place, decoded = f"action {decoded.arguments['index']!r} of the batch", decode_revert(inner) or decoded
    words = revert_text(refusal) if decoded is None else named_words(scope, decoded.name, decoded.arguments)
    return TransactionRefused(
        f"{place} would be refused: {words}",
        why=f"a node tried it with the rights of {account_text(scope, scope.signer)}; nothing was signed",
        next_step=remedy(scope, decoded),
        code="WOULD_REVERT",
        reason=decoded.name if decoded else refusal.reason,
    )


def decoded_refusal(refusal: RpcRefused) -> DecodedError | None:
    """Return the named error of a call that reverts; None if a node gave none, or one nobody knows."""
    if refusal.code != EXECUTION_REVERTED or not isinstance(refusal.data, str):
        return None
    try:
        return decode_revert(bytes.fromhex(refusal.data.removeprefix("0x")))
    except ValueError:
        return None


def print_dry_run(scope: Scope, plans: Sequence[Plan]) -> None:
    """Print what would have been signed."""
    record: dict[str, object] = {
        "dry_run": True,
        "signer": account_text(scope, scope.signer),
        "actions": [{**plan_record(plan), "data": f"0x{plan.data.hex()}"} for plan in plans],
    }
    scope.session.output.result(record, "dry run: nothing was signed", proof=scope.ledger.head.proof)


def _carry_out(scope: Scope, account: Account, plan: Plan) -> Outcome:
    intent = Intent(scope.signer, plan.to, plan.data)

    def prepare() -> Deed:
        show(scope, [plan])
        return Deed(intent, simulate(scope, plan), plan_record(plan), GAS_LIMIT_MAX)

    found = carry_out(scope.session, scope.ledger.head, account, prepare, is_same=intent.__eq__, name=plan.function)
    assert found is not None, "a dry run ends before"
    return Outcome(plan, found)


def _print_outcomes(scope: Scope, outcomes: Sequence[Outcome]) -> None:
    lines: list[str] = []
    for outcome in outcomes:
        lines += final_words(scope, outcome.found)
    record: dict[str, object] = {
        "signer": account_text(scope, scope.signer),
        "actions": [{**plan_record(outcome.plan), **final_record(outcome.found)} for outcome in outcomes],
    }
    scope.session.output.result(record, "\n".join(lines), proof=outcomes[-1].found.proof)


def final_words(scope: Scope, found: FinalTransaction) -> list[str]:
    """Return a proven transaction in lines: height, hash, and the first of what it logged."""
    lines = [final_line(found.proof)]
    lines.append(f"0x{found.transaction.hash.hex()}")
    events = [_event_words(scope, place, event) for place, event in events_of(found)]
    lines += [_field("logged", event) for event in events[:_EVENTS_SHOWN]]
    if len(events) > _EVENTS_SHOWN:
        lines.append(_field("logged", f"{len(events) - _EVENTS_SHOWN} more like this"))
    return lines


def final_record(found: FinalTransaction) -> dict[str, object]:
    """Return a proven transaction as `--json` shows it: hash, height, and what it logged."""
    return {
        "hash": f"0x{found.transaction.hash.hex()}",
        "height": found.final.header.height,
        "events": [
            {"name": event.name, "arguments": {key: value_record(value) for key, value in event.arguments.items()}}
            for _, event in events_of(found)
        ],
    }


def events_of(found: FinalTransaction) -> list[tuple[Address, DecodedEvent]]:
    """Return the named events of system contracts in a proven receipt, with where each was logged."""
    decoded = ((log.address, decode_log(log.address, log.topics, log.data)) for log in found.receipt.logs)
    return [(place, event) for place, event in decoded if event is not None]


def _event_words(scope: Scope, place: Address, event: DecodedEvent) -> str:
    """Return an event in words; amounts are of the currency that logged it."""
    currency = next((currency for currency in scope.currencies if currency.address == place), None)
    return named_words(replace(scope, currency=currency), event.name, event.arguments)


def _field(label: str, text: str) -> str:
    return f"  {label:<{LABEL_COLUMNS - 1}} {text}"
