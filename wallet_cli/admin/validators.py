"""`sycee admin validator`: the governor's decisions on who validates; requests are the operators' own.

Operators ask to join, rotate and leave with `sycee-node validator`; a governor that is a council decides from here.
"""

from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.native.validator_state import Status
from wallet_cli.addresses import looks_like_address
from wallet_cli.admin import kinds
from wallet_cli.admin.actions import Action, Argument, action_command
from wallet_cli.admin.kinds import Kind
from wallet_cli.admin.plans import Change, always
from wallet_cli.admin.scope import Scope, open_scope
from wallet_cli.admin.tables import LIST_MAX, print_table
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.session import Session

_SETTLING: Final = ("suspended from the next epoch on", "leaving at the end of the epoch")


def _parse_operator(scope: Scope, text: str) -> AbiValue:
    if not looks_like_address(text):
        (operator,) = scope.ledger.read(VALIDATOR_REGISTRY, "operatorNamed", text)
        if operator != ZERO_ADDRESS:
            return operator
    return kinds.ACCOUNT.parse(scope, text)


def _operator_text(scope: Scope, value: AbiValue) -> str:
    assert isinstance(value, bytes)
    name = scope.ledger.read(VALIDATOR_REGISTRY, "memberOf", value)[2]
    return f"{name}, operated by {kinds.account_text(scope, value)}" if name else kinds.account_text(scope, value)


OPERATOR: Final = Kind("OPERATOR", "a validator's name, or its operator's address", _parse_operator, _operator_text)


def _status_text(_scope: Scope, value: AbiValue) -> str:
    assert isinstance(value, int)
    return Status(value).name.lower()


_STATUS: Final = Kind("STATUS", "where an operator stands", kinds.NUMBER.parse, _status_text)
_OPERATOR: Final = Argument("operator", OPERATOR, "who")


def _status(becomes: AbiValue | None) -> Change:
    after = None if becomes is None else always(becomes)
    return Change("status", "memberOf", ("operator",), _STATUS, after)


approve = action_command(
    Action(
        command="approve",
        title="Approve an applicant",
        help="Let an applicant join: it becomes a candidate and joins at the end of an epoch once it says that it is"
        " ready. The governor's right.",
        contract=VALIDATOR_REGISTRY,
        function="approve",
        arguments=(_OPERATOR,),
        changes=(_status(int(Status.CANDIDATE)),),
        examples=(
            "sycee admin validator approve bank-20 --yes",
            "sycee admin validator approve bank-20 --dry-run",
        ),
    )
)
reject = action_command(
    Action(
        command="reject",
        title="Reject an applicant",
        help="Refuse an applicant, or a candidate after all; its name and keys are free again. The governor's right.",
        contract=VALIDATOR_REGISTRY,
        function="reject",
        arguments=(_OPERATOR,),
        changes=(_status(int(Status.NONE)),),
        examples=("sycee admin validator reject bank-20 --yes", "sycee admin validator reject bank-20 --dry-run"),
    )
)
suspend = action_command(
    Action(
        command="suspend",
        title="Suspend a validator",
        help="Take a validator out at the end of the epoch, a candidate at once; it keeps its keys until it leaves. The"
        " governor's right.",
        contract=VALIDATOR_REGISTRY,
        function="suspend",
        arguments=(_OPERATOR,),
        changes=(
            _status(None),
            Change("is to be suspended", "memberOf", ("operator",), kinds.YES_NO, always(True), result=7),
        ),
        examples=("sycee admin validator suspend v1 --yes", "sycee admin validator suspend v1 --dry-run"),
    )
)
reinstate = action_command(
    Action(
        command="reinstate",
        title="End a suspension",
        help="End a suspension: one that waits is dropped; a suspended operator is a candidate again, and not yet"
        " ready. The governor's right.",
        contract=VALIDATOR_REGISTRY,
        function="reinstate",
        arguments=(_OPERATOR,),
        changes=(
            _status(None),
            Change("is to be suspended", "memberOf", ("operator",), kinds.YES_NO, always(False), result=7),
        ),
        examples=("sycee admin validator reinstate v2 --yes", "sycee admin validator reinstate v2 --dry-run"),
    )
)
end_epoch = action_command(
    Action(
        command="end-epoch",
        title="End the epoch",
        help="End the epoch with the block of this transaction, so that what waits for it comes into force. The"
        " governor's right.",
        contract=VALIDATOR_REGISTRY,
        function="endEpoch",
        arguments=(),
        changes=(Change("the epoch is ending", "isEpochEnding", (), kinds.YES_NO, always(True)),),
        examples=("sycee admin validator end-epoch --yes", "sycee admin validator end-epoch --dry-run"),
    )
)


@wallet_command(
    "list", needs=(Need.NETWORK,), examples=("sycee admin validator list", "sycee admin validator list --json")
)
def list_(session: Session) -> None:
    """List validators, who wants to join and who is suspended, proven."""
    scope = open_scope(session)
    rows = []
    for count_view, at_view, place in (
        ("validatorCount", "validatorAt", 3),
        ("pendingCount", "pendingAt", 0),
        ("suspendedCount", "suspendedAt", 0),
    ):
        (count,) = scope.ledger.read(VALIDATOR_REGISTRY, count_view)
        assert isinstance(count, int)
        for index in range(min(count, LIST_MAX)):
            operator = scope.ledger.read(VALIDATOR_REGISTRY, at_view, index)[place]
            assert isinstance(operator, bytes)
            rows.append(_row(scope, Address(operator)))
    print_table(scope, ("name", "status", "operator", "what waits"), rows, of_nothing="nobody validates")


def _row(scope: Scope, operator: Address) -> tuple[str, str, str, str]:
    facts = scope.ledger.read(VALIDATOR_REGISTRY, "memberOf", operator)
    status, is_ready, name, is_suspending, is_leaving = facts[0], facts[1], facts[2], facts[7], facts[8]
    waits = [words for words, is_so in zip(_SETTLING, (is_suspending, is_leaving), strict=True) if is_so]
    if status == Status.CANDIDATE:
        waits.append("ready to join" if is_ready else "not ready yet")
    return str(name), _status_text(scope, status), kinds.account_text(scope, operator), ", ".join(waits) or "-"


validator = WalletGroup(
    "validator",
    table={
        "list": ("wallet_cli.admin.validators:list_", "validators, applicants, suspended"),
        "approve": ("wallet_cli.admin.validators:approve", "let an applicant join"),
        "reject": ("wallet_cli.admin.validators:reject", "refuse an applicant"),
        "suspend": ("wallet_cli.admin.validators:suspend", "take a validator out"),
        "reinstate": ("wallet_cli.admin.validators:reinstate", "end a suspension"),
        "end-epoch": ("wallet_cli.admin.validators:end_epoch", "let what waits come into force"),
    },
    help="The governor's decisions on who validates. Operators ask with sycee-node validator.",
)
