"""`sycee balance`: what an account has, proven by the validators' signatures and Merkle proofs."""

import click

from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import find_currency
from wallet_cli.cli import Need, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import PolicyRefused, ProofInvalid
from wallet_cli.output import Proof
from wallet_cli.positions import Position, ask_position, read_position
from wallet_cli.screens import balance_screen
from wallet_cli.session import Session


@wallet_command("balance", needs=(Need.NETWORK,), examples=("sycee balance", "sycee balance bob --currency EUR --json"))
@click.argument("account", required=False, default="")
@click.option("--currency", "code", metavar="CODE", help="Only this currency.")
@click.option("--all", "show_all", is_flag=True, help="Also currencies the account has none of.")
@click.option("--max-age", type=click.IntRange(1), metavar="S", help="Refuse a balance older than S seconds.")
@click.option("--require-proof", is_flag=True, help="Fail instead of showing anything unproven.")
def balance(
    session: Session, account: str, code: str | None, show_all: bool, max_age: int | None, require_proof: bool
) -> None:
    """Show what ACCOUNT has: an account of this wallet, a contact or an address.

    Every figure is proven: the state root stands in a header that a quorum of the trusted validators finalized.
    """
    if account:
        name, address, _ = session.resolve(account)
    else:
        own = session.account()
        name, address = own.name, own.address
    head = session.verifier.head()
    proof = head.proof if head is not None else Proof("unverified")
    if require_proof and proof.level == "unverified":
        raise ProofInvalid(
            "no endpoint proves what it says" if head is None else f"nothing is proven: {proof.note}",
            why="--require-proof was given",
            next_step="name a node that serves proofs: --rpc URL",
            code="PROOF_MISSING",
        )
    if max_age is not None and (proof.age_ms is None or proof.age_ms > 1000 * max_age):
        raise PolicyRefused(
            f"the newest proven header is {proof.label()}, at most {max_age} s were asked for",
            why="--max-age was given",
            next_step="compare with another node: --rpc URL",
            code="TOO_OLD",
        )
    currencies = load_currencies(session, head)
    chosen = [find_currency(code, currencies)] if code else currencies
    positions: list[Position] = []
    with session.output.progress("proving balances", len(chosen)) as advance:
        for currency in chosen:
            if head is None:
                positions.append(ask_position(session, address, currency))
            else:
                positions.append(read_position(session, head, address, currency))
            advance()
    shown = positions if show_all or code else [entry for entry in positions if entry.total.units] or positions[:1]
    records = [{"account": name, "address": checksum_address(address), **entry.record()} for entry in shown]
    session.output.result(records, balance_screen(name, address, shown, proof), proof=proof)
