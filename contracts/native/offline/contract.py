"""OfflineLocks, put together: paired locks, classes, covered purses, proofs of double spends, held sub-accounts.

Source: offline.md §5.
"""

from typing import Final

from consensus.primitives.scalars import Address
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable, build_contract
from contracts.native.offline.classes import CLASS_CREATED, CLASSES
from contracts.native.offline.custody import PAYOUT_HELD
from contracts.native.offline.errors import OFFLINE_ERRORS
from contracts.native.offline.fraud import FRAUD, FRAUD_EVENTS
from contracts.native.offline.held import HELD, HELD_EVENTS
from contracts.native.offline.paired import PAIRED, PAIRED_EVENTS
from contracts.native.offline.proofs import PROOFS
from contracts.native.offline.purses import PURSE_EVENTS, PURSES
from contracts.native.offline.records import LAYOUT_VERSION
from contracts.native.signed_orders import DOMAIN_FIELDS
from contracts.offline.slots import OfflineLocksSlots, open_nonce_slot
from contracts.offline.typed_data import DOMAIN_NAME, DOMAIN_VERSION

VIEWS: Final = FunctionTable()


@VIEWS.function("openNonceOf(address account)", returns="uint64")
def open_nonce_of(context: CallContext, account: Address) -> int:
    """Return the number that the terms of an account's next lock or purse must carry."""
    return context.get_slot(open_nonce_slot(account))


@VIEWS.function(
    "eip712Domain()",
    returns="bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, "
    "uint256[] extensions",
)
def eip712_domain(context: CallContext) -> tuple[bytes, str, str, int, Address, bytes, tuple[int, ...]]:
    """Return what ties signatures to this contract on this network, field by field (ERC-5267)."""
    return DOMAIN_FIELDS, DOMAIN_NAME, DOMAIN_VERSION, context.chain_id, context.address, bytes(32), ()


def write_offline_locks(context: CallContext) -> None:
    """Write what the contract begins with; genesis is the only caller."""
    context.set_slot(OfflineLocksSlots.LAYOUT_VERSION, LAYOUT_VERSION)


OFFLINE_LOCKS: Final = build_contract(
    "OfflineLocks",
    tables=(PAIRED, CLASSES, PURSES, PROOFS, HELD, FRAUD, VIEWS),
    events=(*PAIRED_EVENTS, CLASS_CREATED, *PURSE_EVENTS, *FRAUD_EVENTS, PAYOUT_HELD, *HELD_EVENTS),
    errors_declared=OFFLINE_ERRORS,
)
