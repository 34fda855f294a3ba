"""`sycee admin reserves`: what stands behind a currency, and the rule that nothing is minted without it."""

import click

from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.plans import Change, Line, given
from wallet_cli.admin.scope import open_scope
from wallet_cli.admin.tables import print_rows, read_line
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.session import Session

attest = action_command(
    Action(
        command="attest",
        title="Attest reserves",
        help="Attest what reserves there were at a time, with the hash of the document that says so. An attestor's"
        " right.",
        function="attestReserves",
        arguments=(
            Argument("amount", kinds.MONEY, "the reserves"),
            Argument(
                "asOf",
                kinds.TIME,
                "When: 2026-09-30T18:00Z or now.",
                word="as of",
                default="now",
            ),
            Argument(
                "documentHash",
                kinds.DOCUMENT,
                "The report; its SHA-256 is kept.",
                word="document",
                is_option=True,
            ),
        ),
        changes=(
            Change("reserves", "reserves", (), kinds.MONEY, given("amount"), result=0),
            Change("as of", "reserves", (), kinds.TIME, given("asOf"), result=1),
            Change("document", "reserves", (), kinds.DOCUMENT, given("documentHash"), result=2),
        ),
        examples=(
            "sycee admin reserves attest EUR '1000 EUR' --document report.pdf --yes",
            "sycee admin reserves attest EUR '1000 EUR' --as-of 2026-09-20 --document report.pdf --dry-run",
        ),
    )
)
rule = action_command(
    Action(
        command="rule",
        title="Set the reserve rule",
        help="Let mints need an attestation at most this old that covers the supply; off asks for none. An admin's"
        " right.",
        function="setReserveRule",
        arguments=(Argument("maxAge", kinds.DURATION, "the oldest that counts", word="age"),),
        changes=(Change("reserve rule", "reserveRule", (), kinds.DURATION, given("maxAge")),),
        examples=("sycee admin reserves rule EUR 36h --yes", "sycee admin reserves rule EUR off --dry-run"),
    )
)


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee admin reserves show EUR", "sycee admin reserves show EUR --json"),
)
@click.argument("currency", metavar="CURRENCY")
def show(session: Session, currency: str) -> None:
    """Show the newest attestation, the rule, and what may still be minted under them, proven."""
    scope = open_scope(session, code=currency)
    place = scope.own_currency.address
    amount, as_of, document = scope.ledger.read(place, "reserves")
    (supply,) = scope.ledger.read(place, "totalSupply")
    (max_age,) = scope.ledger.read(place, "reserveRule")
    rows = [
        Line("reserves", kinds.MONEY.show(scope, amount)),
        Line("as of", kinds.TIME.show(scope, as_of)),
        Line("document", kinds.DOCUMENT.show(scope, document)),
        Line("supply", kinds.MONEY.show(scope, supply)),
        read_line(scope, "reserve rule", "reserveRule", kinds.DURATION),
    ]
    assert isinstance(amount, int) and isinstance(as_of, int) and isinstance(supply, int) and isinstance(max_age, int)
    if max_age:
        # Whole seconds, as the ledger counts.
        is_young = scope.ledger.head.final.header.timestamp_ms // 1_000 - as_of <= max_age
        rows.append(Line("young enough", kinds.YES_NO.show(scope, is_young)))
        rows.append(Line("may be minted", kinds.money_text(scope, max(0, amount - supply) if is_young else 0)))
    print_rows(scope, rows)


reserves = WalletGroup(
    "reserves",
    table={
        "attest": ("wallet_cli.admin.reserves:attest", "attest what reserves there were"),
        "rule": ("wallet_cli.admin.reserves:rule", "whether mints need them"),
        "show": ("wallet_cli.admin.reserves:show", "the newest attestation and the rule"),
    },
    help="What stands behind a currency.",
)
