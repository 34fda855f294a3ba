"""Precompiled contracts and their work. Source: Yellow Paper E, EIP-2565, EIP-2537, EIP-4844, EIP-7951."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from eth.vm.forks.prague.computation import PRAGUE_PRECOMPILES

from consensus.primitives.scalars import Address, Hash32
from consensus.primitives.signatures import InvalidSignature, is_valid_p256, recover_any_address
from node.execution.engine import EvmRules
from node.execution.meter import TICKS_PER_UNIT
from node.execution.py_evm import bls12_381, revm_precompiles

if TYPE_CHECKING:
    from node.execution.py_evm.frame import Frame

Precompile = Callable[["Frame"], object]

GAS_ECRECOVER: Final = 3_000
GAS_P256: Final = 6_900
_MODEXP_GAS_MIN: Final = 200
_MODEXP_HEAD_BYTES: Final = 96
_P256_BYTES: Final = 160


def _ecrecover(frame: "Frame") -> None:
    frame.consume_gas(GAS_ECRECOVER, "ECRECOVER")
    data = frame.msg.data.ljust(128, b"\x00")
    v = int.from_bytes(data[32:64], "big")
    if v not in (27, 28):
        return
    r, s = int.from_bytes(data[64:96], "big"), int.from_bytes(data[96:128], "big")
    try:
        address = recover_any_address(Hash32(data[:32]), r=r, s=s, y_parity=v - 27)
    except InvalidSignature:
        return
    frame.output = bytes(12) + address


def _p256_verify(frame: "Frame") -> None:
    frame.consume_gas(GAS_P256, "P256VERIFY")
    data = frame.msg.data
    if len(data) != _P256_BYTES:
        return
    digest, *numbers = (data[start : start + 32] for start in range(0, _P256_BYTES, 32))
    r, s, x, y = (int.from_bytes(number, "big") for number in numbers)
    if is_valid_p256(digest, r=r, s=s, x=x, y=y):
        frame.output = (1).to_bytes(32, "big")


def _modexp(frame: "Frame") -> None:
    data = frame.msg.data
    base_length, exponent_length, modulus_length = (_number(data, start, 32) for start in (0, 32, 64))
    head = _number(data, _MODEXP_HEAD_BYTES + base_length, min(exponent_length, 32))
    frame.consume_gas(_modexp_gas(base_length, exponent_length, modulus_length, head), "MODEXP")
    if modulus_length == 0:
        return
    start = _MODEXP_HEAD_BYTES
    base = _number(data, start, base_length)
    exponent = _number(data, start + base_length, exponent_length)
    modulus = _number(data, start + base_length + exponent_length, modulus_length)
    result = pow(base, exponent, modulus) if modulus else 0
    frame.output = result.to_bytes(modulus_length, "big")


def _modexp_gas(base_length: int, exponent_length: int, modulus_length: int, exponent_head: int) -> int:
    """Return the gas of a modular exponentiation. Source: EIP-2565."""
    # Started words of eight bytes: the remainder counts as a whole one.
    words = (max(base_length, modulus_length) + 7) // 8
    iterations = max(exponent_head.bit_length() - 1, 0)
    if exponent_length > 32:
        iterations += 8 * (exponent_length - 32)
    # A third, rounded down, as the EIP says.
    return max(_MODEXP_GAS_MIN, words * words * max(iterations, 1) // 3)


def _number(data: bytes, start: int, length: int) -> int:
    """Return the big-endian number in call data, which goes on with zeros."""
    if start >= len(data):
        return 0
    part = data[start : start + length]
    # As many zeros as are missing behind the end.
    return int.from_bytes(part, "big") << 8 * (length - len(part))


def _address(number: int) -> Address:
    return Address(number.to_bytes(20, "big"))


ECRECOVER: Final = _address(1)
P256_VERIFY: Final = _address(0x100)

_TICKS_PER_GAS: Final[dict[int, tuple[int, int]]] = {
    1: (1, 4),
    2: (1, 4),
    3: (1, 4),
    4: (1, 8),
    5: (1, 1),
    6: (1, 1),
    7: (1, 2),
    8: (1, 1),
    9: (1, 4),
    **dict.fromkeys(range(0x0A, 0x12), (1, 1)),
    0x100: (1, 4),
}
"""Ticks for so much gas, by precompile number: measured on inputs that take longest for their gas, and rounded up."""


def _metered(number: int, precompile: Precompile) -> Precompile:
    ticks, gas_unit = _TICKS_PER_GAS[number]

    def run(frame: "Frame") -> None:
        spend, consume_gas = frame.state.meter.spend, frame.consume_gas

        def consume(amount: int, reason: str) -> None:
            consume_gas(amount, reason)
            # A started gas unit counts as a whole one.
            spend(ticks * ((amount + gas_unit - 1) // gas_unit))

        spend(TICKS_PER_UNIT)
        # Gas and work are taken together, before anything is computed. The frame does nothing else.
        frame.consume_gas = consume  # type: ignore[method-assign]
        precompile(frame)

    return run


_OWN: Final[dict[int, Precompile]] = {
    1: _ecrecover,
    5: _modexp,
    6: revm_precompiles.bn_add,
    7: revm_precompiles.bn_multiply,
    8: revm_precompiles.bn_pairing,
    9: revm_precompiles.blake2_compress,
    0x0A: bls12_381.point_evaluation,
    0x0B: bls12_381.g1_add,
    0x0C: bls12_381.g1_multiples,
    0x0D: bls12_381.g2_add,
    0x0E: bls12_381.g2_multiples,
    0x0F: bls12_381.pairing_check,
    0x10: bls12_381.map_to_g1,
    0x11: bls12_381.map_to_g2,
    0x100: _p256_verify,
}

PRECOMPILES: Final[dict[Address, Precompile]] = {
    address: _metered(number, _OWN.get(number, precompile))
    for number, address, precompile in [
        *((int.from_bytes(address, "big"), Address(address), run) for address, run in PRAGUE_PRECOMPILES.items()),
        (0x100, P256_VERIFY, _p256_verify),
    ]
}
"""By address."""


@cache
def precompiles_of(rules: EvmRules) -> dict[Address, Precompile]:
    """Return those that are part of some rules."""
    return {address: run for address, run in PRECOMPILES.items() if address in rules.precompiles}
