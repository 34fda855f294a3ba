"""Transactions that are to be signed elsewhere: made from proven state, shown, written or put on the screen."""

from pathlib import Path

from wallet_cli.addresses import checksum_address
from wallet_cli.errors import UsageRefused
from wallet_cli.frame_carriers import frames_screen
from wallet_cli.outbox import Intent
from wallet_cli.output import Proof
from wallet_cli.session import Session
from wallet_cli.transaction_carriers import transaction_frames
from wallet_cli.transaction_files import UnsignedTransaction, encode_unsigned, read_call, save_transaction
from wallet_cli.transactions import estimate_gas, next_nonce
from wallet_cli.verified import Head


def build_unsigned(session: Session, head: Head, intent: Intent, *, gas_limit_max: int) -> UnsignedTransaction:
    """Return the transaction that does what is intended, tried by a node, with the account's next nonce.

    Raises: TransactionRefused if it would revert.
    """
    gas_limit = estimate_gas(session, intent, gas_limit_max=gas_limit_max)
    state, _ = session.verifier.read_account(head, intent.sender)
    nonce = next_nonce(session, intent.sender, state.nonce if state is not None else 0)
    return UnsignedTransaction(session.network.chain_id, nonce, gas_limit, intent)


def hand_over(
    session: Session, content: bytes, record: dict[str, object], out: Path | None, via: str, *, proof: Proof | None
) -> None:
    """Answer with a transaction file: written to `out`, or as frames on the screen. Raises: UsageRefused."""
    if (out is None) == (via == "file"):
        raise UsageRefused(
            "either --out FILE or --via qr says how it travels",
            why="a file needs a name, and a screen needs none",
            next_step="add --out pay.json, or --via qr",
        )
    hash_line = f"\n{record['hash']}" if "hash" in record else ""
    if out is not None:
        save_transaction(out, content)
        session.output.result(record | {"file": str(out)}, f"{out}{hash_line}", proof=proof)
        return
    frames = transaction_frames(content)
    session.output.result(record | {"frames": frames}, f"{frames_screen(frames)}{hash_line}", proof=proof)


def hand_over_unsigned(
    session: Session, unsigned: UnsignedTransaction, out: Path | None, via: str, *, proof: Proof
) -> None:
    """Show a transaction to be signed and answer with its file. Raises: UsageRefused."""
    session.output.say(unsigned_screen(session, unsigned, "Transaction to sign"))
    hand_over(session, encode_unsigned(unsigned), unsigned_record(unsigned), out, via, proof=proof)


def unsigned_screen(session: Session, unsigned: UnsignedTransaction, title: str) -> str:
    """Return what a transaction's own bytes say, and who is to sign it."""
    currencies = session.trust_store.load_currencies()
    sender = unsigned.intent.sender
    lines = [
        f"{title}   network {session.network.name}, chain {unsigned.chain_id}",
        *read_call(session, unsigned.intent, currencies).lines,
        f"  from      {session.name_of(sender)} {checksum_address(sender)}",
        f"  nonce     {unsigned.nonce}   gas at most {unsigned.gas_limit}, fee none",
    ]
    return "\n".join(lines)


def unsigned_record(unsigned: UnsignedTransaction) -> dict[str, object]:
    """Return a transaction to be signed as `--json` shows it."""
    intent = unsigned.intent
    return {
        "from": checksum_address(intent.sender),
        "to": None if intent.to is None else checksum_address(intent.to),
        "nonce": unsigned.nonce,
        "gas": unsigned.gas_limit,
        "chainId": unsigned.chain_id,
        "data": f"0x{intent.data.hex()}",
    }
