"""`sycee offline policy`: how much this wallet locks, pays and accepts offline."""

import click

from wallet_cli.amounts import format_amount
from wallet_cli.cli import WalletGroup, wallet_command
from wallet_cli.moments import duration_text
from wallet_cli.offline.policy import AMOUNTS, DURATIONS, RECEIPTS_KEY, OfflinePolicy, load_policy, set_policy
from wallet_cli.pinned_currencies import pinned_currencies
from wallet_cli.session import Session


@wallet_command("show", needs=(), examples=("sycee offline policy show", "sycee offline policy show --json"))
def show(session: Session) -> None:
    """Show every limit, set or by default."""
    _show(session, load_policy(session.home))


@wallet_command(
    "set",
    needs=(),
    examples=('sycee offline policy set lock_max "500.00 EUR"', "sycee offline policy set lock_for 14d"),
)
@click.argument("key")
@click.argument("value")
def set_(session: Session, key: str, value: str) -> None:
    """Change one limit in policy.toml: an amount for its currency, a duration for all."""
    _show(session, set_policy(session.home, key, value, session.trust_store.load_currencies()))


def _show(session: Session, policy: OfflinePolicy) -> None:
    rows = {key: duration_text(policy.duration_s(key)) for key in DURATIONS}
    rows[RECEIPTS_KEY] = str(policy.receipts_max)
    amounts = {
        key: [format_amount(policy.amount(key, currency)) for currency in pinned_currencies(session)] for key in AMOUNTS
    }
    lines = [f"{key:<30} {value}" for key, value in rows.items()]
    lines += [f"{key:<30} {', '.join(values)}" for key, values in amounts.items()]
    session.output.result({**rows, **amounts}, "\n".join(lines))


policy = WalletGroup(
    "policy",
    table={
        "show": ("wallet_cli.offline.commands.limits:show", "every limit"),
        "set": ("wallet_cli.offline.commands.limits:set_", "change one"),
    },
    help="Limits of offline money.",
)
