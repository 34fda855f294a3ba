"""`sycee admin currency`: create a currency and set the rules that hold for all of it."""

from dataclasses import replace
from typing import Final

import click

from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.addresses import CURRENCY_REGISTRY
from wallet_cli.addresses import checksum_address
from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.plans import Change, Line, always, given, grows
from wallet_cli.admin.scope import open_scope
from wallet_cli.admin.tables import print_rows, print_table, read_line
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.session import Session

create = action_command(
    Action(
        command="create",
        title="Create a currency",
        help="Create a currency. The governor's right. Code and decimals never change.",
        contract=CURRENCY_REGISTRY,
        function="createCurrency",
        arguments=(
            Argument("code", kinds.TEXT, "3 to 12 capitals, digits or dots, unique"),
            Argument("name", kinds.TEXT, "what people call it, at most 64 bytes"),
            Argument("decimals", kinds.NUMBER, "digits of the minor unit, as ISO 4217 says"),
            Argument("admin", kinds.ACCOUNT, "who grants its roles"),
        ),
        changes=(Change("currencies", "currencyCount", (), kinds.NUMBER, grows),),
        examples=(
            "sycee admin currency create CHF 'Swiss franc' 2 alice --yes",
            "sycee admin currency create CNY.BANKA 'Deposit of Bank A' 2 bob --dry-run",
        ),
    )
)
_PAUSED: Final = "paused"
pause = action_command(
    Action(
        command="pause",
        title="Pause a currency",
        help="Stop every payment of a currency. A pauser's right. Payouts of locks already promised go on.",
        function="pause",
        arguments=(),
        changes=(Change(_PAUSED, "paused", (), kinds.YES_NO, always(True)),),
        examples=("sycee admin currency pause EUR --yes", "sycee admin currency pause EUR --dry-run"),
    )
)
unpause = action_command(
    Action(
        command="unpause",
        title="End the pause of a currency",
        help="Let a paused currency move again. An unpauser's right, so that no single key does both.",
        function="unpause",
        arguments=(),
        changes=(Change(_PAUSED, "paused", (), kinds.YES_NO, always(False)),),
        examples=("sycee admin currency unpause JPY --yes", "sycee admin currency unpause JPY --dry-run"),
    )
)
cap = action_command(
    Action(
        command="cap",
        title="Set the supply cap",
        help="Set how much of a currency there can be at most. An admin's right.",
        function="setSupplyCap",
        arguments=(Argument("cap", kinds.CAP, "the cap"),),
        changes=(Change("supply cap", "supplyCap", (), kinds.CAP, given("cap")),),
        examples=(
            "sycee admin currency cap EUR '1000000 EUR' --yes",
            "sycee admin currency cap EUR none --dry-run",
        ),
    )
)
policy = action_command(
    Action(
        command="policy",
        title="Set the transfer policy",
        help="Choose which policy says who pays and is paid in a currency. The right of its policy role.",
        function="setTransferPolicyId",
        arguments=(Argument("policyId", kinds.POLICY, "the policy", word="policy"),),
        changes=(Change("transfer policy", "transferPolicyId", (), kinds.POLICY, given("policyId")),),
        examples=(
            "sycee admin currency policy EUR everybody --yes",
            "sycee admin currency policy EUR 2 --dry-run",
        ),
    )
)


def _limits(word: str, is_on: bool, help_text: str) -> Action:
    return Action(
        command=word,
        title=f"Turn limits {word}",
        help=help_text,
        function="setLimitsEnabled",
        arguments=(),
        fixed={"enabled": is_on},
        changes=(Change("limits apply", "limitsEnabled", (), kinds.YES_NO, always(is_on)),),
        examples=(
            f"sycee admin currency limits {word} EUR --yes",
            f"sycee admin currency limits {word} EUR --dry-run",
        ),
    )


limits_on = action_command(
    _limits("on", True, "Let the limits of tiers apply in a currency. The right of its limit role.")
)
limits_off = action_command(
    _limits("off", False, "Let the limits of tiers rest in a currency. The right of its limit role.")
)
limits = WalletGroup(
    "limits",
    table={
        "on": ("wallet_cli.admin.currency:limits_on", "let the limits of tiers apply"),
        "off": ("wallet_cli.admin.currency:limits_off", "let them rest"),
    },
    help="Limits of tiers in a currency.",
)


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee admin currency show EUR", "sycee admin currency show JPY --json"),
)
@click.argument("currency", metavar="CURRENCY")
def show(session: Session, currency: str) -> None:
    """Show everything that holds for a currency, proven."""
    scope = open_scope(session, code=currency)
    found = scope.own_currency
    rows = [
        Line("code", found.code),
        Line("name", found.name),
        Line("address", checksum_address(found.address)),
        Line("decimals", str(found.decimals)),
        read_line(scope, "paused", "paused", kinds.YES_NO),
        read_line(scope, "supply", "totalSupply", kinds.MONEY),
        read_line(scope, "supply cap", "supplyCap", kinds.CAP),
        read_line(scope, "transfer policy", "transferPolicyId", kinds.POLICY),
        read_line(scope, "limits apply", "limitsEnabled", kinds.YES_NO),
        read_line(scope, "reserve rule", "reserveRule", kinds.DURATION),
        read_line(scope, "redemptions", "redemptionCount", kinds.NUMBER),
        read_line(scope, "admins", "adminCount", kinds.NUMBER),
    ]
    admin, admin_to_be = scope.ledger.read(found.address, "pendingAdminTransfer")
    if admin_to_be != ZERO_ADDRESS:
        rows.append(Line("admin offered by", kinds.ACCOUNT.show(scope, admin)))
        rows.append(Line("admin offered to", kinds.ACCOUNT.show(scope, admin_to_be)))
    print_rows(scope, rows)


@wallet_command(
    "list", needs=(Need.NETWORK,), examples=("sycee admin currency list", "sycee admin currency list --json")
)
def list_(session: Session) -> None:
    """List the currencies of the network, proven."""
    scope = open_scope(session)
    rows = []
    for currency in scope.currencies:
        own = replace(scope, currency=currency)
        supply = read_line(own, "supply", "totalSupply", kinds.MONEY).value
        paused = read_line(own, "paused", "paused", kinds.YES_NO).value
        rows.append((currency.code, currency.name, checksum_address(currency.address), supply, paused))
    print_table(scope, ("code", "name", "address", "supply", "paused"), rows, of_nothing="no currency yet")


currency = WalletGroup(
    "currency",
    table={
        "create": ("wallet_cli.admin.currency:create", "create a currency"),
        "show": ("wallet_cli.admin.currency:show", "everything that holds for a currency"),
        "list": ("wallet_cli.admin.currency:list_", "the currencies of the network"),
        "pause": ("wallet_cli.admin.currency:pause", "stop every payment"),
        "unpause": ("wallet_cli.admin.currency:unpause", "end a pause"),
        "cap": ("wallet_cli.admin.currency:cap", "how much there can be at most"),
        "policy": ("wallet_cli.admin.currency:policy", "who pays and is paid"),
        "limits": ("wallet_cli.admin.currency:limits", "whether the limits of tiers apply"),
    },
    help="Create a currency and set the rules that hold for all of it.",
)
