"""`sycee offline redeem|sync`: what was accepted becomes money on the ledger, and what is known becomes new again."""

from typing import Final

import click

from wallet_cli.cli import Need, wallet_command
from wallet_cli.deals.desk import Desk
from wallet_cli.errors import UsageRefused
from wallet_cli.moments import instant_text
from wallet_cli.offline import till_tables
from wallet_cli.offline.attachments import Learned, verify_revocations
from wallet_cli.offline.claimed_elsewhere import compare_claimed
from wallet_cli.offline.commands.opening import sync_locks
from wallet_cli.offline.commands.purses import sync_classes, sync_purses
from wallet_cli.offline.ledger import certify_revocations, open_offline_desk
from wallet_cli.offline.online_trust import update_trust
from wallet_cli.offline.redeeming import Redeemed, job_line, redeem_job, waiting_jobs
from wallet_cli.session import Session

_BOTH: Final = (Need.NETWORK, Need.KEY)


@wallet_command("redeem", needs=_BOTH, examples=("sycee offline redeem --all --yes", "sycee offline redeem 5f3a9c01"))
@click.argument("reference", metavar="[ID]", required=False, default="")
@click.option("--all", "is_all", is_flag=True, help="Everything accepted, which is also what no ID means.")
def redeem(session: Session, reference: str, is_all: bool) -> None:
    """Have the ledger pay what was accepted offline. Safe to repeat; any account of this wallet may send it."""
    if reference and is_all:
        raise UsageRefused(
            "an ID and --all were given",
            why="it is not clear which is meant",
            next_step="leave one out",
            code="USAGE",
        )
    desk = open_offline_desk(session)
    done = redeem_all(desk, reference.removeprefix("0x").lower())
    if done is not None:
        words = [entry.words for entry in done] or ["nothing waits to be redeemed"]
        session.output.result([{"outcome": entry.outcome, **entry.record} for entry in done], "\n".join(words))


@wallet_command("sync", needs=_BOTH, examples=("sycee offline sync --yes", "sycee offline sync --json --yes"))
def sync(session: Session) -> None:
    """Catch up after being offline: validators, certificates, class membership, and redeem what was accepted."""
    desk = open_offline_desk(session)
    trust = update_trust(session, desk.head)
    revoked = verify_revocations(trust, certify_revocations(session))
    till_tables.save_learned(session.offline_database, Learned(trust, revoked), trust.domain)
    classes = sync_classes(desk)
    live, closed = sync_locks(desk)
    purses = sync_purses(desk)
    done = redeem_all(desk, "") or []
    frauds = compare_claimed(desk)
    record = {
        "committee": trust.newest.number,
        "verified_s": trust.anchor_time_s,
        "locks": live,
        "locks_closed": closed,
        "purses": purses,
        "classes": classes,
        "revoked": len(revoked.prefixes),
        "double_spends": len(frauds),
        "redeemed": [{"outcome": entry.outcome, **entry.record} for entry in done],
    }
    lines = [
        f"validators  committee {trust.newest.number}, verified at {instant_text(trust.anchor_time_s)}",
        f"locks       {live} live and certified, {closed} closed now",
        f"purses      {purses} live and certified",
        f"classes     in {classes}",
        f"revoked     {len(revoked.prefixes)} purses and owners",
        *[f"redeemed    {entry.words}" for entry in done],
    ]
    if frauds:
        lines.append(
            f"DOUBLE SPEND of {len(frauds)} payments found; you are paid all the same: sycee offline fraud report"
        )
    session.output.result(record, "\n".join(lines), proof=desk.head.proof)


def redeem_all(desk: Desk, reference: str) -> list[Redeemed] | None:
    """Redeem what waits, after one question; None on a dry run. Raises: Declined, and as redeem_job."""
    jobs, session = waiting_jobs(desk, reference), desk.session
    if not jobs:
        return []
    session.output.say("\n".join(["Redeem what was accepted offline", *(job_line(desk, job) for job in jobs)]))
    if not session.settings.is_dry_run:
        session.output.confirm("Redeem?", is_yes=session.settings.is_yes, next_step="repeat with --yes")
        # The one question covers them all.
        session.settings.is_yes = True
    done: list[Redeemed] = []
    with session.output.progress("redeeming", len(jobs)) as advance:
        for job in jobs:
            outcome = redeem_job(desk, job)
            if outcome is None:
                return None
            done.append(outcome)
            advance()
    return done
