"""Points of BLS12-381 as contracts meet them: sums, multiples, pairings, maps (EIP-2537) and KZG openings (EIP-4844).

py-evm computes these in Python, a thousand times slower than arkworks; its table of gas is used.
"""

from typing import TYPE_CHECKING, Final, TypeVar

from eth.exceptions import VMError
from eth.precompiles.bls12_381 import constants as gas_table
from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from consensus.primitives.hashing import sha256

if TYPE_CHECKING:
    from node.execution.py_evm.frame import Frame

FIELD_MODULUS: Final = (
    0x1A0111EA_397FE69A_4B1BA7B6_434BACD7_64774B84_F38512BF_6730D2A0_F6B0F624_1EABFFFE_B153FFFF_B9FEFFFF_FFFFAAAB
)
GROUP_ORDER: Final = 0x73EDA753_299D7D48_3339D808_09A1D805_53BDA402_FFFE5BFE_FFFFFFFF_00000001

GAS_POINT_EVALUATION: Final = 50_000
GAS_PAIRING: Final = 37_700
GAS_PAIR: Final = 32_600
DISCOUNT_UNIT: Final = 1_000

_FIELD_BYTES: Final = 64
"""Of a coordinate: 48 bytes behind 16 zeros."""
_PADDING: Final = bytes(16)
_G1_BYTES: Final = 128
_G2_BYTES: Final = 256
_SCALAR_BYTES: Final = 32

_SECRET_G2: Final = G2Point.from_compressed_bytes(
    bytes.fromhex(
        "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72"
        "185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"
    )
)
"""The secret times the generator of the second group: all that openings need of the public setup (EIP-4844)."""

_OPENING: Final = (4_096).to_bytes(32, "big") + GROUP_ORDER.to_bytes(32, "big")
"""What a good opening answers: field elements of a blob, and the modulus."""

Point = TypeVar("Point", G1Point, G2Point)


def g1_add(frame: "Frame") -> None:
    """Add two points of the first group."""
    data = _data_of(frame, 2 * _G1_BYTES)
    frame.consume_gas(gas_table.BLS12_G1_ADD_GAS, "BLS12_G1ADD")
    total = _read_g1(data[:_G1_BYTES], in_subgroup=False) + _read_g1(data[_G1_BYTES:], in_subgroup=False)
    frame.output = _show_g1(total)


def g2_add(frame: "Frame") -> None:
    """Add two points of the second group."""
    data = _data_of(frame, 2 * _G2_BYTES)
    frame.consume_gas(gas_table.BLS12_G2_ADD_GAS, "BLS12_G2ADD")
    total = _read_g2(data[:_G2_BYTES], in_subgroup=False) + _read_g2(data[_G2_BYTES:], in_subgroup=False)
    frame.output = _show_g2(total)


def g1_multiples(frame: "Frame") -> None:
    """Sum multiples of points of the first group."""
    data = frame.msg.data
    discounts, least = gas_table.G1_MSM_DISCOUNTS, gas_table.G1_MSM_MAX_DISCOUNT
    _consume_multiples(frame, _G1_BYTES, gas_table.BLS12_G1_MSM_GAS, discounts, least)
    step = _G1_BYTES + _SCALAR_BYTES
    points = [_read_g1(data[at : at + _G1_BYTES]) for at in range(0, len(data), step)]
    frame.output = _show_g1(G1Point.multiexp_unchecked(points, _scalars(data, _G1_BYTES)))


def g2_multiples(frame: "Frame") -> None:
    """Sum multiples of points of the second group."""
    data = frame.msg.data
    discounts, least = gas_table.G2_MSM_DISCOUNTS, gas_table.G2_MSM_MAX_DISCOUNT
    _consume_multiples(frame, _G2_BYTES, gas_table.BLS12_G2_MSM_GAS, discounts, least)
    step = _G2_BYTES + _SCALAR_BYTES
    points = [_read_g2(data[at : at + _G2_BYTES]) for at in range(0, len(data), step)]
    frame.output = _show_g2(G2Point.multiexp_unchecked(points, _scalars(data, _G2_BYTES)))


def pairing_check(frame: "Frame") -> None:
    """Tell whether a product of pairings is one."""
    data, step = frame.msg.data, _G1_BYTES + _G2_BYTES
    if not data or len(data) % step:
        raise VMError(f"BLS12_PAIRING_CHECK with {len(data)} bytes, not a multiple of {step}")
    frame.consume_gas(GAS_PAIRING + GAS_PAIR * (len(data) // step), "BLS12_PAIRING_CHECK")
    firsts = [_read_g1(data[at : at + _G1_BYTES]) for at in range(0, len(data), step)]
    seconds = [_read_g2(data[at + _G1_BYTES : at + step]) for at in range(0, len(data), step)]
    frame.output = int(GT.pairing_check(firsts, seconds)).to_bytes(32, "big")


def map_to_g1(frame: "Frame") -> None:
    """Map a field element to a point of the first group."""
    data = _data_of(frame, _FIELD_BYTES)
    frame.consume_gas(gas_table.BLS12_MAP_FP_G1_GAS, "BLS12_MAP_FP_TO_G1")
    frame.output = _show_g1(G1Point.map_from_fp_be(_read_field(data)))


def map_to_g2(frame: "Frame") -> None:
    """Map an element of the quadratic extension to a point of the second group."""
    data = _data_of(frame, 2 * _FIELD_BYTES)
    frame.consume_gas(gas_table.BLS12_MAP_FP2_G2_GAS, "BLS12_MAP_FP2_TO_G2")
    element = _read_field(data[:_FIELD_BYTES]) + _read_field(data[_FIELD_BYTES:])
    frame.output = _show_g2(G2Point.map_from_fp2_be(element))


def point_evaluation(frame: "Frame") -> None:
    """Verify that the polynomial behind a commitment has a value at a point. Source: EIP-4844."""
    frame.consume_gas(GAS_POINT_EVALUATION, "POINT_EVALUATION")
    data = _data_of(frame, 192)
    versioned_hash, z, y = data[:32], int.from_bytes(data[32:64], "big"), int.from_bytes(data[64:96], "big")
    if b"\x01" + sha256(data[96:144])[1:] != versioned_hash:
        raise VMError("commitment is not that of the versioned hash")
    if z >= GROUP_ORDER or y >= GROUP_ORDER:
        raise VMError("point or value is not below the modulus")
    try:
        commitment, proof = G1Point.from_compressed_bytes(data[96:144]), G1Point.from_compressed_bytes(data[144:])
    except ValueError as error:
        raise VMError("commitment or proof is no point") from error
    difference = commitment - G1Point() * Scalar(y)
    if not GT.pairing_check([difference, proof], [-G2Point(), _SECRET_G2 - G2Point() * Scalar(z)]):
        raise VMError("the proof does not show that value")
    frame.output = _OPENING


def _data_of(frame: "Frame", length: int) -> bytes:
    data = frame.msg.data
    if len(data) != length:
        raise VMError(f"{len(data)} bytes of call data, not {length}")
    return data


def _consume_multiples(frame: "Frame", point_bytes: int, gas: int, discounts: list[int], discount_least: int) -> None:
    length, step = len(frame.msg.data), point_bytes + _SCALAR_BYTES
    if not length or length % step:
        raise VMError(f"multiples in {length} bytes of call data, not a multiple of {step}")
    count = length // step
    discount = discounts[count - 1] if count <= len(discounts) else discount_least
    # Rounded down, as the EIP says.
    frame.consume_gas(count * gas * discount // DISCOUNT_UNIT, "BLS12_MSM")


def _scalars(data: bytes, point_bytes: int) -> list[Scalar]:
    # Any 256 bits: points of the subgroup do not notice multiples of its order.
    step = point_bytes + _SCALAR_BYTES
    return [Scalar.from_be_bytes_mod_order(data[at + point_bytes : at + step]) for at in range(0, len(data), step)]


def _read_field(data: bytes) -> bytes:
    """Return 48 bytes of a coordinate. Raises: VMError if it is not below the modulus."""
    if data[:16] != _PADDING or int.from_bytes(data, "big") >= FIELD_MODULUS:
        raise VMError("a coordinate is not below the field's modulus")
    return data[16:]


def _read_g1(data: bytes, *, in_subgroup: bool = True) -> G1Point:
    """Return a point of the curve; all zeros are infinity. Raises: VMError."""
    encoded = _read_field(data[:64]) + _read_field(data[64:])
    return _checked(G1Point, encoded, in_subgroup=in_subgroup)


def _read_g2(data: bytes, *, in_subgroup: bool = True) -> G2Point:
    """Return a point of the twisted curve; all zeros are infinity. Raises: VMError."""
    encoded = b"".join(_read_field(data[at : at + 64]) for at in range(0, _G2_BYTES, 64))
    return _checked(G2Point, encoded, in_subgroup=in_subgroup)


def _checked(kind: type[Point], encoded: bytes, *, in_subgroup: bool) -> Point:
    if not any(encoded):
        return kind.identity()
    try:
        # Unchecked is only the subgroup.
        point = kind.from_xy_bytes_unchecked_be(encoded)
    except ValueError as error:
        raise VMError("a point is not on the curve") from error
    if in_subgroup and not point.is_in_subgroup():
        raise VMError("a point is not in the subgroup")
    return point


def _show_g1(point: G1Point) -> bytes:
    return _padded(point.to_xy_bytes_be()) if point != G1Point.identity() else bytes(_G1_BYTES)


def _show_g2(point: G2Point) -> bytes:
    return _padded(point.to_xy_bytes_be()) if point != G2Point.identity() else bytes(_G2_BYTES)


def _padded(encoded: bytes) -> bytes:
    return b"".join(_PADDING + encoded[at : at + 48] for at in range(0, len(encoded), 48))
