"""The network's parameters and its governor, as everybody can read and prove them.

The governor is the council: an account, or later a contract. What it sets is checked against bounds compiled into every
node and comes into force with the next epoch's first block. Source: consensus.md §1, architecture.md §7, ledger.md §2.
"""

from dataclasses import dataclass, fields
from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from consensus.simplex.parameters import BOUNDS, ParameterOutOfBounds, Parameters
from contracts.addresses import PROTOCOL_CONFIG as CONFIG_ADDRESS
from contracts.declarations import declare_event, encode_event
from contracts.layout import PROTOCOL_PARAMETER_SLOTS, ProtocolConfigSlots, scheduled_parameter_slot
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_ROLE, WORK_HANDOVER, WORK_ROLE, FunctionTable, Handler, build_contract
from contracts.native.errors import revert
from contracts.native.roles import validate_role_account
from contracts.offline.lock_rules import LIFE_S_MAX

LIMIT_BOUNDS: Final = {
    "block_gas_limit": (30_000_000, 10_000_000_000),
    "tx_work_max": (50_000, 10_000_000),
    "block_work_max": (100_000, 100_000_000),
    "offline_grace_min_s": (1, 30 * 24 * 3600),
    "offline_life_max_s": (24 * 3600, LIFE_S_MAX),
    # From the smallest block to more than the largest blocks hold at ten a second.
    "unsponsored_gas_per_minute": (30_000_000, 10_000_000_000_000),
}
"""Lowest and highest value of the parameters that only execution knows; those of consensus have theirs there."""

ACCOUNT_MODE_OPEN: Final = 0
"""Everybody may send."""
ACCOUNT_MODE_REGISTERED: Final = 1
"""Only the governor and registered accounts may send."""
ACCOUNT_MODE_NAME: Final = "account_mode"
"""The mode's name among the parameters of a genesis document."""

WORK_SCHEDULE: Final = 60
"""One slot, and all values read and checked together."""

GOVERNOR_TRANSFER_BEGUN: Final = declare_event(
    "GovernorTransferBegun(address indexed currentGovernor, address indexed newGovernor)"
)
GOVERNOR_TRANSFERRED: Final = declare_event(
    "GovernorTransferred(address indexed previousGovernor, address indexed newGovernor)"
)
ACCOUNT_MODE_SET: Final = declare_event("AccountModeSet(uint8 previousMode, uint8 mode)")
PARAMETER_SCHEDULED: Final = declare_event("ParameterScheduled(string name, uint256 inForce, uint256 scheduled)")


@dataclass(frozen=True, slots=True)
class ProtocolParameters:
    """What all validators must agree on besides the code; fixed for an epoch."""

    network_delta_ms: int
    """Assumed bound of one message's way, the Δ of Simplex."""
    build_budget_ms: int
    """Time a leader takes at most to fill a block."""
    certify_budget_ms: int
    """Time a validator takes at most to execute a block."""
    block_interval_min_ms: int
    """Least time between a block and its parent."""
    empty_block_interval_ms: int
    """Time without transactions after which an empty block is made."""
    epoch_blocks_max: int
    """Blocks in an epoch."""
    block_bytes_max: int
    """Largest block body, bytes."""
    timestamp_ahead_max_ms: int
    """How far a block's time may lie ahead of a voter's clock."""
    timestamp_behind_max_ms: int
    """How far it may lie behind."""
    block_gas_limit: int
    """Gas limit of every block: the header's gasLimit."""
    tx_work_max: int
    """Most work units of one transaction; beyond it fails like out of gas."""
    block_work_max: int
    """Most work units of one block."""
    offline_grace_min_s: int
    """Seconds between the end of spending and the end of claims of money locked for offline payments, at least."""
    offline_life_max_s: int
    """Seconds such money stays locked at most."""
    unsponsored_gas_per_minute: int
    """What all accounts without a sponsor may together send in a minute, and fill of a block, once there are banks."""


FUNCTIONS: Final = FunctionTable()


@FUNCTIONS.function("governor()", returns="address")
def governor(context: CallContext) -> Address:
    """Return the council: who may create currencies, decide on validators and set parameters."""
    return Address(context.get_slot(ProtocolConfigSlots.GOVERNOR).to_bytes(20, "big"))


def require_governor(context: CallContext) -> None:
    """Revert with GovernorOnly unless the governor calls, whichever contract it calls."""
    network_governor = governor(context.at(CONFIG_ADDRESS))
    if context.caller != network_governor:
        raise revert(errors.GOVERNOR_ONLY, context.caller, network_governor)


def is_governor(context: CallContext) -> bool:
    """Tell whether the governor calls, whichever contract it calls."""
    return context.caller == governor(context.at(CONFIG_ADDRESS))


def _parameter_view(slot: int) -> Handler:
    def view(context: CallContext) -> int:
        return context.get_slot(slot)

    return view


def view_name(field: str) -> str:
    """Return the function that shows a parameter: `block_gas_limit` is `blockGasLimit`."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


for _field, _slot in PROTOCOL_PARAMETER_SLOTS.items():
    FUNCTIONS.function(f"{view_name(_field)}()", returns="uint256")(_parameter_view(_slot))


@FUNCTIONS.function("parameterOf(string name)", returns="uint256 inForce, uint256 scheduled")
def parameter_of(context: CallContext, name: str) -> tuple[int, int]:
    """Return a parameter's value now and the one from the next epoch on, by its name in the genesis document.

    Equal if nothing is scheduled. Reverts with UnknownParameter.
    """
    slot = _parameter_slot(name)
    return context.get_slot(slot), _value_next(context, slot)


@FUNCTIONS.function("setParameter(string name, uint256 value)", gas=GAS_ROLE, work=WORK_SCHEDULE, mutates=True)
def set_parameter(context: CallContext, name: str, value: int) -> None:
    """Schedule a parameter's value for the next epoch's first block; the governor's call.

    Replaces what was scheduled; the value in force withdraws it. Reverts with UnknownParameter, or with
    ParameterOutOfRange if the value, or another that depends on it, would be outside its bounds.
    """
    require_governor(context)
    slot = _parameter_slot(name)
    _validate_parameters(context, name, value)
    in_force = context.get_slot(slot)
    context.set_slot(scheduled_parameter_slot(slot), 0 if value == in_force else value)
    context.emit(*encode_event(PARAMETER_SCHEDULED, name, in_force, value))


@FUNCTIONS.function("accountMode()", returns="uint8")
def account_mode(context: CallContext) -> int:
    """Return who may send: 0 everybody (open), 1 accounts of the AccountRegistry and the governor (registered)."""
    return context.get_slot(ProtocolConfigSlots.ACCOUNT_MODE)


@FUNCTIONS.function("setAccountMode(uint8 mode)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def set_account_mode(context: CallContext, mode: int) -> None:
    """Set who may send, from the next transaction on; the governor's call. Reverts with ParameterOutOfRange."""
    require_governor(context)
    if mode > ACCOUNT_MODE_REGISTERED:
        raise revert(errors.PARAMETER_OUT_OF_RANGE, ACCOUNT_MODE_NAME, mode, ACCOUNT_MODE_OPEN, ACCOUNT_MODE_REGISTERED)
    previous = account_mode(context)
    context.set_slot(ProtocolConfigSlots.ACCOUNT_MODE, mode)
    context.emit(*encode_event(ACCOUNT_MODE_SET, previous, mode))


@FUNCTIONS.function("governorOffered()", returns="address")
def governor_offered(context: CallContext) -> Address:
    """Return to whom the governor's place is offered; zero if no handover is under way."""
    return Address(context.get_slot(ProtocolConfigSlots.GOVERNOR_OFFERED).to_bytes(20, "big"))


@FUNCTIONS.function("beginGovernorTransfer(address newGovernor)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def begin_governor_transfer(context: CallContext, new_governor: Address) -> None:
    """Offer the governor's place; replaces an offer under way, the zero address withdraws it. The governor's call."""
    require_governor(context)
    if new_governor != ZERO_ADDRESS:
        validate_role_account(new_governor)
        if new_governor == context.caller:
            raise revert(errors.INVALID_ROLE_ACCOUNT, new_governor)
    context.set_slot(ProtocolConfigSlots.GOVERNOR_OFFERED, int.from_bytes(new_governor, "big"))
    context.emit(*encode_event(GOVERNOR_TRANSFER_BEGUN, context.caller, new_governor))


@FUNCTIONS.function("acceptGovernorTransfer()", gas=GAS_ROLE, work=WORK_HANDOVER, mutates=True)
def accept_governor_transfer(context: CallContext) -> None:
    """Take the governor's place that was offered to the caller; at once. Reverts with NoGovernorTransfer."""
    offered = governor_offered(context)
    if offered == ZERO_ADDRESS or offered != context.caller:
        raise revert(errors.NO_GOVERNOR_TRANSFER, context.caller)
    previous = governor(context)
    context.set_slot(ProtocolConfigSlots.GOVERNOR, int.from_bytes(offered, "big"))
    context.set_slot(ProtocolConfigSlots.GOVERNOR_OFFERED, 0)
    context.emit(*encode_event(GOVERNOR_TRANSFERRED, previous, offered))


def write_parameters(context: CallContext, *, governor_address: Address, parameters: ProtocolParameters) -> None:
    """Write the governor and every parameter; genesis is the only caller."""
    context.set_slot(ProtocolConfigSlots.GOVERNOR, int.from_bytes(governor_address, "big"))
    for field in fields(parameters):
        context.set_slot(PROTOCOL_PARAMETER_SLOTS[field.name], getattr(parameters, field.name))


def begin_scheduled_parameters(context: CallContext) -> None:
    """Put every scheduled value in force; the step from an epoch to the next is the only caller."""
    for slot in PROTOCOL_PARAMETER_SLOTS.values():
        scheduled_slot = scheduled_parameter_slot(slot)
        scheduled = context.get_slot(scheduled_slot)
        if scheduled:
            context.set_slot(slot, scheduled)
            context.set_slot(scheduled_slot, 0)


def _parameter_slot(name: str) -> int:
    slot = PROTOCOL_PARAMETER_SLOTS.get(name)
    if slot is None:
        raise revert(errors.UNKNOWN_PARAMETER, name)
    return slot


def _value_next(context: CallContext, slot: int) -> int:
    # No parameter may be 0, so 0 means that nothing is scheduled.
    return context.get_slot(scheduled_parameter_slot(slot)) or context.get_slot(slot)


def _validate_parameters(context: CallContext, name: str, value: int) -> None:
    """Revert with ParameterOutOfRange unless the next epoch's parameters with `value` among them fit together."""
    if name in LIMIT_BOUNDS:
        lowest, highest = LIMIT_BOUNDS[name]
        if not lowest <= value <= highest:
            raise revert(errors.PARAMETER_OUT_OF_RANGE, name, value, lowest, highest)
        return
    values = {field: _value_next(context, PROTOCOL_PARAMETER_SLOTS[field]) for field in BOUNDS}
    try:
        Parameters(**{**values, name: value})
    except ParameterOutOfBounds as error:
        raise revert(errors.PARAMETER_OUT_OF_RANGE, error.name, error.value, error.minimum, error.maximum) from error


assert [field.name for field in fields(ProtocolParameters)] == list(PROTOCOL_PARAMETER_SLOTS)
assert sorted((*BOUNDS, *LIMIT_BOUNDS)) == sorted(PROTOCOL_PARAMETER_SLOTS)

PARAMETER_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    name: {**BOUNDS, **LIMIT_BOUNDS}[name] for name in PROTOCOL_PARAMETER_SLOTS
}
"""Lowest and highest value of every parameter, in the order of their slots, for those who show them."""

PROTOCOL_CONFIG: Final = build_contract(
    "ProtocolConfig",
    tables=(FUNCTIONS,),
    events=(GOVERNOR_TRANSFER_BEGUN, GOVERNOR_TRANSFERRED, PARAMETER_SCHEDULED, ACCOUNT_MODE_SET),
    errors_declared=errors.CONFIG_ERRORS,
)
