"""`sycee admin council`: members sign a prepared action offline; anybody with a network submits what they signed."""

from typing import Final

import click

from consensus.primitives.scalars import Address
from wallet_cli.admin import kinds
from wallet_cli.admin.council_action import (
    APPROVE,
    EXECUTE,
    PROPOSE,
    CouncilAction,
    Signed,
    load_action,
    merge,
    read_signed,
    save_action,
    step_data,
    with_signed,
)
from wallet_cli.admin.council_ledger import STATES, proposal_number, read_council, read_proposal
from wallet_cli.admin.council_submit import submit_action
from wallet_cli.admin.council_words import action_lines
from wallet_cli.admin.plans import LABEL_COLUMNS, Line
from wallet_cli.admin.scope import offline_scope, resolve_account
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.errors import PolicyRefused, ProofInvalid, UsageRefused
from wallet_cli.keystore import Account
from wallet_cli.outbox import Intent
from wallet_cli.output import Proof
from wallet_cli.session import Session
from wallet_cli.transactions import sign as sign_transaction
from wallet_cli.unlocking import open_key

GAS_LIMIT: Final = 10_000_000
"""Gas limit of what a member signs offline: eight calls of 4 096 bytes take a fifth. Gas costs nothing."""


@wallet_command(
    "sign",
    needs=(Need.KEY,),
    examples=("sycee admin council sign action.json --yes", "sycee admin council sign action.json --from bob --yes"),
)
@click.argument("file", metavar="FILE")
@click.option("--blind", "is_blind", is_flag=True, help="Sign though this wallet cannot say what a call does.")
def sign(session: Session, file: str, is_blind: bool) -> None:
    """Sign a council's action as one of its members; asks no network.

    The first signature proposes. When it is on the ledger, the file has the proposal's number with its proof, and the
    others approve; whoever approves signs the execution, too.
    """
    action = load_action(file)
    account = session.account()
    steps = _steps_of(session, action, account, file)
    scope = offline_scope(session)
    lines, is_understood = action_lines(scope, action)
    lines += [Line("you sign", " and ".join(steps)), Line("as", kinds.account_text(scope, account.address))]
    title = f"Decide as a member of a council   network {session.network.name}, chain {action.chain_id}"
    session.output.say("\n".join([title, *(f"  {line.label:<{LABEL_COLUMNS - 1}} {line.value}" for line in lines)]))
    if not is_understood and not is_blind:
        raise PolicyRefused(
            "this wallet cannot say all of what this does",
            why="a call is of no contract of the ledger, or of a currency this wallet has not proven",
            next_step="prove the currencies online: sycee admin currency list; or sign what you cannot read: --blind",
            code="COUNCIL_CALL_UNKNOWN",
        )
    if session.settings.is_dry_run:
        session.output.result({"dry_run": True, "steps": list(steps)}, "dry run: nothing was signed")
        return
    session.output.confirm("Sign?", is_yes=session.settings.is_yes, next_step="repeat with --yes to sign")
    signed = _sign(session, account, action, steps)
    save_action(file, with_signed(action, signed))
    record = {"file": file, "member": kinds.account_text(scope, account.address), "steps": list(steps)}
    text = f"signed: {' and '.join(steps)}\nnext: where there is a network: sycee admin council submit {file}"
    session.output.result(record, text)


def _steps_of(session: Session, action: CouncilAction, account: Account, file: str) -> tuple[str, ...]:
    """Return what an account has to sign. Raises: UsageRefused for a stranger, ProofInvalid for a wrong number."""
    member = action.member(account.address)
    if member is None or action.chain_id != session.network.chain_id:
        known = ", ".join(kinds.account_text(offline_scope(session), entry.account) for entry in action.members)
        raise UsageRefused(
            f"{account.name} is no member of this council on chain {session.network.chain_id}",
            why=f"on chain {action.chain_id} its members are {known}",
            next_step="sign as a member: --from NAME",
            code="COUNCIL_MEMBER_NEEDED",
        )
    if action.proposal is None:
        return (PROPOSE,)
    found = session.verifier.check_evidence(file, action.proposal.evidence, action.proposal.transaction_hash)
    try:
        number = proposal_number(action, found)
        if number != action.proposal.number:
            raise ValueError(f"it was proposed as {number}, the file says {action.proposal.number}")
    except ValueError as error:
        raise ProofInvalid(
            f"{file} does not prove what is to be approved: {error}",
            why="an approval counts for whatever has its number",
            next_step="get the file anew from who submitted it",
            code="COUNCIL_EVIDENCE_INVALID",
        ) from error
    return (EXECUTE,) if member.has_approved else (APPROVE, EXECUTE)


def _sign(session: Session, account: Account, action: CouncilAction, steps: tuple[str, ...]) -> list[Signed]:
    member = action.member(account.address)
    assert member is not None
    private_key = open_key(session, account)
    signed = []
    for offset, step in enumerate(steps):
        data = step_data(action, step)
        intent = Intent(account.address, action.council, data)
        entry = sign_transaction(session, private_key, intent, nonce=member.nonce + offset, gas_limit=GAS_LIMIT)
        signed.append(read_signed(action, step, entry.raw))
    return signed


@wallet_command(
    "submit",
    needs=(Need.NETWORK,),
    examples=("sycee admin council submit action.json --yes", "sycee admin council submit action.json --dry-run"),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def submit(session: Session, files: tuple[str, ...]) -> None:
    """Send what members signed, in order: propose, approve, execute; each as far as it counts now.

    Several files of one action are merged into the first. Needs no key. Repeat it until the action is executed: it says
    who is still to sign, or until when the council's delay lasts.
    """
    try:
        action = merge([load_action(file) for file in files])
    except ValueError as error:
        raise UsageRefused(
            f"the files cannot be merged: {error}",
            why="signatures of one action count for no other",
            next_step="submit the files of each action by themselves",
            code="COUNCIL_FILES_DIFFER",
        ) from error
    submit_action(session, files[0], action)


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee admin council show council", "sycee admin council show council 1 --json"),
)
@click.argument("council", metavar="COUNCIL")
@click.argument("proposal", type=click.IntRange(1), required=False, metavar="[PROPOSAL]")
def show(session: Session, council: str, proposal: int | None) -> None:
    """Show a council's members, threshold and delay, and one of its proposals. One node's word: UNVERIFIED."""
    scope = offline_scope(session)
    place = resolve_account(session, scope.contracts, council)
    members, threshold, delay_s = read_council(session, place)
    found = None if proposal is None else read_proposal(session, place, proposal)
    rows = [Line("council", kinds.account_text(scope, place))]
    rows += [Line(f"member {number}", kinds.account_text(scope, member)) for number, member in enumerate(members, 1)]
    rows += [Line("threshold", f"{threshold} of {len(members)}"), Line("delay", kinds.duration_words(delay_s))]
    if found is not None:
        rows += [
            Line("proposal", str(proposal)),
            Line("state", STATES.get(found.state, str(found.state))),
            Line("proposed by", kinds.account_text(scope, Address(found.proposer))),
            Line("approvals", f"{found.approvals} of {threshold}"),
            Line("approved", kinds.time_text(found.approved_at_s)),
            Line("expires", kinds.time_text(found.expires_at_s)),
        ]
    proof = Proof("unverified")
    record = {row.label.replace(" ", "_"): row.value for row in rows}
    lines = [f"  {row.label:<20}{row.value}" for row in rows]
    session.output.result(record, "\n".join([*lines, f"  {proof.label()}"]), proof=proof)


council = WalletGroup(
    "council",
    table={
        "show": ("wallet_cli.admin.council:show", "members, threshold, delay, a proposal"),
        "sign": ("wallet_cli.admin.council:sign", "sign a prepared action as a member, offline"),
        "submit": ("wallet_cli.admin.council:submit", "send what members signed"),
    },
    help="Decide together. Any action of sycee admin becomes a file with --as COUNCIL --prepare FILE; members sign it"
    " offline, and what they signed is submitted from wherever there is a network.",
)
