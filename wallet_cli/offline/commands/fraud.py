"""`sycee offline fraud`: double spends that this wallet can prove, shown, passed on and reported."""

from pathlib import Path

import click

from contracts.abi import AbiValue
from contracts.offline.purse_rules import SignedHop
from wallet_cli.addresses import checksum_address
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.deals.steps import Fields, answer, take_step
from wallet_cli.errors import UsageRefused
from wallet_cli.offline import till_tables
from wallet_cli.offline.carriers import carrier_options, carry, show_frames, way_of
from wallet_cli.offline.domain import domain_of
from wallet_cli.offline.fraud import spends_of_fraud
from wallet_cli.offline.ledger import open_offline_desk, purse_tuple
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import Fraud
from wallet_cli.session import Session


@wallet_command("list", needs=(), examples=("sycee offline fraud list", "sycee offline fraud list --json"))
def list_(session: Session) -> None:
    """List the double spends this wallet has proof of."""
    found = till_tables.load_evidence(session.offline_database)
    records = [_record(session, fraud) for fraud in found]
    lines = [
        f"purse {str(entry['purse'])[2:10]} of {entry['owner']}: units {entry['units']} twice" for entry in records
    ]
    session.output.result(records, "\n".join(lines) or "no double spend is known here")


@wallet_command(
    "show",
    needs=(),
    examples=("sycee offline fraud show 5f3a9c01 --via png", "sycee offline fraud show 5f3a --via text"),
)
@click.argument("reference", metavar="PURSE")
@carrier_options
def show(session: Session, reference: str, via: str | None, out: Path | None, frame_bytes: int, invert: bool) -> None:
    """Show a proof, so that others learn it with: sycee offline import."""
    fraud = _named(session, reference)
    way = way_of(session, via, out, frame_bytes, invert)
    carried = carry(session, way, "fraud", encode_message(fraud))
    session.output.result({**_record(session, fraud), **carried.record}, carried.text)
    show_frames(carried, way)


@wallet_command(
    "report",
    needs=(Need.NETWORK, Need.KEY),
    examples=("sycee offline fraud report --yes", "sycee offline fraud report 5f3a9c01 --dry-run"),
)
@click.argument("reference", metavar="[PURSE]", required=False, default="")
def report(session: Session, reference: str) -> None:
    """Prove a double spend on the ledger: its owner opens no purse any more. Nobody who was paid loses anything."""
    fraud = _named(session, reference)
    desk = open_offline_desk(session)
    first, second = spends_of_fraud(domain_of(session), fraud)
    fields: Fields = [
        ("purse", first.hop.purse_id.hex()),
        ("owner", desk.who(fraud.terms.owner)),
        ("units", f"{_record(session, fraud)['units']} were signed away twice"),
    ]
    values: tuple[AbiValue, ...] = (purse_tuple(fraud.terms), *_hop(first), *_hop(second))
    done = take_step(desk, "Report a double spend", fields, "prove", *values)
    if done is not None:
        answer(desk, done, _record(session, fraud), f"{checksum_address(fraud.terms.owner)} can open no purse any more")


def _hop(signed: SignedHop) -> tuple[AbiValue, AbiValue]:
    hop = signed.hop
    return (hop.purse_id, hop.parent, hop.lo, hop.hi, hop.to, hop.invoice), signed.signature


def _named(session: Session, reference: str) -> Fraud:
    digits = reference.removeprefix("0x").lower()
    known = till_tables.load_evidence(session.offline_database)
    found = [fraud for fraud in known if _purse_of(session, fraud).startswith(digits)]
    if len({_purse_of(session, fraud) for fraud in found}) == 1:
        return found[0]
    raise UsageRefused(
        f"{len(found)} proofs are of purses that begin with {reference!r}",
        why="one purse is reported at a time",
        next_step="sycee offline fraud list",
        code="REFERENCE_UNKNOWN",
    )


def _purse_of(session: Session, fraud: Fraud) -> str:
    return spends_of_fraud(domain_of(session), fraud)[0].hop.purse_id.hex()


def _record(session: Session, fraud: Fraud) -> dict[str, object]:
    lo, hi = max(fraud.first.lo, fraud.second.lo), min(fraud.first.hi, fraud.second.hi)
    return {
        "purse": f"0x{_purse_of(session, fraud)}",
        "owner": checksum_address(fraud.terms.owner),
        "units": f"{lo} to {hi}",
    }


fraud = WalletGroup(
    "fraud",
    table={
        "list": ("wallet_cli.offline.commands.fraud:list_", "double spends this wallet can prove"),
        "show": ("wallet_cli.offline.commands.fraud:show", "pass a proof on"),
        "report": ("wallet_cli.offline.commands.fraud:report", "prove one on the ledger"),
    },
    help="Double spends: proven by two signatures.",
)
