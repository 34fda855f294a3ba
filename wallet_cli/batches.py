"""Many payments out of one file: in parts of one `transferBatch` each, every part paid once whatever happens between.

A part's signed transaction and the note that it is this part's are one write to disk. A run that died goes on where it
stopped: parts whose payment is proven are never signed again, one that is signed is sent again byte for byte.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, AmountMinor
from contracts.declarations import encode_call
from contracts.decoding import describe_revert
from contracts.movements import MovementKind
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from contracts.native.transfer_batch import ROWS_MAX as PART_ROWS_MAX
from wallet_cli.amounts import Amount, Currency
from wallet_cli.batch_files import BatchRow
from wallet_cli.client import RpcRefused
from wallet_cli.errors import ProofInvalid, TransactionRefused
from wallet_cli.keystore import Account
from wallet_cli.outbox import DONE, OPEN, REPLACED, Batch, Entry, Intent
from wallet_cli.payments import Payment, payments_in
from wallet_cli.refusals import advice_for, failed_row
from wallet_cli.session import Session
from wallet_cli.transactions import (
    estimate_gas,
    next_nonce,
    revert_data,
    settle,
    sign,
    told_revert_data,
    validate_succeeded,
)
from wallet_cli.verified import FinalTransaction

GAS_LIMIT_MAX: Final = 10_000_000
"""Highest gas limit signed for one part, five times what five hundred rows use."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are paid by one transaction: all or none of them."""

    rows: tuple[BatchRow, ...]
    intent: Intent

    @property
    def currency(self) -> Currency:
        """The one currency of its rows."""
        return self.rows[0].money.currency

    def lines(self) -> str:
        """Return where it stands in the file; rows of other currencies may stand between its own."""
        first, last = self.rows[0].line, self.rows[-1].line
        return f"line {first}" if first == last else f"{len(self.rows)} rows of lines {first}–{last}"


def split_batch(sender: Address, rows: Sequence[BatchRow]) -> list[Part]:
    """Return the parts of a file: its rows by currency in the order of the file, at most 500 each.

    The same rows give the same parts.
    """
    by_currency: dict[Currency, list[BatchRow]] = {}
    for row in rows:
        by_currency.setdefault(row.money.currency, []).append(row)
    function = find_function(CURRENCY, "transferBatch")
    parts = []
    for currency, own in by_currency.items():
        for first in range(0, len(own), PART_ROWS_MAX):
            chunk = tuple(own[first : first + PART_ROWS_MAX])
            recipients = tuple(row.recipient for row in chunk)
            amounts = tuple(int(row.money.units) for row in chunk)
            data = encode_call(function, recipients, amounts, tuple(row.memo for row in chunk))
            parts.append(Part(chunk, Intent(sender, currency.address, data)))
    return parts


def batch_digest(parts: Sequence[Part]) -> bytes:
    """Return 32 bytes that name what a file pays, and from whom."""
    return keccak256(
        b"".join(keccak256(part.intent.sender + (part.intent.to or b"") + part.intent.data) for part in parts)
    )


def totals(rows: Sequence[BatchRow]) -> list[Amount]:
    """Return the sum of each currency, in the order of the file."""
    sums: dict[Currency, int] = {}
    for row in rows:
        sums[row.money.currency] = sums.get(row.money.currency, 0) + row.money.units
    return [Amount(AmountMinor(units), currency) for currency, units in sums.items()]


def paid_parts(
    session: Session, batch: Batch, parts: Sequence[Part], currencies: list[Currency]
) -> dict[int, FinalTransaction]:
    """Return the parts that are paid, proven, having sent again what was signed and may not have arrived.

    One whose transaction reverted or was replaced is not. Raises: OutcomeUnknown, TransactionRefused, ProofInvalid.
    """
    paid: dict[int, FinalTransaction] = {}
    for index, transaction_hash in sorted(batch.parts.items()):
        entry = session.outbox.load(transaction_hash)
        assert entry is not None, "a part and its transaction are one write"
        if entry.state == REPLACED:
            continue
        found = settle(session, entry.hash, entry.raw)
        if found.receipt.succeeded:
            _validate_rows(found, parts[index], currencies)
            paid[index] = found
    return paid


def try_parts(session: Session, parts: Sequence[Part], indices: Sequence[int]) -> None:
    """Let a node try every part that is to be paid. Raises: TransactionRefused naming the row that cannot be paid."""
    with session.output.progress("trying every row", len(indices)) as advance:
        for index in indices:
            _estimate(session, parts[index])
            advance()


def pay_parts(
    session: Session,
    account: Account,
    private_key: bytes,
    batch: Batch,
    parts: Sequence[Part],
    indices: Sequence[int],
    currencies: list[Currency],
    proven_nonce: int,
) -> Iterator[tuple[int, FinalTransaction]]:
    """Sign, store, send and prove one part after the other, and yield each that is paid.

    Raises: OutcomeUnknown, TransactionRefused naming the row that cannot be paid, ProofInvalid.
    """
    for index in indices:
        part = parts[index]
        gas_limit = _estimate(session, part)
        nonce = next_nonce(session, account.address, proven_nonce)
        entry: Entry = sign(session, private_key, part.intent, nonce=nonce, gas_limit=gas_limit)
        session.outbox.save(entry, batch_part=(batch.number, index))
        found = settle(session, entry.hash, entry.raw)
        if not found.receipt.succeeded:
            data = told_revert_data(session, found)
            if data is not None:
                _raise_failed_row(part, data, "is final and reverted")
            validate_succeeded(session, found)
        _validate_rows(found, part, currencies)
        proven_nonce = nonce + 1
        yield index, found


def find_batch(session: Session, account: Account, digest: bytes) -> tuple[Batch | None, Batch | None, bool]:
    """Return the open batch that pays the very same, another open one, and whether the same was paid in full before."""
    batches = session.outbox.load_batches(account.address)
    same = next((batch for batch in batches if batch.state == OPEN and batch.digest == digest), None)
    other = next((batch for batch in batches if batch.state == OPEN and batch.digest != digest and batch.parts), None)
    return same, other, any(batch.state == DONE and batch.digest == digest for batch in batches)


def _estimate(session: Session, part: Part) -> int:
    try:
        return estimate_gas(session, part.intent, gas_limit_max=GAS_LIMIT_MAX)
    except TransactionRefused as error:
        if isinstance(error.__cause__, RpcRefused):
            _raise_failed_row(part, revert_data(error.__cause__), "would revert")
        raise


def _raise_failed_row(part: Part, data: bytes, what: str) -> None:
    """Raise the refusal that names the failing row, if the revert data do."""
    failed = failed_row(data)
    if failed is None or failed[0] >= len(part.rows):
        return
    row = part.rows[failed[0]]
    advice = advice_for(failed[1])
    raise TransactionRefused(
        f"the payment of line {row.line}, to {row.written}, {what}: {describe_revert(failed[1])}",
        why=advice.why if advice else "the ledger refuses it by its rules, and with it all rows of its part",
        next_step=advice.next_step if advice else "correct the row or take it out, and repeat the command",
        code="BATCH_ROW_REFUSED",
    )


def _validate_rows(found: FinalTransaction, part: Part, currencies: list[Currency]) -> None:
    """Check that a proven receipt pays every row of a part in its order, and nothing else. Raises: ProofInvalid."""
    expected = [
        Payment(MovementKind.PAYMENT, part.intent.sender, row.recipient, row.money, row.memo) for row in part.rows
    ]
    if payments_in(found, currencies) != expected:
        name = "0x" + found.transaction.hash.hex()
        raise ProofInvalid(
            f"{name} is final and its receipt does not show the payments of {part.lines()}",
            why="the receipt is proven, so the currency did something else than it should",
            next_step=f"sycee tx show {name}",
            code="RECEIPT_UNEXPECTED",
        )
