"""`sycee tx build|sign|simulate|submit`: paying with a key on a computer that never has a network.

`sign` opens no connection and shows what it reads in the call itself; nothing in a file can explain it otherwise.
"""

from pathlib import Path
from typing import Final

import click

from wallet_cli.acting import final_line
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import format_amount, parse_amount
from wallet_cli.cli import Need, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import InsufficientFunds, PolicyRefused, UsageRefused
from wallet_cli.memos import encode_memo
from wallet_cli.outbox import Entry, Intent
from wallet_cli.output import Proof
from wallet_cli.payments import GAS_LIMIT_MAX, payment_intent, payments_in
from wallet_cli.positions import read_position
from wallet_cli.recipients import validate_recipient
from wallet_cli.screens import payment_line, transaction_record
from wallet_cli.session import Session
from wallet_cli.transaction_carriers import read_transaction
from wallet_cli.transaction_files import decode_signed, decode_unsigned, encode_signed, read_call
from wallet_cli.transactions import (
    checksum_or_name,
    estimate_gas,
    provable_head,
    settle,
    sign,
    validate_succeeded,
)
from wallet_cli.unlocking import open_key
from wallet_cli.unsigned_transactions import (
    build_unsigned,
    hand_over,
    hand_over_unsigned,
    unsigned_record,
    unsigned_screen,
)

CALL_GAS_LIMIT_MAX: Final = 30_000_000
"""Highest gas limit written for a call that is no payment: a whole block's."""

_OUT: Final = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Where to write it."
)
_VIA: Final = click.option(
    "--via", type=click.Choice(["file", "qr"]), default="file", help="Or show it as QR codes on the screen: qr."
)
_NETWORK: Final = (Need.NETWORK,)


@wallet_command(
    "build",
    needs=_NETWORK,
    examples=(
        'sycee tx build bob "12.34 EUR" --memo INV-2041 --out pay.json',
        'sycee tx build bob "1 EUR" --from alice --out pay.json --json',
    ),
)
@click.argument("to")
@click.argument("amount", required=False, default="")
@click.option("--memo", default="", metavar="TEXT", help="Reference of at most 32 bytes, public on the ledger.")
@click.option("--data", default="", metavar="HEX", help="Instead of AMOUNT: call the contract TO with these bytes.")
@click.option("--account", "payer", default="", metavar="ADDRESS", help="Who signs, if its key is not in this wallet.")
@_OUT
@_VIA
def build(session: Session, to: str, amount: str, memo: str, data: str, payer: str, out: Path | None, via: str) -> None:
    """Write a payment or a call to FILE, to be signed elsewhere, or show it as QR codes. Needs no key."""
    sender = session.resolve(payer)[1] if payer else session.account().address
    head = provable_head(session)
    currencies = load_currencies(session, head)
    target = session.resolve(to)[1]
    if bool(amount) == bool(data) or (data and memo):
        raise UsageRefused(
            "either an amount or --data says what is to be done",
            why="a payment has an amount and perhaps a memo, a call has its bytes",
            next_step='sycee tx build bob "12.34 EUR" --out pay.json',
        )
    if amount:
        validate_recipient(target)
        money = parse_amount(amount, currencies)
        spendable = read_position(session, head, sender, money.currency).spendable
        if spendable.units < money.units:
            raise InsufficientFunds(
                f"{checksum_or_name(session, sender)} can spend {format_amount(spendable)}, {format_amount(money)} are "
                "to be paid",
                why=f"the balance is {head.proof.label()}; nothing was written",
                next_step="sycee balance",
            )
        intent = payment_intent(sender, target, money, encode_memo(memo))
    else:
        intent = Intent(sender, target, _unhex(data))
    unsigned = build_unsigned(session, head, intent, gas_limit_max=GAS_LIMIT_MAX if amount else CALL_GAS_LIMIT_MAX)
    hand_over_unsigned(session, unsigned, out, via, proof=head.proof)


@wallet_command(
    "sign",
    needs=(Need.KEY,),
    examples=(
        "sycee tx sign pay.json --out pay.signed.json --yes",
        "sycee tx sign pay.json --out pay.signed.json --yes --json",
    ),
)
@click.argument("file", metavar="FILE")
@_OUT
@_VIA
@click.option("--blind", is_flag=True, help="Sign a call that this wallet cannot decode.")
def sign_file(session: Session, file: str, out: Path | None, via: str, blind: bool) -> None:
    """Sign the transaction in FILE without a network, after showing what its bytes do.

    FILE may be a picture of its QR codes, a folder of them, their text, or - for stdin.
    """
    unsigned = decode_unsigned(read_transaction(file), file)
    if unsigned.chain_id != session.network.chain_id:
        raise UsageRefused(
            f"{file} is for chain {unsigned.chain_id}, network {session.network.name} is chain "
            f"{session.network.chain_id}",
            why="what is signed for one network means nothing on another",
            next_step="choose the network with --network NAME",
            code="CHAIN_DIFFERS",
        )
    account = next((entry for entry in session.accounts if entry.address == unsigned.intent.sender), None)
    if account is None:
        raise UsageRefused(
            f"{file} is to be signed by {checksum_address(unsigned.intent.sender)}, which is no account here",
            why=f"this wallet has: {', '.join(entry.name for entry in session.accounts) or 'none'}",
            next_step="sign it where the key is",
            code="ACCOUNT_UNKNOWN",
        )
    currencies = session.trust_store.load_currencies()
    meaning = read_call(session, unsigned.intent, currencies)
    session.output.say(unsigned_screen(session, unsigned, "Sign without a network"))
    if not meaning.is_known and not blind:
        raise PolicyRefused(
            f"{file} calls something that this wallet cannot decode",
            why="a signature gives away whatever the bytes say, and nobody here can read them",
            next_step="name the contract: sycee contract alias NAME ADDRESS --abi FILE; or add --blind",
            code="CALL_UNKNOWN",
        )
    if session.settings.is_dry_run:
        session.output.result(unsigned_record(unsigned) | {"dry_run": True}, "dry run: nothing was signed")
        return
    session.output.confirm("Sign?", is_yes=session.settings.is_yes, next_step="repeat with --yes to sign")
    entry = sign(
        session, open_key(session, account), unsigned.intent, nonce=unsigned.nonce, gas_limit=unsigned.gas_limit
    )
    record = unsigned_record(unsigned) | {"hash": f"0x{entry.hash.hex()}"}
    hand_over(session, encode_signed(entry.raw, entry.hash), record, out, via, proof=None)


@wallet_command(
    "simulate", needs=_NETWORK, examples=("sycee tx simulate pay.json", "sycee tx simulate pay.json --json")
)
@click.argument("file", metavar="FILE")
def simulate(session: Session, file: str) -> None:
    """Let a node try the transaction in FILE: one node's word. Exit 8 if it would revert."""
    unsigned = decode_unsigned(read_transaction(file), file)
    limit = estimate_gas(session, unsigned.intent, gas_limit_max=CALL_GAS_LIMIT_MAX)
    head = provable_head(session)
    state, _ = session.verifier.read_account(head, unsigned.intent.sender)
    nonce = state.nonce if state is not None else 0
    proof = Proof("unverified")
    is_next = nonce == unsigned.nonce
    lines = [
        unsigned_screen(session, unsigned, "Tried by a node"),
        f"  gas       {limit} needed, {unsigned.gas_limit} in the file   {proof.label()}",
        f"  nonce     {unsigned.nonce} in the file, {nonce} proven at height {head.proof.height}"
        + ("" if is_next else ": it is not the next one"),
    ]
    record = unsigned_record(unsigned) | {"gasNeeded": limit, "provenNonce": nonce, "isNext": is_next}
    session.output.result(record, "\n".join(lines), proof=proof)


@wallet_command(
    "submit",
    needs=_NETWORK,
    examples=("sycee tx submit pay.signed.json --yes", "sycee tx submit pay.signed.json --yes --json"),
)
@click.argument("file", metavar="FILE")
def submit(session: Session, file: str) -> None:
    """Send the signed transaction in FILE and return when it is final and proven. Safe to repeat.

    FILE may be a picture of its QR codes, a folder of them, their text, or - for stdin.
    """
    submit_signed(session, decode_signed(read_transaction(file), file, chain_id=session.network.chain_id))


def submit_signed(session: Session, entry: Entry) -> None:
    """Show a signed transaction, ask, send it and answer when it is final and proven.

    Raises: Declined, TransactionRefused, OutcomeUnknown, ProofInvalid.
    """
    head = provable_head(session)
    currencies = load_currencies(session, head)
    lines = [
        f"Send a signed transaction   network {session.network.name}, chain {session.network.chain_id}",
        *read_call(session, entry.intent, currencies).lines,
        f"  signed by {checksum_or_name(session, entry.intent.sender)}, nonce {entry.nonce}",
    ]
    session.output.say("\n".join(lines))
    if session.settings.is_dry_run:
        session.output.result({"dry_run": True, "hash": f"0x{entry.hash.hex()}"}, "dry run: nothing was sent")
        return
    session.output.confirm("Send?", is_yes=session.settings.is_yes, next_step="repeat with --yes to send")
    with session.outbox.account_lock(entry.intent.sender):
        if session.outbox.load(entry.hash) is None:
            session.outbox.save(entry)
        with session.output.progress(f"waiting until 0x{entry.hash.hex()[:8]}… is final"):
            found = settle(session, entry.hash, entry.raw)
    validate_succeeded(session, found)
    payments = payments_in(found, currencies)
    names: dict[bytes, str] = {address: name for name, address in session.contacts.items()}
    names |= {account.address: account.name for account in session.accounts}
    text = [final_line(found.proof), f"0x{entry.hash.hex()}", *(payment_line(paid, names) for paid in payments)]
    session.output.result(transaction_record(found, payments), "\n".join(text), proof=found.proof)


def _unhex(text: str) -> bytes:
    try:
        if not text.startswith("0x"):
            raise ValueError(text)
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise UsageRefused(
            f"--data {text[:40]!r} is not 0x and an even number of hexadecimal digits",
            why="a call is bytes",
            next_step="sycee contract abi NAME shows what a contract understands",
            code="DATA_INVALID",
        ) from error
