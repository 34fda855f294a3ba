"""py-evm as the node's execution engine."""

from typing import TYPE_CHECKING, Final

from eth.exceptions import ContractCreationCollision

from consensus.primitives.scalars import Address
from node.execution.delegation import delegate_of
from node.execution.engine import CallTracer, EvmCall, EvmResult
from node.execution.meter import WorkMeter
from node.execution.py_evm.frame import Frame, describe
from node.execution.py_evm.ledger_state import LedgerState
from node.execution.py_evm.message import Message, Origin
from node.state.journal import Journal

if TYPE_CHECKING:
    from node.execution.transition import BlockContext

NO_ADDRESS: Final = Address(b"")
"""py-evm's recipient of a creation."""


class PyEvm:
    """`ExecutionEngine` of the Prague rules. It keeps nothing between calls."""

    def run(
        self,
        journal: Journal,
        context: "BlockContext",
        call: EvmCall,
        meter: WorkMeter,
        tracer: CallTracer | None = None,
    ) -> EvmResult:
        """Execute a call or a creation on the journal. Raises: WorkExhausted, DeadlinePassed."""
        state = LedgerState(journal, context, meter, tracer)
        outer = Origin(call.gas_price, call.sender, call.blob_hashes)
        if call.created is not None:
            frame = self._create(state, call, outer)
        else:
            assert call.to is not None
            frame = Frame.execute(state, self._message(state, call, call.to), outer)
        failure = None if frame._error is None or not frame._error.burns_gas else describe(frame._error)
        succeeded = frame._error is None
        return EvmResult(
            succeeded=succeeded,
            output=frame.output,
            gas_left=frame.get_gas_remaining(),
            gas_refund=frame.gas_refunded if succeeded else 0,
            destroyed=tuple(dict.fromkeys(frame.accounts_to_delete)) if succeeded else (),
            failure=failure,
        )

    def _message(self, state: LedgerState, call: EvmCall, to: Address) -> Message:
        code = state.get_code(to)
        delegate = delegate_of(code) if state.context.rules.has_delegations else None
        if delegate is None:
            return Message(call.gas, to, call.sender, call.value, call.data, code)
        state.mark_address_warm(delegate)
        return Message(
            call.gas,
            to,
            call.sender,
            call.value,
            call.data,
            state.get_code(delegate),
            code_address=delegate,
            is_delegation=True,
        )

    def _create(self, state: LedgerState, call: EvmCall, outer: Origin) -> Frame:
        assert call.created is not None
        message = Message(call.gas, NO_ADDRESS, call.sender, call.value, b"", call.data, create_address=call.created)
        if state.has_code_or_nonce(call.created):
            frame = Frame(state, message, outer, None)
            frame.fail(ContractCreationCollision(f"0x{call.created.hex()} is taken"))
            return frame
        return Frame.execute(state, message, outer)
