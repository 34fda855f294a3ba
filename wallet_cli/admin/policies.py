"""`sycee admin policy`: lists of who may pay and be paid, shared by any number of currencies."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.addresses import POLICY_REGISTRY
from contracts.layout import policy_listed_slot
from contracts.native.policies import MODIFY_ACCOUNTS_MAX
from contracts.native.policy_rules import PolicyKind
from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.authority import AuthorityWords, carry_out, decision
from wallet_cli.admin.plans import SIGNER, Change, Effect, Line, Plan, always, given, grows, make_plan
from wallet_cli.admin.proven import ViewReverted
from wallet_cli.admin.scope import Scope, known_contracts, open_scope, resolve_account
from wallet_cli.admin.tables import print_rows
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.errors import UsageRefused
from wallet_cli.files import read_small
from wallet_cli.session import Session

ACCOUNTS_SHOWN: Final = 10
"""Accounts of a change that are shown one by one; more are counted, and `--json` has them all."""

ACCOUNTS_MAX: Final = 20_000
"""Accounts of one command: forty transactions. More are several files, so that a mistake stays small."""

_POLICY = Argument("policyId", kinds.POLICY, "the policy", word="policy")
_COUNT = Change("policies", "policyCount", (), kinds.NUMBER, grows)

create = action_command(
    Action(
        command="create",
        title="Create a policy",
        help="Create a list with nobody on it: allow admits whoever is on it, deny whoever is not. Anybody's right; its"
        " admin changes it.",
        contract=POLICY_REGISTRY,
        function="createPolicy",
        arguments=(
            Argument("kind", kinds.POLICY_KIND, "allow or deny"),
            Argument("admin", kinds.ACCOUNT_OR_ME, "Who changes it; me is who signs.", default=kinds.ME),
        ),
        changes=(_COUNT,),
        examples=(
            "sycee admin policy create allow --yes",
            "sycee admin policy create deny --admin bob --dry-run",
        ),
    )
)
compound = action_command(
    Action(
        command="compound",
        title="Create a compound policy",
        help="Create a policy that asks one policy for each side of a payment. It never changes; the three may.",
        contract=POLICY_REGISTRY,
        function="createCompoundPolicy",
        arguments=(
            Argument("senderPolicyId", kinds.POLICY, "Who may pay.", word="sender", is_option=True),
            Argument("recipientPolicyId", kinds.POLICY, "Who may be paid.", word="recipient", is_option=True),
            Argument(
                "mintRecipientPolicyId", kinds.POLICY, "Who gets new money.", word="mint recipient", is_option=True
            ),
        ),
        changes=(_COUNT,),
        examples=(
            "sycee admin policy compound --sender 2 --recipient everybody --mint-recipient 2 --yes",
            "sycee admin policy compound --sender everybody --recipient 2 --mint-recipient nobody --dry-run",
        ),
    )
)
begin_handover = action_command(
    Action(
        command="begin-handover",
        title="Offer a policy's administration",
        help="Offer the administration of a list to another account, which must accept. Its admin's right.",
        contract=POLICY_REGISTRY,
        function="beginPolicyAdminTransfer",
        arguments=(_POLICY, Argument("newAdmin", kinds.ACCOUNT, "who is to take it over", word="new admin")),
        changes=(Change("offered to", "policyOf", ("policyId",), kinds.ACCOUNT, given("newAdmin"), result=2),),
        examples=(
            "sycee admin policy begin-handover 2 bob --yes",
            "sycee admin policy begin-handover 2 bob --dry-run",
        ),
    )
)
accept = action_command(
    Action(
        command="accept",
        title="Accept a policy's administration",
        help="Take over the administration of a list that was offered to the account that signs.",
        contract=POLICY_REGISTRY,
        function="acceptPolicyAdminTransfer",
        arguments=(_POLICY,),
        changes=(
            Change("admin", "policyOf", ("policyId",), kinds.ACCOUNT, lambda _now, known: known[SIGNER], result=1),
            Change("offered to", "policyOf", ("policyId",), kinds.ACCOUNT, always(bytes(20)), result=2),
        ),
        examples=("sycee admin policy accept 3 --yes", "sycee admin policy accept 3 --dry-run"),
    )
)

_accounts = click.argument("accounts", nargs=-1, metavar="[ACCOUNT]...")
_file = click.option("--file", "file", metavar="FILE", help="A list: one account a line, # begins a remark.")


@decision(
    "add",
    examples=("sycee admin policy add 2 bob --yes", "sycee admin policy add 2 --file customers.txt --dry-run"),
)
@click.argument("policy", metavar="POLICY")
@_accounts
@_file
def add(session: Session, authority: AuthorityWords, policy: str, accounts: tuple[str, ...], file: str | None) -> None:
    """Put accounts on a policy's list; whoever is there stays. Its admin's right.

    More than 500 accounts are several transactions, one after the other.
    """
    _modify(session, authority, policy, accounts, file, is_listed=True)


@decision(
    "remove",
    examples=("sycee admin policy remove 2 bob --yes", "sycee admin policy remove 2 --file customers.txt --dry-run"),
)
@click.argument("policy", metavar="POLICY")
@_accounts
@_file
def remove(
    session: Session, authority: AuthorityWords, policy: str, accounts: tuple[str, ...], file: str | None
) -> None:
    """Take accounts off a policy's list; whoever is not there stays off. Its admin's right.

    More than 500 accounts are several transactions, one after the other.
    """
    _modify(session, authority, policy, accounts, file, is_listed=False)


def _modify(
    session: Session,
    authority: AuthorityWords,
    policy: str,
    texts: Sequence[str],
    file: str | None,
    *,
    is_listed: bool,
) -> None:
    found = _accounts_of(session, texts, file)

    def plan(scope: Scope) -> list[Plan]:
        policy_id = kinds.POLICY.parse(scope, policy)
        assert isinstance(policy_id, int)
        chunks = [found[at : at + MODIFY_ACCOUNTS_MAX] for at in range(0, len(found), MODIFY_ACCOUNTS_MAX)]
        return [_plan_chunk(scope, policy_id, chunk, is_listed=is_listed) for chunk in chunks]

    carry_out(session, authority, None, plan)


def _accounts_of(session: Session, texts: Sequence[str], file: str | None) -> list[Address]:
    """Return the accounts typed and those in a file, each once. Raises: UsageRefused."""
    words = list(texts)
    if file is not None:
        try:
            content = read_small(Path(file)).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise kinds.refused(file, "a text file with one account a line", why=str(error)) from error
        words += [word for line in content.splitlines() if (word := line.partition("#")[0].strip())]
    contracts = known_contracts(session)
    found = [resolve_account(session, contracts, word) for word in words]
    named_by = dict(zip(found, words))
    if not 1 <= len(found) <= ACCOUNTS_MAX or len(named_by) != len(found):
        # Of accounts named twice the last name is kept, so the first that differs in place is one of them.
        twice = next((word for word, place in zip(words, found) if named_by[place] is not word), None)
        raise UsageRefused(
            f"{len(found)} accounts are named" if twice is None else f"{twice} is named twice",
            why=f"a change names 1 to {ACCOUNTS_MAX} accounts, each once",
            next_step="type accounts, or --file FILE with one a line",
            code="ACCOUNTS_WRONG",
        )
    return found


def _plan_chunk(scope: Scope, policy_id: int, accounts: Sequence[Address], *, is_listed: bool) -> Plan:
    effects = []
    if len(accounts) <= ACCOUNTS_SHOWN:
        for account in accounts:
            is_now = scope.ledger.word(POLICY_REGISTRY, policy_listed_slot(policy_id, account)) != 0
            before, after = kinds.YES_NO.show(scope, is_now), kinds.YES_NO.show(scope, is_listed)
            effects.append(Effect(f"{kinds.account_text(scope, account)} listed", before, after))
    plan = make_plan(
        scope,
        title="Put accounts on a list" if is_listed else "Take accounts off a list",
        to=POLICY_REGISTRY,
        function="modify",
        values={"policyId": policy_id, "accounts": list(accounts), "listed": is_listed},
        lines=(Line("policy", kinds.policy_text(policy_id)), Line("accounts", str(len(accounts)))),
        changes=(),
    )
    return replace(plan, effects=tuple(effects))


@wallet_command(
    "show", needs=(Need.NETWORK,), examples=("sycee admin policy show 2", "sycee admin policy show everybody --json")
)
@click.argument("policy", metavar="POLICY")
def show(session: Session, policy: str) -> None:
    """Show what kind a policy is and who changes it, proven. Who is on a list is asked with policy check."""
    scope = open_scope(session)
    policy_id = kinds.POLICY.parse(scope, policy)
    kind, admin, offered = _of_policy(scope, "policyOf", policy_id)
    rows = [Line("policy", kinds.POLICY.show(scope, policy_id)), Line("kind", kinds.POLICY_KIND.show(scope, kind))]
    if kind == PolicyKind.COMPOUND:
        sides = _of_policy(scope, "compoundPolicyOf", policy_id)
        labels = ("sender", "recipient", "mint recipient")
        rows += [Line(label, kinds.POLICY.show(scope, side)) for label, side in zip(labels, sides, strict=True)]
    else:
        rows += [
            Line("admin", kinds.ACCOUNT.show(scope, admin)),
            Line("offered to", kinds.ACCOUNT.show(scope, offered)),
        ]
    print_rows(scope, rows)


@wallet_command(
    "check",
    needs=(Need.NETWORK,),
    examples=("sycee admin policy check 2 bob", "sycee admin policy check everybody bob --json"),
)
@click.argument("policy", metavar="POLICY")
@click.argument("account", metavar="ACCOUNT")
def check(session: Session, policy: str, account: str) -> None:
    """Show whether a policy lets an account pay, be paid and receive new money, proven."""
    scope = open_scope(session)
    policy_id = kinds.POLICY.parse(scope, policy)
    address = resolve_account(session, scope.contracts, account)
    rows = [
        Line("policy", kinds.POLICY.show(scope, policy_id)),
        Line("account", kinds.account_text(scope, address)),
    ]
    for label, view in (
        ("may pay", "isAuthorizedSender"),
        ("may be paid", "isAuthorizedRecipient"),
        ("may get new money", "isAuthorizedMintRecipient"),
    ):
        rows.append(Line(label, kinds.YES_NO.show(scope, _of_policy(scope, view, policy_id, address)[0])))
    print_rows(scope, rows)


def _of_policy(scope: Scope, view: str, policy_id: AbiValue, *values: AbiValue) -> tuple[AbiValue, ...]:
    """Return what a view of the registry says. Raises: UsageRefused for a policy that is not there."""
    try:
        return scope.ledger.read(POLICY_REGISTRY, view, policy_id, *values)
    except ViewReverted as reverted:
        raise UsageRefused(
            f"there is no policy {kinds.POLICY.show(scope, policy_id)}",
            why=f"the registry says {reverted.error}",
            next_step="sycee admin policy create allow",
            code="POLICY_UNKNOWN",
        ) from reverted


policy = WalletGroup(
    "policy",
    table={
        "create": ("wallet_cli.admin.policies:create", "create a list"),
        "compound": ("wallet_cli.admin.policies:compound", "one policy for each side of a payment"),
        "add": ("wallet_cli.admin.policies:add", "put accounts on a list"),
        "remove": ("wallet_cli.admin.policies:remove", "take accounts off a list"),
        "show": ("wallet_cli.admin.policies:show", "what a policy is and who changes it"),
        "check": ("wallet_cli.admin.policies:check", "what a policy says of an account"),
        "begin-handover": ("wallet_cli.admin.policies:begin_handover", "offer a list's administration"),
        "accept": ("wallet_cli.admin.policies:accept", "take over a list that was offered"),
    },
    help="Who may pay and be paid. Policy 0 (nobody) and 1 (everybody) are built in.",
)
