"""`sycee admin tier`: how much an account of each tier may move and have, in one currency."""

import click

from contracts.native.compliance import TIER_UNLIMITED
from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.plans import Change, Line, given
from wallet_cli.admin.scope import open_scope
from wallet_cli.admin.tables import print_rows
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.session import Session

_LIMITS = (
    ("perTransferMax", "per transfer", "Most in one payment."),
    ("dailyOutMax", "daily out", "Most paid in one UTC day."),
    ("dailyInMax", "daily in", "Most received in one UTC day."),
    ("balanceMax", "balance", "Most it may have."),
)

set_ = action_command(
    Action(
        command="set",
        title="Set the limits of a tier",
        help="Set all four limits of a tier in a currency; what is not given becomes none. The right of its limit role."
        " They apply while limits are on: sycee admin currency limits on CURRENCY.",
        function="setTierLimits",
        arguments=(
            Argument("tier", kinds.TIER, "the tier"),
            *(
                Argument(parameter, kinds.LIMIT, help_text, word=word, default=kinds.NONE)
                for parameter, word, help_text in _LIMITS
            ),
        ),
        changes=tuple(
            Change(word, "tierLimitsOf", ("tier",), kinds.LIMIT, given(parameter), result=at)
            for at, (parameter, word, _) in enumerate(_LIMITS)
        ),
        examples=(
            "sycee admin tier set EUR 1 --per-transfer '500 EUR' --daily-out '1000 EUR' --balance '2000 EUR' --yes",
            "sycee admin tier set EUR unregistered --balance '100 EUR' --dry-run",
        ),
    )
)


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee admin tier show EUR 1", "sycee admin tier show EUR unregistered --json"),
)
@click.argument("currency", metavar="CURRENCY")
@click.argument("tier", metavar="TIER")
def show(session: Session, currency: str, tier: str) -> None:
    """Show the limits of a tier in a currency and whether they apply, proven."""
    scope = open_scope(session, code=currency)
    number = kinds.TIER.parse(scope, tier)
    place = scope.own_currency.address
    limits = scope.ledger.read(place, "tierLimitsOf", number)
    is_on = scope.ledger.read(place, "limitsEnabled")[0] and number != TIER_UNLIMITED
    rows = [Line("tier", kinds.TIER.show(scope, number)), Line("limits apply", kinds.YES_NO.show(scope, is_on))]
    rows += [Line(word, kinds.LIMIT.show(scope, limit)) for (_, word, _), limit in zip(_LIMITS, limits, strict=True)]
    print_rows(scope, rows)


tier = WalletGroup(
    "tier",
    table={
        "set": ("wallet_cli.admin.tiers:set_", "set the limits of a tier"),
        "show": ("wallet_cli.admin.tiers:show", "the limits of a tier"),
    },
    help="Limits of accounts by tier: 0 is for institutions and has none, 255 is for unregistered accounts.",
)
