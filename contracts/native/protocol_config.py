"""The network's parameters as everybody can read and prove them. Genesis writes them; nothing changes them yet.

Bounds are compiled into every node with the genesis document; this module only keeps the values.
Source: consensus.md §1, architecture.md §7, ledger.md §2.
"""

from dataclasses import dataclass, fields
from typing import Final

from consensus.primitives.scalars import Address
from contracts.layout import PROTOCOL_PARAMETER_SLOTS, ProtocolConfigSlots
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable, Handler, build_contract


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


FUNCTIONS: Final = FunctionTable()


@FUNCTIONS.function("governor()", returns="address")
def governor(context: CallContext) -> Address:
    """Return who may create currencies."""
    return Address(context.get_slot(ProtocolConfigSlots.GOVERNOR).to_bytes(20, "big"))


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


def write_parameters(context: CallContext, *, governor_address: Address, parameters: ProtocolParameters) -> None:
    """Write the governor and every parameter; genesis is the only caller."""
    context.set_slot(ProtocolConfigSlots.GOVERNOR, int.from_bytes(governor_address, "big"))
    for field in fields(parameters):
        context.set_slot(PROTOCOL_PARAMETER_SLOTS[field.name], getattr(parameters, field.name))


assert [field.name for field in fields(ProtocolParameters)] == list(PROTOCOL_PARAMETER_SLOTS)

PROTOCOL_CONFIG: Final = build_contract("ProtocolConfig", tables=(FUNCTIONS,))
