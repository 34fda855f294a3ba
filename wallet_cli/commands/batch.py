"""`sycee batch`: pay everybody in a file, each once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from wallet_cli.amounts import amount_record, amount_words, format_amount
from wallet_cli.batch_files import BatchReport, BatchRow, read_batch
from wallet_cli.batches import (
    Part,
    batch_digest,
    find_batch,
    paid_parts,
    pay_parts,
    split_batch,
    totals,
    try_parts,
)
from wallet_cli.cli import Need, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import PolicyRefused, UsageRefused
from wallet_cli.keystore import Account
from wallet_cli.outbox import ABANDONED, DONE, OPEN, SIGNED, Batch
from wallet_cli.positions import require_spendable
from wallet_cli.screens import deed_screen, proof_words
from wallet_cli.session import Session
from wallet_cli.transactions import provable_head
from wallet_cli.unlocking import open_key
from wallet_cli.verified import FinalTransaction, Head


@dataclass(slots=True)
class _Run:
    """One file on its way, and what of it is paid."""

    session: Session
    account: Account
    head: Head
    rows: list[BatchRow]
    parts: list[Part]
    report_path: Path
    report: BatchReport
    paid: dict[int, FinalTransaction] = field(default_factory=dict)

    @property
    def remaining(self) -> list[int]:
        """Places of the parts that are not paid."""
        return [index for index in range(len(self.parts)) if index not in self.paid]

    def remaining_rows(self) -> list[BatchRow]:
        """Return the rows that are not paid."""
        return [row for index in self.remaining for row in self.parts[index].rows]

    def note_paid(self, index: int, found: FinalTransaction) -> None:
        """Take notice of a part that is paid."""
        self.paid[index] = found
        self.report.note_paid(self.parts[index].rows, found)


@wallet_command(
    "batch",
    needs=(Need.NETWORK, Need.KEY),
    examples=("sycee batch wages.csv --yes", "sycee batch wages.csv --dry-run"),
)
@click.argument("file", type=click.Path(path_type=Path), required=False, default=None)
@click.option("--report", type=click.Path(path_type=Path), metavar="PATH", help="Where to (default: FILE.report.csv).")
@click.option("--again", is_flag=True, help="Pay a file that was paid in full before.")
@click.option("--abandon", is_flag=True, help="Give up what is unpaid of an unfinished file, instead of paying one.")
def batch(session: Session, file: Path | None, report: Path | None, again: bool, abandon: bool) -> None:
    """Pay every row of FILE: CSV with the columns to,amount and perhaps currency,memo; names or addresses.

    Every row is checked before any is paid. Rows are paid in transactions of at most 500, in the order of the file; the
    report names transaction and height of each. Interrupted, the same command goes on: nobody is paid twice.
    """
    account = session.account()
    if abandon == (file is not None):
        raise UsageRefused(
            "it is not said which file is to be paid",
            why="either FILE or --abandon is needed, and not both",
            next_step="sycee batch FILE.csv",
            code="BATCH_FILE_NEEDED",
        )
    if file is None:
        _abandon(session, account)
        return
    head = provable_head(session)
    currencies = load_currencies(session, head)
    rows = read_batch(session, file, currencies)
    parts = split_batch(account.address, rows)
    report_path = report or file.with_name(f"{file.name}.report.csv")
    run = _Run(session, account, head, rows, parts, report_path, BatchReport(report_path, rows))
    with session.outbox.account_lock(account.address):
        digest = batch_digest(parts)
        stored = _stored(session, account, digest, is_again=again)
        if stored is not None:
            with session.output.progress("proving what was paid before", len(stored.parts)):
                for index, found in paid_parts(session, stored, parts, currencies).items():
                    run.note_paid(index, found)
            done = len(rows) - len(run.remaining_rows())
            session.output.say(f"resuming: {done} of {len(rows)} rows are paid, proven")
            run.report.save()
        if run.remaining:
            state = _agree(run, is_resumed=stored is not None)
            if state is None:
                return
            private_key, proven_nonce = state
            # A report that cannot be written is found out before anybody is paid.
            run.report.save()
            stored = stored or session.outbox.open_batch(account.address, digest)
            with session.output.progress("paying", len(run.remaining_rows())) as advance:
                for index, found in pay_parts(
                    session, account, private_key, stored, parts, run.remaining, currencies, proven_nonce
                ):
                    run.note_paid(index, found)
                    run.report.save()
                    where = f"final at height {found.final.header.height}, 0x{found.transaction.hash.hex()}"
                    session.output.say(f"{parts[index].lines()} paid: {where}")
                    for _ in parts[index].rows:
                        advance()
        assert stored is not None, "a part was paid now or before"
        # Last of all: died before this, the same command finds everything paid and pays nobody.
        _answer(run)
        session.outbox.close_batch(stored.number, DONE)


def _stored(session: Session, account: Account, digest: bytes, *, is_again: bool) -> Batch | None:
    """Return the unfinished run of the same file. Raises: PolicyRefused if another is unfinished, or it was paid."""
    same, other, is_paid = find_batch(session, account, digest)
    if other is not None:
        raise PolicyRefused(
            f"another file is unfinished: {len(other.parts)} of its transactions are signed, not all are proven paid",
            why="if this is the same file corrected, its rows that are paid would be paid again",
            next_step="pay that file again as it was, or give its rest up: sycee batch --abandon",
            code="BATCH_UNFINISHED",
        )
    if same is None and is_paid and not is_again:
        raise PolicyRefused(
            "the same rows were paid in full before",
            why="a file that is paid twice by mistake cannot be called back",
            next_step="repeat with --again if they are to be paid once more",
            code="BATCH_PAID_BEFORE",
        )
    return same


def _agree(run: _Run, *, is_resumed: bool) -> tuple[bytes, int] | None:
    """Check, show and ask; return the key and the proven nonce. None on a dry run.

    Raises: InsufficientFunds, TransactionRefused naming the row, Declined, PasswordWrong.
    """
    session = run.session
    sums = totals(run.remaining_rows())
    after = [require_spendable(session, run.head, run.account, money)[1] for money in sums]
    try_parts(session, run.parts, run.remaining)
    count = len(run.remaining_rows())
    fields = [("rows", f"{count} payments, {len(run.remaining)} transactions")]
    for money, left in zip(sums, after, strict=True):
        fields.append(("amount", f"{format_amount(money):<14} {amount_words(money)}"))
        fields.append(("from", f"{run.account.name:<14} after it {format_amount(left)} spendable"))
    fields.append(("report", run.report_path.name))
    checks = f"balances {proof_words(run.head.proof)}; a node tried every row"
    where = (session.network.name, session.network.chain_id)
    title = "Pay the rest of a file" if is_resumed else "Pay a file"
    session.output.say(deed_screen(title, where, fields, checks, _warnings(run)))
    if session.settings.is_dry_run:
        record = {"dry_run": True, "rows": count, "totals": [amount_record(money) for money in sums]}
        session.output.result(record, "dry run: nothing was signed", proof=run.head.proof)
        return None
    session.output.confirm(f"Pay {count} rows?", is_yes=session.settings.is_yes, next_step="repeat with --yes to pay")
    state, _ = session.verifier.read_account(run.head, run.account.address)
    return open_key(session, run.account), state.nonce if state is not None else 0


def _warnings(run: _Run) -> Sequence[str]:
    rows = run.remaining_rows()
    repeated = len(rows) - len({(row.recipient, row.money, row.memo) for row in rows})
    unchecked = [row.line for row in rows if not row.has_checksum]
    warnings = []
    if repeated:
        warnings.append(f"{repeated} rows repeat another: same payee, amount and memo")
    if unchecked:
        warnings.append(f"{len(unchecked)} addresses have no checksum, the first in line {unchecked[0]}")
    if run.head.proof.level != "verified":
        warnings.append(f"the balance is {run.head.proof.label()}")
    return warnings


def _answer(run: _Run) -> None:
    session = run.session
    records = [
        {
            "hash": f"0x{found.transaction.hash.hex()}",
            "height": found.final.header.height,
            "rows": len(run.parts[index].rows),
            "first_line": run.parts[index].rows[0].line,
            "last_line": run.parts[index].rows[-1].line,
        }
        for index, found in sorted(run.paid.items())
    ]
    sums = totals(run.rows)
    record = {
        "rows": len(run.rows),
        "totals": [amount_record(money) for money in sums],
        "transactions": records,
        "report": str(run.report_path),
    }
    last = max(run.paid.values(), key=lambda found: found.final.header.height)
    text = (
        f"{len(run.rows)} rows paid, {', '.join(format_amount(money) for money in sums)}; report in {run.report_path}"
    )
    session.output.result(record, text, proof=last.proof)


def _abandon(session: Session, account: Account) -> None:
    """Give up what is unpaid of every unfinished file; what is signed and open is settled or replaced first."""
    with session.outbox.account_lock(account.address):
        unfinished = [entry for entry in session.outbox.load_batches(account.address) if entry.state == OPEN]
        waiting = [
            transaction_hash
            for entry in unfinished
            for transaction_hash in entry.parts.values()
            if (stored := session.outbox.load(transaction_hash)) is not None and stored.state == SIGNED
        ]
        if waiting:
            raise PolicyRefused(
                f"0x{waiting[0].hex()} is signed and may still become final",
                why="nobody can say yet which rows are paid",
                next_step=f"sycee tx wait 0x{waiting[0].hex()}",
                code="BATCH_OUTCOME_UNKNOWN",
            )
        for entry in unfinished:
            session.outbox.close_batch(entry.number, ABANDONED)
    text = f"{len(unfinished)} unfinished files given up; their reports say which rows are paid"
    session.output.result({"abandoned": len(unfinished)}, text)
