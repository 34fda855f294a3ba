"""`--as COUNCIL --prepare FILE`: write what a council is to decide, tried with its rights, for its members to sign."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wallet_cli.admin.council_action import CALL_BYTES_MAX, CALLS_MAX, Call, CouncilAction, save_action
from wallet_cli.admin.council_ledger import read_council, read_members
from wallet_cli.admin.perform import print_dry_run, show, simulate
from wallet_cli.admin.plans import Plan, plan_record
from wallet_cli.admin.scope import Scope
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import encode_memo

EXPIRY_DEFAULT: Final = "7d"
"""How long members have, beside the council's delay, unless --expires-in says otherwise."""
_SIGN: Final = "sycee admin council sign"


def prepare(scope: Scope, plans: Sequence[Plan], *, path: str, lasts_s: int, reference: str) -> None:
    """Show and try plans with the council's rights, and write them as a file. Raises: UserError of every kind."""
    session, council = scope.session, scope.signer
    if Path(path).exists():
        raise UsageRefused(
            f"{path} is there already",
            why="it may have signatures",
            next_step="name another file, or remove it",
            code="FILE_EXISTS",
        )
    members, threshold, delay_s = read_council(session, council)
    calls = tuple(Call(plan.to, plan.data) for plan in plans)
    _validate_calls(calls)
    show(scope, plans)
    session.output.say(simulate(scope, plans[0]))
    if session.settings.is_dry_run:
        print_dry_run(scope, plans)
        return
    head = scope.ledger.head
    action = CouncilAction(
        chain_id=session.network.chain_id,
        council=council,
        calls=calls,
        # Whole seconds, as the ledger counts.
        expires_at_s=head.final.header.timestamp_ms // 1_000 + delay_s + lasts_s,
        memo=encode_memo(reference),
        threshold=threshold,
        delay_s=delay_s,
        members=read_members(session, head, members),
        proposal=None,
        signed=(),
    )
    save_action(path, action)
    text = f"{path}: {threshold} of {len(members)} members decide\nnext: a member types sycee admin council sign {path}"
    record = {"file": path, "threshold": threshold, "actions": [plan_record(plan) for plan in plans]}
    session.output.result(record, text, proof=head.proof)


def _validate_calls(calls: Sequence[Call]) -> None:
    longest = max(len(call.data) for call in calls)
    if len(calls) > CALLS_MAX or longest > CALL_BYTES_MAX:
        raise UsageRefused(
            f"this is {len(calls)} calls, the longest of {longest} bytes",
            why=f"a council decides on at most {CALLS_MAX} calls of {CALL_BYTES_MAX} bytes at once",
            next_step="name fewer accounts, or fewer actions in the batch, and prepare several files",
            code="COUNCIL_CALLS_TOO_LONG",
        )
