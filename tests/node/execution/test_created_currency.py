"""A currency created on a running network is a contract like those of genesis, for tools and for other contracts."""

import pytest

from consensus.primitives.scalars import Address
from contracts.addresses import CURRENCY_REGISTRY, currency_address
from contracts.declarations import encode_call
from contracts.native.currency_registry import CURRENCY_REGISTRY as REGISTRY
from contracts.native.dispatch import find_function
from node.execution.native import SYSTEM_CODE, call_system_contract
from node.state.journal import Journal
from node.state.overlay import Overlay
from tests.node.execution.ledger import ALICE, DAVE, EUR, context, genesis


@pytest.mark.parametrize(("caller", "is_created"), [(DAVE, True), (ALICE, False)])
def test_a_currency_has_code_from_its_creation_on(caller: Address, is_created: bool) -> None:
    block_zero = genesis()
    journal = Journal(Overlay(block_zero.executed.overlay))
    created = currency_address(2)
    assert journal.get_code(created) == b""
    checkpoint = journal.snapshot()
    data = encode_call(find_function(REGISTRY, "createCurrency"), "CNY.BANKA", "Deposits", 2, ALICE)
    result = call_system_contract(
        journal, context(block_zero), address=CURRENCY_REGISTRY, caller=caller, value=0, data=data, gas=500_000
    )
    if not result.success:
        journal.revert(checkpoint)
    assert result.success == is_created
    expected = (SYSTEM_CODE, 1) if is_created else (b"", 0)
    assert (journal.get_code(created), journal.get_nonce(created)) == expected
    assert (journal.get_code(EUR), journal.get_nonce(EUR)) == (SYSTEM_CODE, 1)
