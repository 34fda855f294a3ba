"""The call tree keeps the logs of what stayed done, and of nothing else."""

from typing import Any

from consensus.chain.receipt import Log
from node.execution.engine import TracedCall, TracedResult
from node.rpc.tracers.call_tree import CallTreeTracer
from tests.node.execution.ledger import ALICE, BOB

CALL = 0xF1
DONE = TracedResult(output=b"", gas_used=1, failure=None, has_reverted=False)
REVERTED = TracedResult(output=b"", gas_used=1, failure="execution reverted", has_reverted=True)


def tree_of(*, inner: TracedResult, outer: TracedResult) -> Any:
    """Return the tree of a call that logs, calls one that logs and ends with `inner`, and itself ends with `outer`."""
    tracer = CallTreeTracer(has_inner_calls=True, has_logs=True, response_bytes_max=100_000)
    for _ in range(2):
        tracer.enter(TracedCall(opcode=CALL, sender=ALICE, to=BOB, value=0, gas=9, data=b"", caller_gas=0))
        tracer.log(Log(BOB, (), b"\x01"))
    tracer.leave(inner)
    tracer.leave(outer)
    return tracer.result(gas_limit=9, gas_used=2)


def test_what_stayed_done_shows_its_logs() -> None:
    tree = tree_of(inner=DONE, outer=DONE)
    assert len(tree["logs"]) == len(tree["calls"][0]["logs"]) == 1


def test_a_failed_inner_call_shows_none_while_its_caller_does() -> None:
    tree = tree_of(inner=REVERTED, outer=DONE)
    assert len(tree["logs"]) == 1
    assert "logs" not in tree["calls"][0]


def test_a_call_undone_with_its_caller_shows_none() -> None:
    tree = tree_of(inner=DONE, outer=REVERTED)
    assert "logs" not in tree
    assert "logs" not in tree["calls"][0]
