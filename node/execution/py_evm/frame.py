"""One call or creation in progress: stack, memory, gas, and the loop that performs its code.

py-evm's opcodes get a frame where they expect py-evm's computation, and find under the same names what they ask for.
"""

from typing import Final

from eth.exceptions import (
    ContractCreationCollision,
    FullStack,
    Halt,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfGas,
    ReservedBytesInCode,
    Revert,
    VMError,
    WriteProtection,
)
from eth.vm.code_stream import CodeStream
from eth.vm.computation import BaseComputation

from consensus.chain.transaction import INIT_CODE_BYTES_MAX
from consensus.primitives.scalars import Address
from contracts.addresses import is_system_address
from contracts.declarations import encode_error
from contracts.native import errors
from node.execution.engine import TracedCall, TracedResult
from node.execution.meter import TICKS_PER_UNIT
from node.execution.native import call_system_contract
from node.execution.py_evm.ledger_state import LedgerState
from node.execution.py_evm.message import Message, Origin
from node.execution.py_evm.program import STACK_ITEMS_MAX, End, Program
from node.execution.py_evm.programs import creation_program, program_of

NOTHING: Final = b""

CODE_BYTES_MAX: Final = 24_576
"""Bytes of a contract's code (EIP-170)."""

GAS_CODE_BYTE: Final = 200

_CREATE: Final = 0xF0
_CALL: Final = 0xF1
_CREATE2: Final = 0xF5
_STATICCALL: Final = 0xFA

_WORDS: Final[tuple[tuple[type[VMError], str], ...]] = (
    (Revert, "execution reverted"),
    (OutOfGas, "out of gas"),
    (InvalidJumpDestination, "invalid jump destination"),
    (InvalidInstruction, "invalid opcode"),
    (WriteProtection, "write protection"),
    (InsufficientStack, "stack underflow"),
    (FullStack, "stack limit reached"),
    (ContractCreationCollision, "contract address collision"),
    (ReservedBytesInCode, "invalid code: must not begin with 0xef"),
)


class Frame:
    """Owned by the thread that executes the transaction."""

    logger = BaseComputation.logger
    """Asked by py-evm's opcodes whether they shall explain themselves; they shall not."""

    def __init__(
        self, state: LedgerState, message: Message, transaction_context: Origin, parent: "Frame | None"
    ) -> None:
        self.state = state
        self.msg = message
        self.transaction_context = transaction_context
        self.stack: list[int] = []
        self.memory = bytearray()
        self.memory_gas = 0
        self.gas: int = message.gas
        self.gas_refunded = 0
        self.accounts_to_delete: list[Address] = []
        self.beneficiaries: list[Address] = []
        """What py-evm's SELFDESTRUCT notes; nobody asks."""
        self.return_data = NOTHING
        self._output = NOTHING
        self._error: VMError | None = None
        self.opcode = _CREATE if message.is_create else _CALL
        """What is being performed, where steps are watched; before the first, what began the outermost frame."""
        self._code: CodeStream | None = None
        self.contracts_created: list[Address] = [] if parent is None else parent.contracts_created
        if message.is_create:
            self.contracts_created.append(message.storage_address)

    # The whole of a frame --------------------------------------------------------------------------------------

    @classmethod
    def execute(cls, state: LedgerState, message: Message, origin: Origin, parent: "Frame | None" = None) -> "Frame":
        """Run a call or a creation of any depth and show it to whoever watches."""
        apply = cls.apply_create_message if message.is_create else cls.apply_message
        tracer = state.tracer
        if tracer is None:
            return apply(state, message, origin, parent)
        tracer.enter(_traced_call(message, parent))
        frame = apply(state, message, origin, parent)
        error = frame._error
        tracer.leave(
            TracedResult(
                output=frame.output,
                gas_used=message.gas - frame.get_gas_remaining(),
                failure=None if error is None else describe(error),
                has_reverted=error is not None and not error.burns_gas,
            )
        )
        return frame

    @classmethod
    def apply_computation(
        cls,
        state: LedgerState,
        message: Message,
        transaction_context: Origin,
        parent_computation: "Frame | None" = None,
    ) -> "Frame":
        """Run a message and return its frame, failed or not. The caller reverts the state of one that failed."""
        frame = cls(state, message, transaction_context, parent_computation)
        try:
            if message.is_create:
                frame.run(creation_program(message.code, state.context.rules, is_stepwise=state.tracer is not None))
            elif is_system_address(message.code_address):
                frame._run_system_contract()
            elif message.code_address in state.precompiles:
                # An account delegated to a precompile runs nothing (EIP-7702).
                if not message.is_delegation:
                    state.precompiles[message.code_address](frame)
            elif message.code:
                frame.run(program_of(message.code, state.context.rules, is_stepwise=state.tracer is not None))
        except Halt:
            pass
        except VMError as error:
            frame.fail(error)
        return frame

    @classmethod
    def apply_message(
        cls,
        state: LedgerState,
        message: Message,
        transaction_context: Origin,
        parent_computation: "Frame | None" = None,
    ) -> "Frame":
        """Move the value, run the message, undo everything if it failed."""
        checkpoint = state.snapshot()
        to = message.storage_address
        if message.value and message.should_transfer_value:
            # The caller has checked the balance.
            state.delta_balance(message.sender, -message.value)
            state.delta_balance(to, message.value)
        state.touch_account(to)
        frame = cls.apply_computation(state, message, transaction_context, parent_computation)
        if frame._error is not None:
            state.revert(checkpoint)
        return frame

    @classmethod
    def apply_create_message(
        cls,
        state: LedgerState,
        message: Message,
        transaction_context: Origin,
        parent_computation: "Frame | None" = None,
    ) -> "Frame":
        """Run init code and put what it returns at the new address. Source: EIP-161, EIP-170, EIP-3541, EIP-3860."""
        checkpoint = state.snapshot()
        state.increment_nonce(message.storage_address)
        if len(message.code) > INIT_CODE_BYTES_MAX:
            raise OutOfGas(f"init code of {len(message.code)} bytes")
        frame = cls.apply_message(state, message, transaction_context, parent_computation)
        if frame._error is None:
            code = frame._output
            try:
                frame._pay_for_code(code)
            except VMError as error:
                frame.fail(error)
            else:
                state.set_code(message.storage_address, code)
        if frame._error is not None:
            state.revert(checkpoint)
        return frame

    def _pay_for_code(self, code: bytes) -> None:
        if len(code) > CODE_BYTES_MAX:
            raise OutOfGas(f"contract code of {len(code)} bytes, at most {CODE_BYTES_MAX}")
        if code.startswith(b"\xef"):
            raise ReservedBytesInCode("contract code begins with 0xef")
        self.consume_gas(GAS_CODE_BYTE * len(code), "code deposit")

    def fail(self, error: VMError) -> None:
        """End the frame with an error, which takes its gas unless it is a revert."""
        self._error = error
        if error.burns_gas:
            self.gas = 0
        if error.erases_return_data:
            self.return_data = NOTHING

    def run(self, program: Program) -> None:
        """Perform the code from its beginning. Raises: VMError, Halt, WorkExhausted, DeadlinePassed."""
        stack, meter, segments = self.stack, self.state.meter, program.segments
        append, tracer = stack.append, self.state.tracer
        gas, pc = self.gas, 0
        while True:
            segment = segments.get(pc)
            if segment is None:
                segment = program.segment_at(pc)
            segment_gas, ticks, needed, height_max, operations, end, function, next_pc = segment
            if tracer is not None:
                self.opcode = program.opcode_at(pc)
                tracer.step(self, pc, self.opcode, gas, segment_gas)
            gas -= segment_gas
            if gas < 0:
                raise OutOfGas(f"{segment_gas} needed at {pc}, {gas + segment_gas} left")
            meter.ticks_left -= ticks
            if meter.ticks_left < 0:
                meter.run_out()
            if not needed <= len(stack) <= height_max:
                raise _stack_error(len(stack), needed)
            for operation, constant in operations:
                if operation is None:
                    append(constant)
                else:
                    operation(stack)
            if end is End.JUMPI:
                target = stack.pop()
                pc = next_pc
                if stack.pop():
                    if target not in program.jump_destinations:
                        raise InvalidJumpDestination(f"no JUMPDEST at {target}")
                    pc = target
            elif end is End.OPERATION:
                self.gas = gas
                assert function is not None
                function(self)
                gas, pc = self.gas, next_pc
            elif end is End.JUMP:
                pc = stack.pop()
                if pc not in program.jump_destinations:
                    raise InvalidJumpDestination(f"no JUMPDEST at {pc}")
            elif end is End.CUT:
                pc = next_pc
            else:
                self.gas = gas
                if function is not None:
                    function(self)
                return

    def _run_system_contract(self) -> None:
        """Enter a system contract, with this frame's caller as its caller. Source: ledger.md §1."""
        message, state = self.msg, self.state
        address, (_, log_count) = message.code_address, state.snapshot()
        if message.storage_address != address:
            # Somebody else's storage would be run by the rules of this contract.
            self._output = encode_error(errors.DELEGATED_CALL, address)
            raise Revert(self._output)
        result = call_system_contract(
            state.journal,
            state.context,
            address=address,
            caller=message.sender,
            value=message.value,
            data=message.data,
            gas=self.gas,
            is_static=message.is_static,
        )
        state.meter.spend(result.work * TICKS_PER_UNIT)
        self.gas -= result.gas_used
        self._output = result.output
        if not result.success:
            raise Revert(result.output)
        if state.tracer is not None:
            for log in state.journal.logs_from(log_count):
                state.tracer.log(log)

    # How it ended ----------------------------------------------------------------------------------------------

    @property
    def error(self) -> VMError | None:
        """Why it failed."""
        return self._error

    @property
    def is_error(self) -> bool:
        return self._error is not None

    @property
    def should_burn_gas(self) -> bool:
        return self._error is not None and self._error.burns_gas

    @property
    def should_return_gas(self) -> bool:
        return not self.should_burn_gas

    @property
    def should_erase_return_data(self) -> bool:
        return self._error is not None and self._error.erases_return_data

    @property
    def output(self) -> bytes:
        """Returned or revert data; of a creation that succeeded, the contract's code."""
        return NOTHING if self.should_erase_return_data else self._output

    @output.setter
    def output(self, value: bytes) -> None:
        self._output = value

    # Inner calls -----------------------------------------------------------------------------------------------

    def prepare_child_message(  # type: ignore[no-untyped-def]  # py-evm passes the rest by name
        self, gas: int, to: Address, value: int, data: bytes, code: bytes, **rest
    ) -> Message:
        """Return the message of an inner call or creation."""
        sender = rest.pop("sender", self.msg.storage_address)
        return Message(gas, to, sender, value, data, code, self.msg.depth + 1, **rest)

    def apply_child_computation(self, child_msg: Message) -> "Frame":
        """Run an inner call or creation and take over what it leaves."""
        child = self.execute(self.state, child_msg, self.transaction_context, self)
        if child._error is None:
            self.return_data = NOTHING if child.msg.is_create else child._output
            self.gas_refunded += child.gas_refunded
            self.accounts_to_delete += child.accounts_to_delete
        else:
            self.return_data = child.output
        return child

    def register_account_for_deletion(self, beneficiary: Address) -> None:
        """Note that the contract is gone when the transaction ends."""
        self.accounts_to_delete.append(self.msg.storage_address)

    # Gas -------------------------------------------------------------------------------------------------------

    def consume_gas(self, amount: int, reason: str) -> None:
        """Take gas. Raises: OutOfGas."""
        if amount > self.gas:
            raise OutOfGas(f"{amount} needed, {self.gas} left: {reason}")
        self.gas -= amount

    def return_gas(self, amount: int) -> None:
        """Give back what an inner call left."""
        self.gas += amount

    def refund_gas(self, amount: int) -> None:
        """Move the refund counter; it may be below zero on the way (EIP-3529)."""
        self.gas_refunded += amount

    def get_gas_remaining(self) -> int:
        """Return what is left, to whoever made the call."""
        return 0 if self.should_burn_gas else self.gas

    # Memory ----------------------------------------------------------------------------------------------------

    @property
    def _memory(self) -> bytearray:
        """What MSIZE measures."""
        return self.memory

    def extend_memory(self, start_position: int, size: int) -> None:
        """Pay for memory up to start + size and make it. Raises: OutOfGas. Source: Yellow Paper H.1."""
        end = start_position + size
        if not size or end <= len(self.memory):
            return
        words = (end + 31) >> 5
        gas = 3 * words + (words * words >> 9)
        self.consume_gas(gas - self.memory_gas, "memory")
        self.memory_gas = gas
        self.memory.extend(bytes((words << 5) - len(self.memory)))

    def memory_write(self, start_position: int, size: int, value: bytes) -> None:
        """Write into memory that was paid for."""
        if size:
            self.memory[start_position : start_position + size] = value

    def memory_read_bytes(self, start_position: int, size: int) -> bytes:
        """Return a part of memory that was paid for."""
        return bytes(self.memory[start_position : start_position + size])

    def memory_copy(self, destination: int, source: int, length: int) -> None:
        """Copy within memory that was paid for."""
        if length:
            self.memory[destination : destination + length] = self.memory[source : source + length]

    # Stack -----------------------------------------------------------------------------------------------------

    def stack_push_int(self, value: int) -> None:
        """Push a word. Raises: FullStack."""
        if len(self.stack) >= STACK_ITEMS_MAX:
            raise FullStack("stack limit reached")
        self.stack.append(value)

    def stack_push_bytes(self, value: bytes) -> None:
        """Push a word given as at most 32 bytes. Raises: FullStack."""
        self.stack_push_int(int.from_bytes(value, "big"))

    def stack_pop1_int(self) -> int:
        """Pop a word. Raises: InsufficientStack."""
        if not self.stack:
            raise InsufficientStack("the stack is empty")
        return self.stack.pop()

    stack_pop1_any = stack_pop1_int

    def stack_pop1_bytes(self) -> bytes:
        """Pop a word as bytes without leading zeros, but at least one byte. Raises: InsufficientStack."""
        word = self.stack_pop1_int()
        return word.to_bytes((word.bit_length() + 7) // 8 or 1, "big")

    def stack_pop_ints(self, num_items: int) -> list[int]:
        """Pop words, the top first. Raises: InsufficientStack."""
        stack = self.stack
        if num_items > len(stack):
            raise InsufficientStack(f"{num_items} items needed, {len(stack)} there")
        popped = stack[: -num_items - 1 : -1]
        del stack[-num_items:]
        return popped

    # The rest of what py-evm's opcodes ask for -----------------------------------------------------------------

    @property
    def code(self) -> CodeStream:
        """The code in the form CODECOPY reads it."""
        if self._code is None:
            self._code = CodeStream(self.msg.code)
        return self._code

    # What a tracer sees

    @property
    def depth(self) -> int:
        """1 for the outermost frame."""
        return self.msg.depth + 1

    @property
    def address(self) -> Address:
        """Whose storage the frame uses."""
        return self.msg.storage_address

    @property
    def returned(self) -> bytes:
        """Return data of the last inner call."""
        return self.return_data

    @property
    def refund(self) -> int:
        """Refund counter of this frame and those inside it that have ended."""
        return self.gas_refunded

    @property
    def balance(self) -> int:
        """Native balance of the account whose storage the frame uses, in wei."""
        return self.state.get_balance(self.address)

    def read_slot(self, slot: int) -> int:
        """Return a word of its storage."""
        return self.state.journal.get_slot(self.address, slot)


def describe(error: VMError) -> str:
    """Return in a few words why a frame failed, in those of other Ethereum nodes where tools look for them."""
    return next((words for kind, words in _WORDS if isinstance(error, kind)), str(error) or type(error).__name__)


def _traced_call(message: Message, parent: Frame | None) -> TracedCall:
    opcode = parent.opcode if parent is not None else _CREATE if message.is_create else _CALL
    return TracedCall(
        opcode=opcode,
        # A delegated call shows who runs the code, not on whose behalf.
        sender=parent.address if parent is not None else message.sender,
        to=message.storage_address if opcode in (_CALL, _STATICCALL, _CREATE, _CREATE2) else message.code_address,
        value=message.value,
        gas=message.gas,
        data=message.code if message.is_create else message.data,
        caller_gas=0 if parent is None else parent.gas,
    )


def _stack_error(height: int, needed: int) -> VMError:
    if height < needed:
        return InsufficientStack(f"{needed} items needed, {height} there")
    return FullStack("stack limit reached")
