"""`sycee swap`: one half of an exchange across ledgers, by a hash that one secret opens on both.

The secret is made by this wallet, kept in a file for its owner only and never typed on a command line. Who shows it on
one ledger gives it to everybody there, and so to the other party for the other ledger.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import click

from consensus.primitives.hashing import keccak256, sha256
from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from wallet_cli.acting import open_entry
from wallet_cli.addresses import checksum_address
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.deals.desk import Desk, Money, open_desk
from wallet_cli.deals.steps import (
    Fields,
    answer,
    memo_fields,
    movement,
    name_of,
    parse_money,
    refuse_party,
    same_but,
    show_deal,
    take_step,
)
from wallet_cli.errors import UsageRefused
from wallet_cli.files import make_private_folder, read_small, validate_private, write_private
from wallet_cli.memos import encode_memo, memo_text
from wallet_cli.moments import instant_text, parse_instant
from wallet_cli.recipients import validate_recipient
from wallet_cli.session import Session

SECRET_BYTES: Final = 32
"""Length of a secret and of its digest."""

ALGORITHMS: Final = {"sha256": 1, "keccak256": 2}
"""As the contract numbers them; other ledgers know SHA-256."""

STATES: Final = {1: "locked", 2: "claimed", 3: "returned"}
"""As the contract numbers them."""

EXPIRES_DEFAULT: Final = "24h"

_DIGEST_AT: Final = slice(4 + 3 * 32, 4 + 4 * 32)
"""Where a lock's calldata has the digest: the fourth argument."""

_BOTH: Final = (Need.NETWORK, Need.KEY)
_number: Final = click.argument("number", metavar="ID", type=click.IntRange(1, 2**64))


@dataclass(frozen=True, slots=True)
class Swap:
    """A lock of the contract, proven."""

    number: int
    payer: Address
    payee: Address
    money: Money
    digest: bytes
    algorithm: int
    expires_at_s: int
    memo: bytes


@wallet_command(
    "lock",
    needs=_BOTH,
    examples=('sycee swap lock bob "50.00 EUR" --expires 24h --yes',
              'sycee swap lock bob "50.00 EUR" --expires 2d --algorithm keccak256 --dry-run'),
)  # fmt: skip
@click.argument("payee", metavar="PAYEE")
@click.argument("amount", metavar="AMOUNT")
@click.option("--expires", default=EXPIRES_DEFAULT, metavar="TIME", help="12h or 2026-12-01T12:00 (default 24h).")
@click.option("--digest", "digest_text", metavar="HEX", help="The other half's digest; else a secret is made.")
@click.option("--algorithm", type=click.Choice(tuple(ALGORITHMS)), default="sha256", help="Of the digest (sha256).")
@click.option("--memo", default="", metavar="TEXT", help="The swap's reference, at most 32 bytes.")
def lock(
    session: Session, payee: str, amount: str, expires: str, digest_text: str | None, algorithm: str, memo: str
) -> None:
    """Lock money for PAYEE, who gets it by showing the secret; after the expiry it comes back to you.

    Whoever made the secret locks first and with the later expiry: the other half must expire well before.
    """
    desk = open_desk(session, "HashedTimelock")
    to = session.resolve(payee)[1]
    validate_recipient(to)
    money = parse_money(desk, amount)
    expires_at_s = parse_instant(expires, session.settings.now_ms())
    number, reference = ALGORITHMS[algorithm], encode_memo(memo)

    def values(digest: bytes) -> Sequence[AbiValue]:
        return money.token, to, money.units, digest, number, expires_at_s, reference

    if digest_text is None:
        signed = open_entry(session, desk.actor, same_but(desk.intent("lock", *values(bytes(SECRET_BYTES))), 3, 5))
        # After a crash the lock that was signed goes on, with the secret that was made for it.
        digest = _new_digest(session, algorithm) if signed is None else signed.intent.data[_DIGEST_AT]
    else:
        digest = _parse_digest(digest_text)
    found = Swap(0, desk.actor.address, to, money, digest, number, expires_at_s, reference)
    fields = _fields(desk, found)
    done = take_step(desk, "Lock money for a secret", fields, "lock", *values(digest), paid=[money], moving=(5,))
    if done is not None:
        made = _swap(desk, desk.made(done, "Locked"))
        answer(desk, done, _record(made), f"swap {made.number}; digest 0x{made.digest.hex()}")


@wallet_command(
    "claim",
    needs=_BOTH,
    examples=("sycee swap claim 1 --yes", "sycee swap claim 1 --secret-file other-half.txt --dry-run"),
)
@_number
@click.option("--secret-file", metavar="PATH", help="The secret in hexadecimal; this wallet's own else.")
def claim(session: Session, number: int, secret_file: str | None) -> None:
    """Show the secret and pay the payee. From then on everybody knows it."""
    desk, found = _open(session, number)
    secret = _read_secret(session, found, secret_file)
    fields = _fields(desk, found)
    fields.append(("shows", "the secret, to everybody"))
    done = take_step(desk, "Claim a swap", fields, "claim", number, secret, record={"swap": number})
    if done is not None:
        answer(desk, done, _record(found), f"swap {number} claimed")


@wallet_command("refund", needs=_BOTH, examples=("sycee swap refund 1 --yes", "sycee swap refund 1 --dry-run"))
@_number
def refund(session: Session, number: int) -> None:
    """Return the money to the payer after the expiry; anybody's step."""
    desk, found = _open(session, number)
    fields: Fields = [("returns", f"{found.money} to {name_of(desk, found.payer)}")]
    fields.append(("expired", instant_text(found.expires_at_s)))
    done = take_step(desk, "Take a swap back", fields, "refund", number, record={"swap": number})
    if done is not None:
        answer(desk, done, _record(found), f"swap {number} returned")


@wallet_command("decline", needs=_BOTH, examples=("sycee swap decline 1 --yes", "sycee swap decline 1 --dry-run"))
@_number
def decline(session: Session, number: int) -> None:
    """Return the money to the payer at once; the payee's step."""
    desk, found = _open(session, number)
    if desk.actor.address != found.payee:
        raise refuse_party(desk, "declining", found.payee, f"sycee swap show {number}")
    fields: Fields = [("returns", f"{found.money} to {name_of(desk, found.payer)}")]
    done = take_step(desk, "Decline a swap", fields, "decline", number, record={"swap": number})
    if done is not None:
        answer(desk, done, _record(found), f"swap {number} returned")


@wallet_command("show", needs=(Need.NETWORK,), examples=("sycee swap show 1", "sycee swap show 1 --json"))
@_number
def show(session: Session, number: int) -> None:
    """Show a swap: its terms proven, its state one node's word; the secret once it was shown, checked."""
    desk, found = _open(session, number, is_reading=True)
    state = cast(tuple[int, ...], desk.ask("lockOf", number)[0])[7]
    word = STATES.get(state, f"state {state}")
    fields = [*_fields(desk, found), ("state", f"{word}  UNVERIFIED")]
    secret = _shown_secret(desk, found) if word == "claimed" else None
    if secret is not None:
        fields.append(("secret", f"0x{secret.hex()}"))
    record = {**_record(found), "state": word, "secret": "" if secret is None else f"0x{secret.hex()}"}
    show_deal(desk, f"swap {number}", fields, record)


swap = WalletGroup(
    "swap",
    table={
        "lock": ("wallet_cli.deals.swap:lock", "lock money for whoever shows a secret"),
        "claim": ("wallet_cli.deals.swap:claim", "show the secret and be paid"),
        "refund": ("wallet_cli.deals.swap:refund", "take it back after the expiry"),
        "decline": ("wallet_cli.deals.swap:decline", "give it back, as payee"),
        "show": ("wallet_cli.deals.swap:show", "show one"),
    },
    help="Exchanges across ledgers, by a hash that one secret opens on both.",
)


def _new_digest(session: Session, algorithm: str) -> bytes:
    """Make a secret, keep it, and return its digest. A dry run keeps nothing."""
    secret = secrets.token_bytes(SECRET_BYTES)
    digest = _digest_of(secret, ALGORITHMS[algorithm])
    if not session.settings.is_dry_run:
        path = _secret_path(session, digest)
        make_private_folder(path.parent)
        write_private(path, f"0x{secret.hex()}\n".encode(), is_new=True)
        session.output.say(f"the secret is in {path}: whoever reads it can claim")
    return digest


def _secret_path(session: Session, digest: bytes) -> Path:
    return session.home.network_data(session.network.name) / "swaps" / f"{digest.hex()}.txt"


def _digest_of(secret: bytes, algorithm: int) -> bytes:
    return sha256(secret) if algorithm == ALGORITHMS["sha256"] else keccak256(secret)


def _parse_digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        digest = b""
    if len(digest) != SECRET_BYTES:
        raise UsageRefused(
            f"{text!r} is no digest",
            why=f"a digest has {SECRET_BYTES} bytes, {2 * SECRET_BYTES} hexadecimal digits",
            next_step="copy it from the other half of the swap",
            code="DIGEST_INVALID",
        )
    return digest


def _read_secret(session: Session, found: Swap, secret_file: str | None) -> bytes:
    path = _secret_path(session, found.digest) if secret_file is None else Path(secret_file)
    try:
        if secret_file is None:
            validate_private(path, 0o600)
        secret = bytes.fromhex(read_small(path).decode("ascii").strip().removeprefix("0x"))
    except (FileNotFoundError, ValueError):
        secret = b""
    if len(secret) != SECRET_BYTES or _digest_of(secret, found.algorithm) != found.digest:
        raise UsageRefused(
            f"{path} has no secret of swap {found.number}",
            why=f"its digest must be 0x{found.digest.hex()}",
            next_step="wait until the secret is shown on the other ledger, and give it with --secret-file",
            code="SECRET_MISSING",
        )
    return secret


def _shown_secret(desk: Desk, found: Swap) -> bytes | None:
    """Return the secret that a claim showed; its digest proves it, whoever says so."""
    for transaction_hash in desk.transactions_with("Claimed", found.number.to_bytes(32, "big")):
        proven = desk.session.verifier.finality(transaction_hash)
        for values in [] if proven is None else desk.events(proven.receipt.logs, "Claimed"):
            secret = cast(bytes, values["secret"])
            if values["lockId"] == found.number and _digest_of(secret, found.algorithm) == found.digest:
                return secret
    return None


def _open(session: Session, number: int, *, is_reading: bool = False) -> tuple[Desk, Swap]:
    desk = open_desk(session, "HashedTimelock", is_reading=is_reading)
    return desk, _swap(desk, desk.terms("Locked", "lockId", number))


def _swap(desk: Desk, values: dict[str, AbiValue]) -> Swap:
    payer, payee, token = (Address(cast(bytes, values[name])) for name in ("payer", "payee", "token"))
    number, units, algorithm, expires_at_s = (
        cast(int, values[name]) for name in ("lockId", "amount", "algorithm", "expiresAt")
    )
    digest, memo = cast(bytes, values["digest"]), cast(bytes, values["memo"])
    return Swap(number, payer, payee, desk.money(token, units), digest, algorithm, expires_at_s, memo)


def _algorithm_name(found: Swap) -> str:
    return next((name for name, number in ALGORITHMS.items() if number == found.algorithm), "unknown")


def _fields(desk: Desk, found: Swap) -> Fields:
    return [
        movement(desk, found.money, found.payer, found.payee),
        ("held for", desk.who(found.payee)),
        ("digest", f"0x{found.digest.hex()[:16]}…{found.digest.hex()[-8:]}  {_algorithm_name(found)}"),
        ("until", f"{instant_text(found.expires_at_s)}; then it goes back to {name_of(desk, found.payer)}"),
        *memo_fields(found.memo),
    ]


def _record(found: Swap) -> dict[str, object]:
    return {
        "swap": found.number,
        "payer": checksum_address(found.payer),
        "payee": checksum_address(found.payee),
        "token": checksum_address(found.money.token),
        "units": str(found.money.units),
        "amount": str(found.money),
        "digest": f"0x{found.digest.hex()}",
        "algorithm": _algorithm_name(found),
        "expires_at_s": found.expires_at_s,
        "memo": memo_text(found.memo) if any(found.memo) else "",
    }
