"""`sycee tx`: what became of payments. Finality and receipts are checked here, against the trusted validators."""

from datetime import UTC, datetime
from typing import Any, Final

import click

from consensus.primitives.scalars import Address, Hash32
from contracts.native.money import TRANSFER
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Currency
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import UsageRefused
from wallet_cli.output import Proof
from wallet_cli.payments import Payment, payments_in
from wallet_cli.screens import payment_line, payment_record, transaction_record, transaction_screen
from wallet_cli.session import Session
from wallet_cli.transactions import settle, validate_succeeded
from wallet_cli.verified import FinalTransaction, Head, ask_any, ask_at, proof_failed

LOG_BLOCKS_MAX: Final = 10_000
"""Blocks one node searches for one question (operations.md §10)."""

_NETWORK: Final = (Need.NETWORK,)
_HASH: Final = "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"


@wallet_command(
    "wait", needs=_NETWORK, examples=(f"sycee tx wait {_HASH}", f"sycee tx wait {_HASH} --timeout 60 --json")
)
@click.argument("transaction_hash", metavar="HASH")
def wait(session: Session, transaction_hash: str) -> None:
    """Wait until the transaction is final, and prove it.

    A transaction that this wallet signed is sent again first, byte for byte. Exit 9 means: still unknown, ask again.
    """
    wanted = _parse_hash(transaction_hash)
    entry = session.outbox.load(wanted)
    with session.output.progress(f"waiting until {transaction_hash[:10]}… is final"):
        found = settle(session, wanted, entry.raw if entry is not None else None)
    validate_succeeded(session, found)
    _answer(session, found)


@wallet_command("show", needs=_NETWORK, examples=(f"sycee tx show {_HASH}", f"sycee tx show {_HASH} --json"))
@click.argument("transaction_hash", metavar="HASH")
def show(session: Session, transaction_hash: str) -> None:
    """Show whether the transaction is final, pending or unknown; a final one with its proof."""
    wanted = _parse_hash(transaction_hash)
    found = session.verifier.finality(wanted)
    if found is not None:
        session.outbox.mark_final(wanted)
        _answer(session, found)
        return
    status = "pending" if _is_known(session, wanted) else "unknown"
    entry = session.outbox.load(wanted)
    record = {"hash": "0x" + wanted.hex(), "status": status, "outbox": entry.state if entry is not None else None}
    proof = Proof("unverified")
    text = f"0x{wanted.hex()}\n  outcome   {status}: no node proves it final   {proof.label()}"
    if entry is not None:
        text += f"\n  signed    by this wallet; resume with: sycee tx wait 0x{wanted.hex()}"
    session.output.result(record, text, proof=proof)


@wallet_command("history", needs=_NETWORK, examples=("sycee tx history", "sycee tx history bob --limit 5 --json"))
@click.argument("account", required=False, default="")
@click.option("--from-height", type=click.IntRange(0), metavar="H", help="Begin here (default: 10 000 blocks ago).")
@click.option("--limit", type=click.IntRange(1, 500), default=20, metavar="N", help="At most N payments (default 20).")
def history(session: Session, account: str, from_height: int | None, limit: int) -> None:
    """List the newest payments of ACCOUNT.

    Each is proven by its receipt. That none is missing cannot be proven: a node can leave payments out, so the list
    as a whole is UNVERIFIED.
    """
    own = session.account() if not account else None
    name, address = (own.name, own.address) if own is not None else session.resolve(account)[:2]
    head = session.verifier.head()
    currencies = load_currencies(session, head)
    if head is None:
        raise UsageRefused(
            "history needs a node that proves what it says",
            why="no endpoint knows sycee_getCertificate",
            next_step="name a node that serves proofs: --rpc URL",
            code="PROOF_MISSING",
        )
    hashes = _search(session, head, address, currencies, from_height)[:limit]
    rows: list[tuple[FinalTransaction, Payment]] = []
    with session.output.progress("proving payments", len(hashes)) as advance:
        for transaction_hash in hashes:
            found = session.verifier.finality(transaction_hash)
            if found is None:
                raise proof_failed(
                    head.endpoint, ValueError(f"it lists 0x{transaction_hash.hex()}, and nobody proves it")
                )
            mine = [
                payment for payment in payments_in(found, currencies) if address in (payment.sender, payment.recipient)
            ]
            rows += [(found, payment) for payment in mine]
            advance()
    proof = Proof("unverified", note="each payment is proven, that none is missing is not")
    names = _names(session)
    lines = [f"{name or checksum_address(address)}   {proof.label()}"]
    lines += [
        f"  {_time(found)}  {found.final.header.height:>8}  {payment_line(payment, names)}" for found, payment in rows
    ]
    if not rows:
        lines.append("  no payments found")
    records = [
        {
            "hash": "0x" + found.transaction.hash.hex(),
            "height": found.final.header.height,
            "time": _time(found),
            **payment_record(payment),
            "proof": found.proof.record(),
        }
        for found, payment in rows
    ]
    session.output.result(records, "\n".join(lines), proof=proof)


tx = WalletGroup(
    "tx",
    table={
        "wait": ("wallet_cli.commands.tx:wait", "wait until it is final, and prove it"),
        "show": ("wallet_cli.commands.tx:show", "final, pending or unknown"),
        "history": ("wallet_cli.commands.tx:history", "the newest payments of an account"),
        "build": ("wallet_cli.commands.air_gap:build", "write a transaction to be signed elsewhere"),
        "sign": ("wallet_cli.commands.air_gap:sign_file", "sign a file without a network"),
        "simulate": ("wallet_cli.commands.air_gap:simulate", "let a node try a file"),
        "submit": ("wallet_cli.commands.air_gap:submit", "send a signed file"),
    },
    help="What became of payments, and payments in steps for keys without a network.",
)


def _answer(session: Session, found: FinalTransaction) -> None:
    head = session.verifier.head()
    payments = payments_in(found, load_currencies(session, head))
    session.output.result(
        transaction_record(found, payments), transaction_screen(found, payments, _names(session)), proof=found.proof
    )


def _names(session: Session) -> dict[bytes, str]:
    names: dict[bytes, str] = {address: name for name, address in session.contacts.items()}
    return {**names, **{account.address: account.name for account in session.accounts}}


def _parse_hash(text: str) -> Hash32:
    try:
        value = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        value = b""
    if len(value) != 32:
        raise UsageRefused(
            f"{text!r} is no transaction hash",
            why="a hash is 0x and sixty-four hexadecimal digits",
            next_step="sycee tx history",
            code="HASH_INVALID",
        )
    return Hash32(value)


def _is_known(session: Session, transaction_hash: Hash32) -> bool:
    return ask_any(session.client, "eth_getTransactionByHash", "0x" + transaction_hash.hex()).result is not None


def _search(
    session: Session, head: Head, account: Address, currencies: list[Currency], from_height: int | None
) -> list[Hash32]:
    """Return the hashes of transactions in which a node says that `account` was paid or paid, newest first."""
    last = head.final.header.height
    first = max(0, last - LOG_BLOCKS_MAX + 1) if from_height is None else from_height
    padded = "0x" + account.rjust(32, b"\x00").hex()
    transfer = "0x" + TRANSFER.topic.hex()
    places: dict[Hash32, tuple[int, int]] = {}
    for topics in ([transfer, padded], [transfer, None, padded]):
        question = {
            "address": ["0x" + currency.address.hex() for currency in currencies],
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "topics": topics,
        }
        answer = ask_at(session.client, head.endpoint, "eth_getLogs", question)
        try:
            for log in _logs(answer):
                transaction_hash = _parse_hash(str(log["transactionHash"]))
                places[transaction_hash] = int(str(log["blockNumber"]), 16), int(str(log["transactionIndex"]), 16)
        except (ValueError, KeyError, TypeError, UsageRefused) as error:
            raise proof_failed(head.endpoint, error) from error
    return sorted(places, key=lambda transaction_hash: places[transaction_hash], reverse=True)


def _logs(answer: Any) -> list[dict[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(log, dict) for log in answer):
        raise ValueError("logs are no list of objects")
    return answer


def _time(found: FinalTransaction) -> str:
    # Whole seconds on the screen; the milliseconds are in the header.
    return datetime.fromtimestamp(found.final.header.timestamp_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
