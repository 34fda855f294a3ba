"""`sycee sign` and `sycee verify`: texts (EIP-191) and documents (EIP-712) that are no transactions.

A document is shown field by field before it is signed: a signed one can move money as well as a transaction.
"""

from pathlib import Path
from typing import Any, Final

import click

from consensus.primitives.json_text import parse_json
from wallet_cli.addresses import checksum_address
from wallet_cli.cli import Need, wallet_command
from wallet_cli.errors import PolicyRefused, ProofInvalid, UsageRefused
from wallet_cli.files import read_small
from wallet_cli.session import Session
from wallet_cli.unlocking import open_key

TEXT_CHARACTERS_MAX: Final = 4_096
"""Longest text signed: what a person can read on a few screens."""

DEPTH_MAX: Final = 16
"""Deepest nesting shown of a document; real ones have two or three levels."""

SIGNATURE_BYTES: Final = 65

_TYPED: Final = click.Path(path_type=Path, dir_okay=False)


@wallet_command(
    "sign", needs=(Need.KEY,), examples=('sycee sign "I am alice" --yes', "sycee sign --typed order.json --yes --json")
)
@click.argument("text", required=False, default="")
@click.option("--typed", type=_TYPED, metavar="FILE", help="An EIP-712 document instead of TEXT.")
def sign(session: Session, text: str, typed: Path | None) -> None:
    """Sign TEXT or an EIP-712 document, after showing all of it."""
    from wallet_cli.signing import sign_document, sign_text

    _validate_one(text, typed)
    account = session.account()
    if typed is None:
        document = None
        lines = ["Sign a text", f"  text      {text}"]
    else:
        document = _load_document(typed)
        _validate_chain(session, document)
        lines = ["Sign a document", *document_lines(document)]
    session.output.say("\n".join([*lines, f"  from      {account.name} {checksum_address(account.address)}"]))
    if session.settings.is_dry_run:
        session.output.result({"dry_run": True}, "dry run: nothing was signed")
        return
    session.output.confirm("Sign?", is_yes=session.settings.is_yes, next_step="repeat with --yes to sign")
    key = open_key(session, account)
    signature = sign_text(key, text) if document is None else sign_document(key, document)
    record = {"address": checksum_address(account.address), "signature": f"0x{signature.hex()}"}
    session.output.result(record, record["signature"])


@wallet_command(
    "verify",
    needs=(),
    examples=(
        'sycee verify alice "$SIGNATURE" "I am alice"',
        'sycee verify bob "$SIGNATURE" --typed order.json --json',
    ),
)
@click.argument("signer")
@click.argument("signature")
@click.argument("text", required=False, default="")
@click.option("--typed", type=_TYPED, metavar="FILE", help="An EIP-712 document instead of TEXT.")
def verify(session: Session, signer: str, signature: str, text: str, typed: Path | None) -> None:
    """Check that SIGNER signed TEXT or an EIP-712 document. Exit 7 if somebody else did, or nobody."""
    from wallet_cli.signing import document_signer, text_signer

    _validate_one(text, typed)
    name, expected, _ = session.resolve(signer)
    raw = _unhex(signature)
    found = text_signer(text, raw) if typed is None else document_signer(_load_document(typed), raw)
    if found != expected:
        raise ProofInvalid(
            f"{checksum_address(found)} signed this, not {name or 'the address'} {checksum_address(expected)}",
            why="the signature, the text or the signer is another one; a single letter makes the difference",
            next_step="ask for signature and text again",
            code="SIGNATURE_INVALID",
        )
    record = {"address": checksum_address(expected), "name": name, "valid": True}
    session.output.result(record, f"signed by {name} {checksum_address(expected)}".replace("  ", " "))


def document_lines(document: dict[str, Any]) -> list[str]:
    """Return an EIP-712 document for the screen: domain, kind, then every field by its declared type."""
    lines = [f"  kind      {document['primaryType']}"]
    for title in ("domain", "message"):
        lines.append(f"  {title}")
        lines += _value_lines(document[title], "    ", DEPTH_MAX)
    return lines


def _value_lines(value: object, indent: str, depth_left: int) -> list[str]:
    """Return the fields of an object or list. Raises: UsageRefused if it is nested too deep to be read."""
    if depth_left == 0:
        raise _refused(f"it is nested deeper than {DEPTH_MAX} levels")
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    lines = []
    for name, part in pairs:
        if isinstance(part, dict | list):
            lines.append(f"{indent}{name}")
            lines += _value_lines(part, f"{indent}  ", depth_left - 1)
        else:
            lines.append(f"{indent}{name!s:<14} {part}")
    return lines


def _load_document(path: Path) -> dict[str, Any]:
    try:
        document = parse_json(read_small(path))
    except (OSError, ValueError) as error:
        raise _refused(f"{path}: {error}") from error
    if not isinstance(document, dict) or not document.keys() >= {"domain", "types", "primaryType", "message"}:
        raise _refused(f"{path} lacks domain, types, primaryType or message")
    declared = document["types"].get(document["primaryType"]) if isinstance(document["types"], dict) else None
    names = [field.get("name") for field in declared] if isinstance(declared, list) else []
    if not isinstance(document["message"], dict) or sorted(document["message"]) != sorted(names):
        raise _refused(f"{path} has other fields in its message than its type declares")
    return document


def _validate_chain(session: Session, document: dict[str, Any]) -> None:
    """Check that a document is for this network, where it names one. Raises: PolicyRefused."""
    chain_id = document["domain"].get("chainId") if isinstance(document["domain"], dict) else None
    if chain_id is not None and str(chain_id) != str(session.network.chain_id):
        raise PolicyRefused(
            f"the document is for chain {chain_id}, network {session.network.name} is chain {session.network.chain_id}",
            why="a signature that counts on another network is not asked for by this one",
            next_step="choose the network with --network NAME",
            code="CHAIN_DIFFERS",
        )


def _validate_one(text: str, typed: Path | None) -> None:
    if (
        bool(text) == (typed is not None)
        or len(text) > TEXT_CHARACTERS_MAX
        or not all(mark.isprintable() or mark == "\n" for mark in text)
    ):
        raise UsageRefused(
            f"either a printable text of at most {TEXT_CHARACTERS_MAX} characters or --typed FILE is signed",
            why="what cannot be read on a screen is not signed",
            next_step='sycee sign "TEXT"',
            code="TEXT_INVALID",
        )


def _unhex(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != SIGNATURE_BYTES:
        raise UsageRefused(
            f"a signature has {SIGNATURE_BYTES} bytes, {len(text.removeprefix('0x'))} characters were given",
            why="it is 0x and 130 hexadecimal digits: r, s and v",
            next_step="copy it again",
            code="SIGNATURE_MALFORMED",
        )
    return raw


def _refused(detail: str) -> UsageRefused:
    return UsageRefused(
        f"the document cannot be shown: {detail}",
        why="what is signed must be read completely",
        next_step="ask its author for the JSON that eth_signTypedData_v4 takes",
        code="TYPED_DATA_INVALID",
    )
