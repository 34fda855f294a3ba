"""The curve alt_bn128 (EIP-196, EIP-197) and the compression of BLAKE2b (EIP-152), computed by revm's precompiles.

py-evm computes them in Python, a hundred times slower: a proof that takes 4 ms here would be above any limit of work.
Gas is taken here, as py-evm takes it; revm sees call data and returns bytes.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from eth.exceptions import VMError
from pyrevm import EVM

if TYPE_CHECKING:
    from node.execution.py_evm.frame import Frame

GAS_ADD: Final = 150
GAS_MULTIPLY: Final = 6_000
GAS_PAIRING: Final = 45_000
GAS_PAIR: Final = 34_000

_PAIR_BYTES: Final = 192
_BLAKE2_BYTES: Final = 213
_GAS_UNLIMITED: Final = 2**40
"""More than 2^32 rounds of BLAKE2b cost."""

_CALLER: Final = "0x" + "5c" * 20

_own = threading.local()


def _revm() -> EVM:
    """Return this thread's machine; it holds no state of ours."""
    machine: EVM | None = getattr(_own, "machine", None)
    if machine is None:
        machine = _own.machine = EVM(spec_id="CANCUN", gas_limit=_GAS_UNLIMITED)
    return machine


def _make(number: int, gas_of: Callable[[bytes], int]) -> Callable[["Frame"], None]:
    address = f"0x{number:040x}"

    def run(frame: "Frame") -> None:
        data = frame.msg.data
        frame.consume_gas(gas_of(data), address)
        try:
            frame.output = _revm().message_call(
                caller=_CALLER, to=address, calldata=data, value=0, gas=_GAS_UNLIMITED, is_static=True
            )
        except RuntimeError as error:
            raise VMError("call data that this precompile refuses") from error

    return run


def _pairing_gas(data: bytes) -> int:
    if len(data) % _PAIR_BYTES:
        raise VMError(f"pairing of {len(data)} bytes, not a multiple of {_PAIR_BYTES}")
    return GAS_PAIRING + GAS_PAIR * (len(data) // _PAIR_BYTES)


def _blake2_gas(data: bytes) -> int:
    if len(data) != _BLAKE2_BYTES or data[-1] > 1:
        raise VMError("BLAKE2b wants 213 bytes, the last of them 0 or 1")
    return int.from_bytes(data[:4], "big")


bn_add: Final = _make(6, lambda _data: GAS_ADD)
bn_multiply: Final = _make(7, lambda _data: GAS_MULTIPLY)
bn_pairing: Final = _make(8, _pairing_gas)
blake2_compress: Final = _make(9, _blake2_gas)
