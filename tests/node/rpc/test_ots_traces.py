"""What Otterscan sees inside transactions of a real chain."""

import pytest

from tests.node.execution.ledger import BOB, EUR
from tests.node.rpc.real_chain import TILL, account_hex, ask, hash_of


@pytest.mark.asyncio
async def test_calls_are_shown_in_order_with_their_depth() -> None:
    outer, inner = await ask("ots_traceTransaction", hash_of(3, 1))
    assert (outer["type"], outer["depth"], outer["from"], outer["to"]) == (
        "CALL",
        0,
        account_hex(BOB),
        account_hex(TILL),
    )
    assert (inner["type"], inner["depth"], inner["from"], inner["to"]) == (
        "CALL",
        1,
        account_hex(TILL),
        account_hex(EUR),
    )


@pytest.mark.asyncio
async def test_error_of_a_failed_transaction_is_its_revert_data_and_of_another_nothing() -> None:
    assert (await ask("ots_getTransactionError", hash_of(1, 1))).startswith("0xe450d38c")
    assert await ask("ots_getTransactionError", hash_of(1, 0)) == "0x"


@pytest.mark.asyncio
async def test_payment_of_a_currency_is_no_internal_operation_and_an_unknown_transaction_has_none() -> None:
    assert await ask("ots_getInternalOperations", hash_of(3, 1)) == []
    for method in ("ots_getInternalOperations", "ots_traceTransaction"):
        assert await ask(method, "0x" + "ab" * 32) == []
    assert await ask("ots_getTransactionError", "0x" + "ab" * 32) == "0x"
