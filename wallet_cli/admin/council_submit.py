"""Sending what a council's members signed: propose, then approve, then execute, each when it counts. Holds no key."""

from dataclasses import replace

from wallet_cli.admin import kinds
from wallet_cli.admin.council_action import (
    APPROVE,
    EXECUTE,
    PROPOSE,
    CouncilAction,
    Proposal,
    Signed,
    save_action,
    step_values,
)
from wallet_cli.admin.council_ledger import CouncilRefused, ask_council, proposal_number, read_proposal, refresh
from wallet_cli.admin.council_words import action_lines
from wallet_cli.admin.perform import final_record, final_words
from wallet_cli.admin.plans import LABEL_COLUMNS
from wallet_cli.admin.scope import Scope, open_scope
from wallet_cli.errors import ProofInvalid, UsageRefused
from wallet_cli.session import Session
from wallet_cli.transactions import settle, validate_succeeded
from wallet_cli.verified import FinalTransaction, ask_any

_EXECUTED = 2
"""A proposal's state in the contract."""


def submit_action(session: Session, file: str, action: CouncilAction) -> None:
    """Send what counts now, keep the file up to date, and say what comes next. Raises: UserError of every kind."""
    scope = open_scope(session)
    _validate_chain(session, action)
    lines, _ = action_lines(scope, action)
    session.output.say("\n".join(f"  {line.label:<{LABEL_COLUMNS - 1}} {line.value}" for line in lines))
    if session.settings.is_dry_run:
        steps = [f"{entry.step} by {kinds.account_text(scope, entry.member)}" for entry in action.signed]
        session.output.result({"dry_run": True, "signed": steps}, "dry run: nothing was sent")
        return
    if action.signed:
        session.output.confirm("Send?", is_yes=session.settings.is_yes, next_step="repeat with --yes to send")
    is_new = action.proposal is None
    if is_new:
        action = _propose(scope, file, action)
    assert action.proposal is not None
    number = action.proposal.number
    action, is_approved_now = _approve(scope, file, action, number)
    if read_proposal(session, action.council, number).approvals >= action.threshold:
        _execute(scope, file, action, number)
    elif is_new or is_approved_now:
        _print_progress(scope, file, action, number)
    else:
        raise _still_to_sign(scope, file, action, "nobody signed anything that could be sent now")


def _validate_chain(session: Session, action: CouncilAction) -> None:
    if action.chain_id != session.network.chain_id:
        raise UsageRefused(
            f"the file is for chain {action.chain_id}, this network is chain {session.network.chain_id}",
            why="a signature counts on one chain only",
            next_step="name its network: --network NAME",
            code="CHAIN_DIFFERS",
        )


def _propose(scope: Scope, file: str, action: CouncilAction) -> CouncilAction:
    entry = next((entry for entry in action.signed if entry.step == PROPOSE), None)
    if entry is None:
        save_action(file, refresh(scope.session, scope.ledger.head, action))
        raise _still_to_sign(scope, file, action, "no member has proposed it")
    found = _send(scope, action, entry)
    try:
        number = proposal_number(action, found)
    except ValueError as error:
        raise ProofInvalid(
            f"0x{entry.hash.hex()} is final and did not propose this: {error}",
            why="the council's contract is not the one this wallet knows",
            next_step=f"sycee tx show 0x{entry.hash.hex()}",
            code="RECEIPT_UNEXPECTED",
        ) from error
    evidence = ask_any(scope.session.client, "sycee_getFinalityProof", f"0x{entry.hash.hex()}").result
    proposed = _refreshed(scope, replace(action, proposal=Proposal(number, entry.hash, evidence), signed=()))
    save_action(file, proposed)
    scope.session.output.say(f"proposal {number} is on the ledger at height {found.final.header.height}")
    return proposed


def _refreshed(scope: Scope, action: CouncilAction) -> CouncilAction:
    head = scope.session.verifier.head()
    return refresh(scope.session, head or scope.ledger.head, action)


def _approve(scope: Scope, file: str, action: CouncilAction, number: int) -> tuple[CouncilAction, bool]:
    """Send the approvals that are missing; return the action as it is then, and whether anything was sent."""
    action = _refreshed(scope, action)
    is_sent = False
    if read_proposal(scope.session, action.council, number).approvals < action.threshold:
        for entry in [entry for entry in action.signed if entry.step == APPROVE]:
            member = action.member(entry.member)
            if member is not None and not member.has_approved:
                found = _send(scope, action, entry)
                text = f"{kinds.account_text(scope, entry.member)} approved at height {found.final.header.height}"
                scope.session.output.say(text)
                is_sent = True
        action = _refreshed(scope, action)
    save_action(file, action)
    return action, is_sent


def _execute(scope: Scope, file: str, action: CouncilAction, number: int) -> None:
    """Execute a proposal that enough members approve, or say until when its delay lasts."""
    session = scope.session
    if read_proposal(session, action.council, number).state == _EXECUTED:
        text = f"proposal {number} is executed already"
        session.output.result({"proposal": number, "state": "executed"}, text)
        return
    entry = _executable(action)
    if entry is None:
        raise _still_to_sign(scope, file, action, "nobody signed the execution with the nonce it would have now")
    try:
        found = _send(scope, action, entry)
    except CouncilRefused as refused:
        ready_at_s = refused.arguments.get("readyAt")
        if refused.error_name != "DelayNotPassed" or not isinstance(ready_at_s, int):
            raise
        ready = kinds.time_text(ready_at_s)
        record = {"proposal": number, "state": "waiting", "ready_at": ready}
        text = f"proposal {number} is approved and waits until {ready}"
        session.output.result(record, f"{text}\nnext: submit it again then: sycee admin council submit {file}")
        return
    executed = {"proposal": number, "state": "executed", **final_record(found)}
    session.output.result(executed, "\n".join(final_words(scope, found)), proof=found.proof)


def _executable(action: CouncilAction) -> Signed | None:
    """Return a signed execution whose nonce is the member's next one."""
    for entry in action.signed:
        member = action.member(entry.member)
        if entry.step == EXECUTE and member is not None and member.nonce == entry.nonce:
            return entry
    return None


def _send(scope: Scope, action: CouncilAction, entry: Signed) -> FinalTransaction:
    """Let a node try a member's step, then send it. Raises: CouncilRefused, OutcomeUnknown, TransactionRefused."""
    session = scope.session
    known = session.verifier.finality(entry.hash)
    if known is None:
        values = step_values(action, entry.step)
        ask_council(session, action.council, entry.step, *values, sender=entry.member)
        with session.output.progress(f"waiting until the {entry.step} of 0x{entry.member.hex()[:8]}… is final"):
            known = settle(session, entry.hash, entry.raw)
    validate_succeeded(session, known)
    return known


def _print_progress(scope: Scope, file: str, action: CouncilAction, number: int) -> None:
    approvals = sum(member.has_approved for member in action.members)
    missing = _missing(scope, action)
    record = {
        "proposal": number,
        "state": "open",
        "approvals": approvals,
        "threshold": action.threshold,
        "may_approve": missing,
    }
    text = (
        f"proposal {number}: {approvals} of {action.threshold} members approved\n"
        f"next: one of {', '.join(missing)} signs the file as it is now: sycee admin council sign {file}"
    )
    scope.session.output.result(record, text)


def _missing(scope: Scope, action: CouncilAction) -> list[str]:
    return [kinds.account_text(scope, member.account) for member in action.members if not member.has_approved]


def _still_to_sign(scope: Scope, file: str, action: CouncilAction, what: str) -> UsageRefused:
    return UsageRefused(
        what,
        why=f"not approved by: {', '.join(_missing(scope, action)) or 'nobody'}",
        next_step=f"let a member sign the file as it is now: sycee admin council sign {file}",
        code="COUNCIL_SIGNATURE_NEEDED",
    )
