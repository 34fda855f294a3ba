"""Why a simulation ends without a result: a call in it could be in no block.

SimulationRefused
├── SimulatedNonceTooLow, SimulatedNonceTooHigh      only where senders are validated
├── GasBelowIntrinsic, NotFunded, InitCodeTooLarge   the call itself
├── BlockGasExceeded                                 the block is full
└── BlockOutOfOrder, TimeOutOfOrder, TooManyBlocks   the sequence
"""


class SimulationRefused(Exception):
    """A simulation without a result. `reason` is the stable word RPC clients see."""

    reason = "simulation_refused"


class SimulatedNonceTooLow(SimulationRefused):
    """A nonce below the next one, where senders are validated."""

    reason = "nonce_too_low"

    def __init__(self, *, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(f"nonce too low: next nonce {expected}, tx nonce {found}")


class SimulatedNonceTooHigh(SimulationRefused):
    """A nonce above the next one, where senders are validated."""

    reason = "nonce_too_high"

    def __init__(self, *, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(f"nonce too high: next nonce {expected}, tx nonce {found}")


class GasBelowIntrinsic(SimulationRefused):
    """A gas limit that does not even pay for the bytes of the call."""

    reason = "intrinsic_gas_too_low"

    def __init__(self, *, gas_limit: int, intrinsic_gas: int) -> None:
        self.gas_limit = gas_limit
        self.intrinsic_gas = intrinsic_gas
        super().__init__(f"intrinsic gas too low: gas limit {gas_limit}, needed {intrinsic_gas}")


class NotFunded(SimulationRefused):
    """A call that moves more native value than its sender has."""

    reason = "insufficient_funds"

    def __init__(self, *, balance: int, value: int) -> None:
        self.balance = balance
        self.value = value
        super().__init__(f"insufficient funds for transfer: balance {balance}, value {value}")


class InitCodeTooLarge(SimulationRefused):
    """A creation with more init code than is allowed (EIP-3860)."""

    reason = "init_code_too_large"

    def __init__(self, *, found: int, limit: int) -> None:
        self.found = found
        self.limit = limit
        super().__init__(f"max initcode size exceeded: {found} bytes, at most {limit}")


class BlockGasExceeded(SimulationRefused):
    """A call whose gas limit is above what its block has left."""

    reason = "block_gas_exceeded"

    def __init__(self, *, gas_limit: int, gas_left: int) -> None:
        self.gas_limit = gas_limit
        self.gas_left = gas_left
        super().__init__(f"block gas limit reached: the call's limit is {gas_limit}, the block has {gas_left} left")


class BlockOutOfOrder(SimulationRefused):
    """A block whose number is not above that of the one before."""

    reason = "block_out_of_order"

    def __init__(self, *, found: int, before: int) -> None:
        self.found = found
        self.before = before
        super().__init__(f"block numbers must be in order: {found} is not above {before}")


class TimeOutOfOrder(SimulationRefused):
    """A block whose time is not after that of the one before."""

    reason = "time_out_of_order"

    def __init__(self, *, found: int, before: int) -> None:
        self.found = found
        self.before = before
        super().__init__(f"block timestamps must be in order: {found} is not after {before}")


class TooManyBlocks(SimulationRefused):
    """More blocks than one simulation may have."""

    reason = "too_many_blocks"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"too many blocks: at most {limit} in one simulation, empty ones in between included")
