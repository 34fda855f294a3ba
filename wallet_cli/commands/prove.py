"""`sycee prove`: evidence as a file, which anybody who trusts the same validators can check without a network."""

import json
from pathlib import Path
from typing import Any, Final

import click

from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import Address, Hash32
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import find_currency
from wallet_cli.answers import read_bytes
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import OutcomeUnknown, UsageRefused
from wallet_cli.files import read_small, write_private
from wallet_cli.output import Proof
from wallet_cli.payments import payments_in
from wallet_cli.positions import position_of, position_slots
from wallet_cli.screens import balance_screen, transaction_record, transaction_screen
from wallet_cli.session import Session
from wallet_cli.transactions import provable_head
from wallet_cli.verified import ask_any, ask_at

PROOF_SCHEMA: Final = "sycee-proof/1"

_FIELDS: Final = {
    "balance": {"schema", "kind", "chainId", "account", "currency", "certificate", "state"},
    "receipt": {"schema", "kind", "chainId", "hash", "evidence"},
}
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_OUT: Final = click.option("--out", required=True, type=_FILE, metavar="FILE", help="Where to write the proof.")
_HASH: Final = "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"


@wallet_command(
    "balance",
    needs=(Need.NETWORK,),
    examples=(
        "sycee prove balance alice --currency EUR --out balance.json",
        "sycee prove balance --currency EUR --out balance.json --json",
    ),
)
@click.argument("account", required=False, default="")
@click.option("--currency", "code", required=True, metavar="CODE", help="Which currency.")
@_OUT
def balance(session: Session, account: str, code: str, out: Path) -> None:
    """Write the proof of what ACCOUNT has in one currency at the newest final height."""
    address = session.resolve(account)[1] if account else session.account().address
    head = provable_head(session)
    currency = find_currency(code, load_currencies(session, head))
    height = hex(head.final.header.height)
    keys = [f"0x{slot:064x}" for slot in position_slots(address)]
    content = {
        "schema": PROOF_SCHEMA,
        "kind": "balance",
        "chainId": session.network.chain_id,
        "account": checksum_address(address),
        "currency": currency.code,
        "certificate": ask_at(session.client, head.endpoint, "sycee_getCertificate", height),
        "state": ask_at(session.client, head.endpoint, "eth_getProof", f"0x{currency.address.hex()}", keys, height),
    }
    _save(session, out, content)


@wallet_command(
    "receipt",
    needs=(Need.NETWORK,),
    examples=(
        f"sycee prove receipt {_HASH} --out receipt.json",
        f"sycee prove receipt {_HASH} --out receipt.json --json",
    ),
)
@click.argument("transaction_hash", metavar="HASH")
@_OUT
def receipt(session: Session, transaction_hash: str, out: Path) -> None:
    """Write the proof that a transaction is final, with its receipt."""
    wanted = _parse_hash(transaction_hash)
    evidence = ask_any(session.client, "sycee_getFinalityProof", f"0x{wanted.hex()}").result
    if evidence is None:
        raise OutcomeUnknown(
            f"0x{wanted.hex()} is not proven final",
            why="there is no proof yet of what is not final",
            next_step=f"sycee tx wait 0x{wanted.hex()}",
            code="NOT_FINAL",
        )
    content = {
        "schema": PROOF_SCHEMA,
        "kind": "receipt",
        "chainId": session.network.chain_id,
        "hash": f"0x{wanted.hex()}",
        "evidence": evidence,
    }
    # An endpoint may be ahead of what this wallet has followed: it follows before it checks.
    session.verifier.head()
    _save(session, out, content)


@wallet_command("check", needs=(), examples=("sycee prove check balance.json", "sycee prove check balance.json --json"))
@click.argument("file", type=_FILE)
def check(session: Session, file: Path) -> None:
    """Check a proof file against the validators this wallet trusts, without a network. Exit 7 if it proves nothing."""
    try:
        content = parse_json(read_small(file))
    except (OSError, ValueError) as error:
        raise _broken(file, str(error)) from error
    record, text, proof = _checked(session, file, content)
    session.output.result(record, text, proof=proof)


prove = WalletGroup(
    "prove",
    table={
        "balance": ("wallet_cli.commands.prove:balance", "what an account has, as a file"),
        "receipt": ("wallet_cli.commands.prove:receipt", "that a transaction is final, as a file"),
        "check": ("wallet_cli.commands.prove:check", "check such a file without a network"),
    },
    help="Evidence as files.",
)


def _checked(session: Session, path: Path, content: Any) -> tuple[dict[str, object], str, Proof]:
    """Return what a proof file proves: record, screen and label. Raises: ProofInvalid, UsageRefused."""
    kind = content.get("kind") if isinstance(content, dict) else None
    if kind not in _FIELDS or content.get("schema") != PROOF_SCHEMA or content.keys() != _FIELDS[kind]:
        raise _broken(path, "its fields are not those of a proof")
    if content["chainId"] != session.network.chain_id:
        raise _broken(path, f"it is of chain {content['chainId']}, this network is chain {session.network.chain_id}")
    currencies = session.trust_store.load_currencies()
    try:
        if kind == "receipt":
            wanted = Hash32(read_bytes(content["hash"], 32))
        else:
            account = Address(read_bytes(content["account"], 20))
    except ValueError as error:
        raise _broken(path, str(error)) from error
    if kind == "receipt":
        found = session.verifier.check_evidence(str(path), content["evidence"], wanted)
        payments = payments_in(found, currencies)
        names: dict[bytes, str] = {address: name for name, address in session.contacts.items()}
        names |= {entry.address: entry.name for entry in session.accounts}
        return transaction_record(found, payments), transaction_screen(found, payments, names), found.proof
    currency = find_currency(str(content["currency"]), currencies)
    final, proof, words = session.verifier.check_account(
        str(path), content["certificate"], content["state"], currency.address, position_slots(account)
    )
    position = position_of(currency, words)
    name = session.name_of(account)
    record = {"account": name, "address": checksum_address(account), "height": final.header.height}
    return record | position.record(), balance_screen(name, account, [position], proof), proof


def _save(session: Session, path: Path, content: dict[str, object]) -> None:
    """Check a proof before it is written: what this wallet does not believe is not handed on."""
    record, _, proof = _checked(session, path, content)
    try:
        write_private(path, json.dumps(content).encode() + b"\n", is_new=True)
    except OSError as error:
        raise UsageRefused(
            f"{path} cannot be written: {error.strerror}",
            why="a file that is there already is not overwritten",
            next_step="name another file with --out",
            code="FILE_EXISTS" if isinstance(error, FileExistsError) else "FILE_UNWRITABLE",
        ) from error
    session.output.result(record | {"file": str(path)}, str(path), proof=proof)


def _parse_hash(text: str) -> Hash32:
    try:
        return Hash32(read_bytes(text, 32))
    except ValueError as error:
        raise UsageRefused(
            f"{text!r} is no transaction hash",
            why="a hash is 0x and sixty-four hexadecimal digits",
            next_step="sycee tx history",
            code="HASH_INVALID",
        ) from error


def _broken(path: Path, detail: str) -> UsageRefused:
    return UsageRefused(
        f"{path} is no proof file: {detail}",
        why="proof files are JSON that sycee prove writes",
        next_step="ask for the file again",
        code="PROOF_FILE_INVALID",
    )
