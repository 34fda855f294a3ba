"""`sycee admin config`: what all validators agree on besides the code, and who governs."""

from dataclasses import replace
from typing import Final

import click

from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.addresses import PROTOCOL_CONFIG
from contracts.native.protocol_config import PARAMETER_BOUNDS
from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command, plan_action
from wallet_cli.admin.authority import AuthorityWords, carry_out, decision
from wallet_cli.admin.plans import SIGNER, Change, Line, Plan, given
from wallet_cli.admin.scope import Scope, open_scope
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.session import Session

_SET: Final = Action(
    command="set",
    title="Set a protocol parameter",
    help="Schedule a protocol parameter for the next epoch; the value in force withdraws it. The governor's right.",
    contract=PROTOCOL_CONFIG,
    function="setParameter",
    arguments=(Argument("name", kinds.PARAMETER, "the parameter"), Argument("value", kinds.NUMBER, "its value")),
    changes=(
        Change("in force", "parameterOf", ("name",), kinds.NUMBER, None, result=0),
        Change("from the next epoch", "parameterOf", ("name",), kinds.NUMBER, given("value"), result=1),
    ),
    examples=(
        "sycee admin config set block_gas_limit 200000000 --yes",
        "sycee admin config set epoch_blocks_max 7200 --dry-run",
    ),
)


@decision("set", examples=_SET.examples)
@click.argument("name", metavar="NAME")
@click.argument("value", metavar="VALUE")
def set_(session: Session, authority: AuthorityWords, name: str, value: str) -> None:
    """Schedule a protocol parameter for the next epoch; the value in force withdraws it. The governor's right.

    Names and the bounds compiled into every node: sycee admin config show.
    """

    def plan(scope: Scope) -> list[Plan]:
        made = plan_action(scope, _SET, {"name": name, "value": value})
        lowest, highest = PARAMETER_BOUNDS[name]
        return [replace(made, arguments=(*made.arguments, Line("bounds", f"{lowest} to {highest}")))]

    carry_out(session, authority, None, plan)


account_mode = action_command(
    Action(
        command="account-mode",
        title="Set who may send",
        help="Let everybody send (open), or registered accounts and the governor only (registered), from the next"
        " transaction on. The governor's right.",
        contract=PROTOCOL_CONFIG,
        function="setAccountMode",
        arguments=(Argument("mode", kinds.ACCOUNT_MODE, "who may send"),),
        changes=(Change("account mode", "accountMode", (), kinds.ACCOUNT_MODE, given("mode")),),
        examples=(
            "sycee admin config account-mode open --yes",
            "sycee admin config account-mode registered --dry-run",
        ),
    )
)
begin_handover = action_command(
    Action(
        command="begin-handover",
        title="Offer the governor's place",
        help="Offer the governor's place to another account or a council, which must accept. The governor's right.",
        contract=PROTOCOL_CONFIG,
        function="beginGovernorTransfer",
        arguments=(Argument("newGovernor", kinds.ACCOUNT, "who is to govern", word="new governor"),),
        changes=(
            Change("governor", "governor", (), kinds.ACCOUNT, None),
            Change("offered to", "governorOffered", (), kinds.ACCOUNT, given("newGovernor")),
        ),
        examples=(
            "sycee admin config begin-handover bob --yes",
            "sycee admin config begin-handover bob --dry-run",
        ),
    )
)
accept = action_command(
    Action(
        command="accept",
        title="Accept the governor's place",
        help="Take the governor's place that was offered to the account that signs; at once.",
        contract=PROTOCOL_CONFIG,
        function="acceptGovernorTransfer",
        arguments=(),
        changes=(Change("governor", "governor", (), kinds.ACCOUNT, lambda _now, known: known[SIGNER]),),
        examples=(
            "sycee admin config accept --from bob --yes",
            "sycee admin config accept --from bob --dry-run",
        ),
    )
)


@wallet_command("show", needs=(Need.NETWORK,), examples=("sycee admin config show", "sycee admin config show --json"))
def show(session: Session) -> None:
    """Show who governs and every protocol parameter with its bounds, proven.

    The bounds are those of this release, compiled into every node.
    """
    scope = open_scope(session)
    (governor,) = scope.ledger.read(PROTOCOL_CONFIG, "governor")
    (offered,) = scope.ledger.read(PROTOCOL_CONFIG, "governorOffered")
    (mode,) = scope.ledger.read(PROTOCOL_CONFIG, "accountMode")
    facts = {"governor": kinds.ACCOUNT.show(scope, governor), "account mode": kinds.ACCOUNT_MODE.show(scope, mode)}
    if offered != ZERO_ADDRESS:
        facts["governor offered to"] = kinds.ACCOUNT.show(scope, offered)
    parameters: list[dict[str, str]] = []
    for name, (lowest, highest) in PARAMETER_BOUNDS.items():
        in_force, scheduled = scope.ledger.read(PROTOCOL_CONFIG, "parameterOf", name)
        parameters.append(
            {
                "parameter": name,
                "in force": str(in_force),
                "next epoch": str(scheduled),
                "lowest": str(lowest),
                "highest": str(highest),
            }
        )
    proof = scope.ledger.head.proof
    lines = [f"  {label:<24}{value}" for label, value in facts.items()]
    lines.append(f"  {'parameter':<24}{'in force':>12}{'next epoch':>12}{'lowest':>12}{'highest':>13}")
    for entry in parameters:
        name, *numbers = entry.values()
        lines.append(f"  {name:<24}" + "".join(f"{number:>12}" for number in numbers[:-1]) + f"{numbers[-1]:>13}")
    record: dict[str, object] = {label.replace(" ", "_"): value for label, value in facts.items()}
    record["parameters"] = [{key.replace(" ", "_"): value for key, value in entry.items()} for entry in parameters]
    session.output.result(record, "\n".join([*lines, f"  {proof.label()}"]), proof=proof)


config = WalletGroup(
    "config",
    table={
        "show": ("wallet_cli.admin.config:show", "who governs, and every parameter with its bounds"),
        "set": ("wallet_cli.admin.config:set_", "schedule a parameter for the next epoch"),
        "account-mode": ("wallet_cli.admin.config:account_mode", "who may send"),
        "begin-handover": ("wallet_cli.admin.config:begin_handover", "offer the governor's place"),
        "accept": ("wallet_cli.admin.config:accept", "take the governor's place that was offered"),
    },
    help="What all validators agree on besides the code, and who governs.",
)
