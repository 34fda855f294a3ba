"""`sycee admin bank` and `sycee admin account`: who is a bank, and whom each bank sponsors."""

import click

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.addresses import ACCOUNT_REGISTRY
from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.plans import Change, Line, always, given, grows
from wallet_cli.admin.proven import ViewReverted
from wallet_cli.admin.scope import Scope, open_scope, resolve_account
from wallet_cli.admin.tables import LIST_MAX, print_rows, print_table
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.errors import UsageRefused
from wallet_cli.session import Session

_BANK = Argument("bank", kinds.ACCOUNT, "the bank's own account")
_SAID_OF_A_BANK = (
    Argument("name", kinds.TEXT, "its name, at most 31 bytes"),
    Argument("bic", kinds.BIC, "its BIC"),
    Argument("quotaGasPerMinute", kinds.GAS, "gas a minute for it and its customers", word="quota"),
)

register_bank = action_command(
    Action(
        command="register",
        title="Register a bank",
        help="Register a bank and its own account, in tier 0 with every permission. The governor's right.",
        contract=ACCOUNT_REGISTRY,
        function="registerBank",
        arguments=(_BANK, *_SAID_OF_A_BANK),
        changes=(Change("banks", "bankCount", (), kinds.NUMBER, grows),),
        examples=(
            "sycee admin bank register 0xcacacacacacacacacacacacacacacacacacacaca 'Bank C' BANKFRPP 30M --yes",
            "sycee admin bank register 0xcacacacacacacacacacacacacacacacacacacaca 'Bank C' BANKFRPP 500k --dry-run",
        ),
    )
)
update_bank = action_command(
    Action(
        command="update",
        title="Update a bank",
        help="Replace what is said of a bank: name, BIC and quota. The governor's right.",
        contract=ACCOUNT_REGISTRY,
        function="updateBank",
        arguments=(_BANK, *_SAID_OF_A_BANK),
        changes=(
            Change("name", "bankOf", ("bank",), kinds.TEXT, given("name"), result=1),
            Change("BIC", "bankOf", ("bank",), kinds.TEXT, given("bic"), result=2),
            Change("quota", "bankOf", ("bank",), kinds.GAS, given("quotaGasPerMinute"), result=3),
        ),
        examples=(
            "sycee admin bank update alice 'Bank A' BANKDEFF 60M --yes",
            "sycee admin bank update alice 'Bank Alpha' BANKDEFFXXX 30M --dry-run",
        ),
    )
)
_ACCOUNT = Argument("account", kinds.ACCOUNT, "the account")

register_account = action_command(
    Action(
        command="register",
        title="Register an account",
        help="Sponsor an account: it may send, within the limits of its tier. A bank's right.",
        contract=ACCOUNT_REGISTRY,
        function="registerAccount",
        arguments=(_ACCOUNT, Argument("tier", kinds.TIER, "Whose limits hold for it.", is_option=True)),
        changes=(
            Change("status", "recordOf", ("account",), kinds.ACCOUNT_STATUS, always(1), result=2),
            Change("tier", "recordOf", ("account",), kinds.TIER, given("tier"), result=1),
        ),
        examples=(
            "sycee admin account register 0xcacacacacacacacacacacacacacacacacacacaca --tier 1 --yes",
            "sycee admin account register 0xcacacacacacacacacacacacacacacacacacacaca --tier 0 --dry-run",
        ),
    )
)
tier = action_command(
    Action(
        command="tier",
        title="Move an account to another tier",
        help="Move an account to another tier. Its bank's or the governor's right.",
        contract=ACCOUNT_REGISTRY,
        function="setTier",
        arguments=(_ACCOUNT, Argument("tier", kinds.TIER, "whose limits hold for it")),
        changes=(Change("tier", "recordOf", ("account",), kinds.TIER, given("tier"), result=1),),
        examples=("sycee admin account tier bob 2 --yes", "sycee admin account tier bob institution --dry-run"),
    )
)
permissions = action_command(
    Action(
        command="permissions",
        title="Set an account's permissions",
        help="Replace what an account may do: send transactions, deploy contracts. Its bank's or the governor's right.",
        contract=ACCOUNT_REGISTRY,
        function="setPermissions",
        arguments=(_ACCOUNT, Argument("permissions", kinds.PERMISSIONS, "what it may do")),
        changes=(Change("permissions", "recordOf", ("account",), kinds.PERMISSIONS, given("permissions"), result=3),),
        examples=(
            "sycee admin account permissions bob send,deploy --yes",
            "sycee admin account permissions bob none --dry-run",
        ),
    )
)
suspend = action_command(
    Action(
        command="suspend",
        title="Suspend an account",
        help="Stop an account from sending. Its bank's or the governor's right; the governor's outranks its bank's.",
        contract=ACCOUNT_REGISTRY,
        function="suspend",
        arguments=(
            _ACCOUNT,
            Argument("reason", kinds.MEMO, "Why, at most 32 bytes, public on the ledger.", is_option=True),
        ),
        examples=(
            "sycee admin account suspend bob --reason CASE-17 --yes",
            "sycee admin account suspend bob --reason 'lost key' --dry-run",
        ),
    )
)
reinstate = action_command(
    Action(
        command="reinstate",
        title="Reinstate an account",
        help="Let a suspended account send again. The right of whoever suspended it, and the governor's.",
        contract=ACCOUNT_REGISTRY,
        function="reinstate",
        arguments=(_ACCOUNT,),
        changes=(Change("status", "recordOf", ("account",), kinds.ACCOUNT_STATUS, always(1), result=2),),
        examples=(
            "sycee admin account reinstate 0xdadadadadadadadadadadadadadadadadadadada --yes",
            "sycee admin account reinstate 0xdadadadadadadadadadadadadadadadadadadada --dry-run",
        ),
    )
)


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee admin bank show alice", "sycee admin bank show alice --json"),
)
@click.argument("bank", metavar="BANK")
def show_bank(session: Session, bank: str) -> None:
    """Show what is registered of a bank, proven."""
    scope = open_scope(session)
    account = resolve_account(session, scope.contracts, bank)
    try:
        facts = _bank_facts(scope, account)
    except ViewReverted as reverted:
        raise UsageRefused(
            f"{kinds.account_text(scope, account)} is no bank",
            why=f"the registry says {reverted.error}",
            next_step="sycee admin bank list",
            code="BANK_UNKNOWN",
        ) from reverted
    record = scope.ledger.read(ACCOUNT_REGISTRY, "recordOf", account)
    labels = ("id", "name", "BIC", "quota", "account")
    rows = [Line(label, fact) for label, fact in zip(labels, facts, strict=True)]
    rows.append(Line("status", kinds.ACCOUNT_STATUS.show(scope, record[2])))
    rows.append(Line("permissions", kinds.PERMISSIONS.show(scope, record[3])))
    rows.append(Line("registered", kinds.TIME.show(scope, record[4])))
    print_rows(scope, rows)


def _bank_facts(scope: Scope, account: Address) -> tuple[str, ...]:
    bank_id, name, bic, quota = scope.ledger.read(ACCOUNT_REGISTRY, "bankOf", account)
    return str(bank_id), str(name), str(bic), kinds.GAS.show(scope, quota), kinds.account_text(scope, account)


@wallet_command("list", needs=(Need.NETWORK,), examples=("sycee admin bank list", "sycee admin bank list --json"))
def list_banks(session: Session) -> None:
    """List the banks, proven; at most the first 1 000."""
    scope = open_scope(session)
    (count,) = scope.ledger.read(ACCOUNT_REGISTRY, "bankCount")
    assert isinstance(count, int)
    rows = []
    for index in range(min(count, LIST_MAX)):
        (bank,) = scope.ledger.read(ACCOUNT_REGISTRY, "bankAt", index)
        assert isinstance(bank, bytes)
        rows.append(_bank_facts(scope, Address(bank)))
    print_table(scope, ("id", "name", "BIC", "quota", "account"), rows, of_nothing="no bank is registered")


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee admin account show bob", "sycee admin account show bob --json"),
)
@click.argument("account", metavar="ACCOUNT")
def show_account(session: Session, account: str) -> None:
    """Show an account's record, proven: its bank, tier, status and permissions."""
    scope = open_scope(session)
    address = resolve_account(session, scope.contracts, account)
    sponsor, tier_now, status, may, since = scope.ledger.read(ACCOUNT_REGISTRY, "recordOf", address)
    rows = [
        Line("account", kinds.account_text(scope, address)),
        Line("status", kinds.ACCOUNT_STATUS.show(scope, status)),
    ]
    if sponsor:
        (bank,) = scope.ledger.read(ACCOUNT_REGISTRY, "sponsorOf", address)
        assert isinstance(bank, bytes) and bank != ZERO_ADDRESS
        _, name, bic, _, text = _bank_facts(scope, Address(bank))
        rows += [
            Line("bank", f"{name}, {bic}"),
            Line("bank account", text),
            Line("tier", kinds.TIER.show(scope, tier_now)),
            Line("permissions", kinds.PERMISSIONS.show(scope, may)),
            Line("registered", kinds.TIME.show(scope, since)),
        ]
    print_rows(scope, rows)


bank = WalletGroup(
    "bank",
    table={
        "register": ("wallet_cli.admin.banks:register_bank", "register a bank"),
        "update": ("wallet_cli.admin.banks:update_bank", "replace its name, BIC and quota"),
        "show": ("wallet_cli.admin.banks:show_bank", "what is registered of a bank"),
        "list": ("wallet_cli.admin.banks:list_banks", "the banks"),
    },
    help="Who is a bank.",
)
account = WalletGroup(
    "account",
    table={
        "register": ("wallet_cli.admin.banks:register_account", "sponsor an account"),
        "tier": ("wallet_cli.admin.banks:tier", "move an account to another tier"),
        "permissions": ("wallet_cli.admin.banks:permissions", "what an account may do"),
        "suspend": ("wallet_cli.admin.banks:suspend", "stop an account from sending"),
        "reinstate": ("wallet_cli.admin.banks:reinstate", "let it send again"),
        "show": ("wallet_cli.admin.banks:show_account", "an account's bank, tier, status and permissions"),
    },
    help="Whom banks sponsor, and what those accounts may do.",
)
