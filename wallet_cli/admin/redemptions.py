"""`sycee admin redemption`: what owners asked to redeem, and the issuer's answer."""

from typing import Final

import click

from contracts.native.redemptions import RedemptionStatus
from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.plans import Change, Line, always
from wallet_cli.admin.proven import ViewReverted
from wallet_cli.admin.scope import Scope, open_scope
from wallet_cli.admin.tables import LIST_MAX, print_rows, print_table
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.errors import UsageRefused
from wallet_cli.session import Session

_LABELS: Final = ("id", "owner", "amount", "memo", "requested", "status")
_ID = Argument("id", kinds.NUMBER, "the redemption's number")


def _status(becomes: RedemptionStatus) -> tuple[Change, ...]:
    return (
        Change("owner", "redemptionOf", ("id",), kinds.ACCOUNT, None, result=0),
        Change("amount", "redemptionOf", ("id",), kinds.MONEY, None, result=1),
        Change("status", "redemptionOf", ("id",), kinds.REDEMPTION_STATUS, always(int(becomes)), result=4),
    )


complete = action_command(
    Action(
        command="complete",
        title="Complete a redemption",
        help="Destroy the money parked for a redemption: it was paid out outside the ledger. An issuer's right.",
        function="completeRedemption",
        arguments=(_ID,),
        changes=_status(RedemptionStatus.COMPLETED),
        examples=("sycee admin redemption complete EUR 1 --yes", "sycee admin redemption complete EUR 1 --dry-run"),
    )
)
reject = action_command(
    Action(
        command="reject",
        title="Reject a redemption",
        help="Give the money parked for a redemption back to its owner. An issuer's right.",
        function="rejectRedemption",
        arguments=(
            _ID,
            Argument("reason", kinds.MEMO, "Why, at most 32 bytes, public on the ledger.", is_option=True),
        ),
        changes=_status(RedemptionStatus.REJECTED),
        examples=(
            "sycee admin redemption reject EUR 1 --reason 'wrong account' --yes",
            "sycee admin redemption reject EUR 1 --reason CASE-17 --dry-run",
        ),
    )
)


@wallet_command(
    "list",
    needs=(Need.NETWORK,),
    examples=("sycee admin redemption list EUR", "sycee admin redemption list EUR --all --json"),
)
@click.argument("currency", metavar="CURRENCY")
@click.option("--all", "is_whole", is_flag=True, help="Those answered, too.")
@click.option("--from-id", type=click.IntRange(1), default=1, metavar="ID", help="Begin here (default: 1).")
def list_(session: Session, currency: str, is_whole: bool, from_id: int) -> None:
    """List the redemptions that wait for an answer, proven; of at most 1 000 ids."""
    scope = open_scope(session, code=currency)
    (count,) = scope.ledger.read(scope.own_currency.address, "redemptionCount")
    assert isinstance(count, int)
    last = min(count, from_id + LIST_MAX - 1)
    requested = kinds.REDEMPTION_STATUS.show(scope, int(RedemptionStatus.REQUESTED))
    rows = [
        facts for number in range(from_id, last + 1) if (facts := _facts(scope, number))[-1] == requested or is_whole
    ]
    if last < count:
        session.output.say(f"there are {count}; continue with --from-id {last + 1}")
    print_table(scope, _LABELS, rows, of_nothing="no redemption waits for an answer")


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee admin redemption show EUR 1", "sycee admin redemption show EUR 1 --json"),
)
@click.argument("currency", metavar="CURRENCY")
@click.argument("number", metavar="ID")
def show(session: Session, currency: str, number: str) -> None:
    """Show a redemption, proven."""
    scope = open_scope(session, code=currency)
    facts = _facts(scope, kinds.parse_number(number))
    print_rows(scope, [Line(label, fact) for label, fact in zip(_LABELS, facts, strict=True)])


def _facts(scope: Scope, number: int) -> tuple[str, ...]:
    """Return a redemption in words, as `_LABELS` says. Raises: UsageRefused if there is none."""
    try:
        owner, amount, memo, requested_at, status = scope.ledger.read(
            scope.own_currency.address, "redemptionOf", number
        )
    except ViewReverted as reverted:
        raise UsageRefused(
            f"{scope.own_currency.code} has no redemption {number}",
            why="redemptions are numbered from 1 in the order they are asked for",
            next_step=f"sycee admin redemption list {scope.own_currency.code} --all",
            code="REDEMPTION_UNKNOWN",
        ) from reverted
    return (
        str(number),
        kinds.ACCOUNT.show(scope, owner),
        kinds.MONEY.show(scope, amount),
        kinds.MEMO.show(scope, memo),
        kinds.TIME.show(scope, requested_at),
        kinds.REDEMPTION_STATUS.show(scope, status),
    )


redemption = WalletGroup(
    "redemption",
    table={
        "list": ("wallet_cli.admin.redemptions:list_", "those that wait for an answer"),
        "show": ("wallet_cli.admin.redemptions:show", "one of them"),
        "complete": ("wallet_cli.admin.redemptions:complete", "destroy the money: it was paid out"),
        "reject": ("wallet_cli.admin.redemptions:reject", "give the money back"),
    },
    help="What owners asked to redeem, and the issuer's answer.",
)
