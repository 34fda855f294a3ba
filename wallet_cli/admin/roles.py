"""`sycee admin role`: who may do what with a currency."""

import click

from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.plans import SIGNER, Change, always, given
from wallet_cli.admin.scope import Scope, open_scope, resolve_account
from wallet_cli.admin.tables import print_table
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.errors import UsageRefused
from wallet_cli.session import Session

_ROLE = Argument("role", kinds.ROLE, "the role")


def _has(account: str, becomes: bool) -> Change:
    return Change("has the role", "hasRole", ("role", account), kinds.YES_NO, always(becomes))


grant = action_command(
    Action(
        command="grant",
        title="Grant a role",
        help="Give an account a role. An admin's right.",
        function="grantRole",
        arguments=(_ROLE, Argument("account", kinds.ACCOUNT, "who gets it")),
        changes=(_has("account", True),),
        examples=(
            "sycee admin role grant EUR issuer bob --yes",
            "sycee admin role grant EUR mint-controller bob --dry-run",
        ),
    )
)
revoke = action_command(
    Action(
        command="revoke",
        title="Revoke a role",
        help="Take a role from an account. An admin's right. The last admin stays.",
        function="revokeRole",
        arguments=(_ROLE, Argument("account", kinds.ACCOUNT, "who loses it")),
        changes=(_has("account", False),),
        examples=(
            "sycee admin role revoke EUR issuer bob --yes",
            "sycee admin role revoke EUR pauser bob --dry-run",
        ),
    )
)
renounce = action_command(
    Action(
        command="renounce",
        title="Renounce a role",
        help="Give up a role of the account that signs. Only an admin can give it back.",
        function="renounceRole",
        arguments=(_ROLE,),
        fixed={"callerConfirmation": SIGNER},
        changes=(_has("callerConfirmation", False),),
        examples=(
            "sycee admin role renounce EUR enforcer --yes",
            "sycee admin role renounce EUR freezer --dry-run",
        ),
    )
)
begin_handover = action_command(
    Action(
        command="begin-handover",
        title="Offer the admin role",
        help="Offer one's own admin role to another account, which must accept. An admin's right. A new offer replaces"
        " an old one.",
        function="beginAdminTransfer",
        arguments=(Argument("newAdmin", kinds.ACCOUNT, "who is to take it over", word="new admin"),),
        changes=(Change("offered to", "pendingAdminTransfer", (), kinds.ACCOUNT, given("newAdmin"), result=1),),
        examples=(
            "sycee admin role begin-handover EUR bob --yes",
            "sycee admin role begin-handover EUR bob --dry-run",
        ),
    )
)
accept = action_command(
    Action(
        command="accept",
        title="Accept the admin role",
        help="Take over the admin role that was offered to the account that signs; who offered it has it no more.",
        function="acceptAdminTransfer",
        arguments=(),
        changes=(Change("admin", "pendingAdminTransfer", (), kinds.ACCOUNT, lambda _now, known: known[SIGNER]),),
        examples=("sycee admin role accept JPY --yes", "sycee admin role accept JPY --dry-run"),
    )
)


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee admin role show EUR", "sycee admin role show EUR bob alice --json"),
)
@click.argument("currency", metavar="CURRENCY")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]...")
def show(session: Session, currency: str, accounts: tuple[str, ...]) -> None:
    """Show which roles accounts have, proven; without accounts, those of all accounts and contacts of this wallet.

    The ledger keeps no list of who has a role: sycee contract logs lists the events that granted them.
    """
    scope = open_scope(session, code=currency)
    known = {account.address: account.name for account in session.accounts}
    known |= {address: name for name, address in (*session.contacts.items(), *scope.contracts.items())}
    chosen = [resolve_account(session, scope.contracts, text) for text in accounts] or list(known)
    if not chosen:
        raise UsageRefused(
            "this wallet has neither accounts nor contacts to ask about",
            why="the ledger answers for an account, and keeps no list of who has a role",
            next_step=f"sycee admin role show {currency} ACCOUNT",
            code="ACCOUNT_NEEDED",
        )
    rows = [
        (kinds.account_text(scope, account), ", ".join(roles) or kinds.NONE)
        for account in chosen
        if (roles := _roles_of(scope, account)) or accounts
    ]
    print_table(scope, ("account", "roles"), rows, of_nothing="none of this wallet's accounts or contacts has a role")


def _roles_of(scope: Scope, account: bytes) -> list[str]:
    place = scope.own_currency.address
    return [word for word, role in kinds.ROLES_BY_WORD.items() if scope.ledger.read(place, "hasRole", role, account)[0]]


role = WalletGroup(
    "role",
    table={
        "grant": ("wallet_cli.admin.roles:grant", "give an account a role"),
        "revoke": ("wallet_cli.admin.roles:revoke", "take a role from an account"),
        "renounce": ("wallet_cli.admin.roles:renounce", "give up one's own role"),
        "show": ("wallet_cli.admin.roles:show", "which roles accounts have"),
        "begin-handover": ("wallet_cli.admin.roles:begin_handover", "offer the admin role"),
        "accept": ("wallet_cli.admin.roles:accept", "take over an admin role that was offered"),
    },
    help="Who may do what with a currency. Roles: " + ", ".join(kinds.ROLES_BY_WORD) + ".",
)
