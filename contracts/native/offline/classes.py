"""Classes: fixed lists of payees that a covered purse can pay.

A class never grows, or what is locked would no longer cover it. Source: offline.md §4.
"""

from collections.abc import Sequence
from typing import Final

from consensus.primitives.scalars import Address, Hash32
from contracts.declarations import declare_event, encode_event
from contracts.native.context import CallContext
from contracts.native.dispatch import Charge, FunctionTable
from contracts.native.offline import prices
from contracts.native.offline.errors import naming_broken_rules
from contracts.native.offline.records import is_member as is_member_of
from contracts.offline.purse_rules import class_id
from contracts.offline.slots import class_member_slot, class_size_slot

CLASS_CREATED: Final = declare_event("ClassCreated(bytes32 indexed classId, address[] members)")

CLASSES: Final = FunctionTable()


@CLASSES.function(
    "createClass(address[] members)",
    returns="bytes32 classId",
    gas=prices.GAS_CLASS,
    work=prices.WORK_CLASS,
    mutates=True,
    is_metered=True,
)
@naming_broken_rules
def create_class(context: CallContext, charge: Charge, members: Sequence[Address]) -> Hash32:
    """Store a class of 1 to 500 payees, ascending, and return its id; anybody's call, again does nothing.

    Reverts with BadClass: of a wrong number, or naming the first member that is a system address or out of order.
    """
    created = class_id(members)
    charge.spend(gas=len(members) * prices.GAS_CLASS_MEMBER, work=len(members) * prices.WORK_CLASS_MEMBER)
    size_slot = class_size_slot(created)
    if context.get_slot(size_slot):
        return created
    context.set_slot(size_slot, len(members))
    for member in members:
        context.set_slot(class_member_slot(created, member), 1)
    context.emit(*encode_event(CLASS_CREATED, created, members))
    return created


@CLASSES.function("classSize(bytes32 classId)", returns="uint32 size")
def class_size(context: CallContext, class_name: Hash32) -> int:
    """Return how many payees a class has; 0 if it was never created."""
    return context.get_slot(class_size_slot(class_name))


@CLASSES.function("isMember(bytes32 classId, address account)", returns="bool")
def is_member(context: CallContext, class_name: Hash32, account: Address) -> bool:
    """Tell whether a class pays an account."""
    return is_member_of(context, class_name, account)
