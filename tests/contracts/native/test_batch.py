"""Batch: every call as the original caller, all or nothing."""

from consensus.primitives.scalars import Address
from contracts.addresses import BATCH, SYSTEM_PREFIX
from contracts.declarations import encode_call
from contracts.decoding import decode_revert
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import GAS_BATCH, GAS_TRANSFER, find_function
from tests.contracts.ledger import ALICE, BOB, EUR, Ledger, Outcome, text


def transfer(amount: int) -> tuple[bytes, bytes]:
    return EUR, encode_call(find_function(CURRENCY, "transfer"), BOB, amount)


def execute(ledger: Ledger, *calls: tuple[bytes, bytes]) -> Outcome:
    return ledger.call(ALICE, BATCH, "execute", calls)


def test_calls_run_in_order_as_the_caller_and_cost_what_they_cost_alone() -> None:
    ledger = Ledger()
    outcome = execute(ledger, transfer(1), transfer(2))
    assert outcome.values == (((1).to_bytes(32, "big"),) * 2,)
    assert outcome.events == [f"Transfer(from={text(ALICE)}, to={text(BOB)}, value={amount})" for amount in (1, 2)]
    assert outcome.result.gas_used == GAS_BATCH + 2 * GAS_TRANSFER
    assert ledger.read(EUR, "balanceOf", BOB) == 3


def test_a_failing_call_undoes_all_and_names_its_index_and_reason() -> None:
    ledger = Ledger()
    outcome = execute(ledger, transfer(1), transfer(100_000))
    assert str(outcome.error).startswith("BatchCallFailed(index=1, reason=0x")
    reason = bytes.fromhex(str(outcome.error).split("0x")[1].rstrip(")"))
    assert str(decode_revert(reason)) == f"ERC20InsufficientBalance(sender={text(ALICE)}, balance=99999, needed=100000)"
    assert ledger.read(EUR, "balanceOf", BOB) == 0


def test_a_hundred_calls_run_and_one_more_does_not() -> None:
    ledger = Ledger()
    assert ledger.read(EUR, "balanceOf", BOB) == 0
    assert execute(ledger, *[transfer(1)] * 100).error is None
    assert execute(ledger, *[transfer(1)] * 101).error == "TooManyCalls(count=101, highest=100)"


def test_a_batch_calls_neither_itself_nor_what_is_no_system_contract() -> None:
    for target in (BATCH, Address(SYSTEM_PREFIX + b"\x63"), ALICE):
        refused = f"BatchTargetRefused(index=1, target={text(target)})"
        assert execute(Ledger(), transfer(1), (target, b"")).error == refused
