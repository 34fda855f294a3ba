"""Precompiles of our own: P-256 signatures, sender recovery, modular powers; and that all of them count as work."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import Address, WorkUnits
from node.execution.engine import PRAGUE, SYCEE
from node.execution.meter import WorkExhausted, WorkMeter
from node.execution.py_evm.bls12_381 import GROUP_ORDER
from tests.node.execution.evm import SENDER, Evm
from tests.node.execution.test_random_code import make_their_state

P256_VERIFY = Address((0x100).to_bytes(20, "big"))
MODEXP = Address((5).to_bytes(20, "big"))
P256_ORDER = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
TRUE = (1).to_bytes(32, "big")


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def signed(message: bytes = b"leave first, pay later") -> list[bytes]:
    """Return digest, r, s, x, y of a signature a telephone makes."""
    key = ec.derive_private_key(0x5EE5, ec.SECP256R1())
    digest = sha256(message)
    r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
    numbers = key.public_key().public_numbers()
    return [digest, word(r), word(s), word(numbers.x), word(numbers.y)]


def call(to: Address, data: bytes, gas: int = 100_000, rules: object = SYCEE) -> tuple[bytes, int]:
    result = Evm(rules=SYCEE if rules is SYCEE else PRAGUE).call(data, to=to, gas=gas)
    return result.output, gas - result.gas_left


def test_signature_of_a_telephone_is_verified_for_6900_gas() -> None:
    assert call(P256_VERIFY, b"".join(signed())) == (TRUE, 6_900)


def test_other_half_of_a_signature_is_as_good() -> None:
    digest, r, s, x, y = signed()
    mirrored = word(P256_ORDER - int.from_bytes(s, "big"))
    assert call(P256_VERIFY, b"".join((digest, r, mirrored, x, y)))[0] == TRUE


@pytest.mark.parametrize("position", range(5), ids=["digest", "r", "s", "x", "y"])
@pytest.mark.parametrize("value", [0, 1, P256_ORDER, 2**256 - 1])
def test_anything_else_answers_nothing_for_the_same_gas(position: int, value: int) -> None:
    parts = signed()
    parts[position] = word(value)
    assert call(P256_VERIFY, b"".join(parts)) == (b"", 6_900)


@pytest.mark.parametrize("length", [0, 159, 161])
def test_call_data_of_another_length_answers_nothing(length: int) -> None:
    assert call(P256_VERIFY, b"".join(signed()).ljust(length, b"\0")[:length]) == (b"", 6_900)


def test_p256_is_a_plain_account_under_the_rules_of_prague() -> None:
    assert call(P256_VERIFY, b"".join(signed()), rules=PRAGUE) == (b"", 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**300), st.integers(0, 2**40), st.integers(0, 2**300), st.integers(0, 6), st.integers(0, 3))
def test_modular_power_is_that_of_plain_arithmetic(
    base: int, exponent: int, modulus: int, zeros: int, cut: int
) -> None:
    lengths = [(number.bit_length() + 7) // 8 + zeros for number in (base, exponent, modulus)]
    numbers = [
        number.to_bytes(length, "big") for number, length in zip((base, exponent, modulus), lengths, strict=True)
    ]
    data = b"".join(map(word, lengths)) + b"".join(numbers)
    cut = min(cut, lengths[2])
    # Call data that ends early goes on with zeros.
    shorter = data[: len(data) - cut]
    read = int.from_bytes(numbers[2][: lengths[2] - cut] + bytes(cut), "big")
    expected = pow(base, exponent, read).to_bytes(lengths[2], "big") if read else bytes(lengths[2])
    assert call(MODEXP, shorter, gas=10**7)[0] == expected


@pytest.mark.parametrize("number", [*range(1, 0x12), 0x100])
def test_every_precompile_counts_as_work_also_when_it_fails(number: int) -> None:
    meter = WorkMeter(WorkUnits(10**6))
    Evm(rules=SYCEE).call(bytes(192), to=Address(number.to_bytes(20, "big")), gas=10**6, meter=meter)
    assert meter.work_used >= 1


P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
BN_G1 = word(1) + word(2)
BN_G2 = b"".join(
    map(
        word,
        (
            11559732032986387107991004021392285783925812861821192530917403151452391805634,
            10857046999023057135944570762232829481370756359578518086990519993285655852781,
            4082367875863433681332203403145435568316851327593401208105741076214120093531,
            8495653923123431417604973247489272438418190587263600148770280649306958101930,
        ),
    )
)


def padded(encoded: bytes) -> bytes:
    return b"".join(bytes(16) + encoded[start : start + 48] for start in range(0, len(encoded), 48))


def g1(scalar: int) -> bytes:
    return padded((G1Point() * Scalar(scalar)).to_xy_bytes_be())


def g2(scalar: int) -> bytes:
    return padded((G2Point() * Scalar(scalar)).to_xy_bytes_be())


OFF_SUBGROUP = (
    bytes(63)
    + b"\x04"
    + bytes(16)
    + bytes.fromhex("0a989badd40d6212b33cffc3f3763e9bc760f988c9926b26da9dd85e928483446346b8ed00e1de5d5ea93e354abe706c")
)
"""On the curve of the first group, but not in its subgroup of prime order."""

SAME_AS_PY_EVM = {
    "sum of points": (6, BN_G1 + BN_G1),
    "point off the curve": (6, word(1) + word(3)),
    "multiple": (7, BN_G1 + word(2**255 + 5)),
    "pairing that is one": (8, BN_G1 + BN_G2 + word(1) + word(P - 2) + BN_G2),
    "pairing that is not": (8, BN_G1 + BN_G2),
    "no pairing": (8, b""),
    "half a pairing": (8, BN_G1),
    "compression": (9, (12).to_bytes(4, "big") + bytes(range(208)) + b"\x01"),
    "compression with a bad flag": (9, (12).to_bytes(4, "big") + bytes(range(208)) + b"\x02"),
    "BLS sum": (0x0B, g1(5) + g1(7)),
    "BLS sum to infinity": (0x0B, g1(5) + g1(GROUP_ORDER - 5)),
    "BLS sum with infinity": (0x0B, g1(5) + bytes(128)),
    "BLS sum off the subgroup": (0x0B, OFF_SUBGROUP + g1(7)),
    "BLS sum off the curve": (0x0B, g1(5) + bytes(64) + bytes(63) + b"\x01"),
    "BLS multiples": (0x0C, g1(5) + word(2**256 - 1) + g1(6) + word(3)),
    "BLS multiples off the subgroup": (0x0C, OFF_SUBGROUP + word(3)),
    "BLS multiples of nothing": (0x0C, b""),
    "BLS second sum": (0x0D, g2(5) + g2(7)),
    "BLS second sum off the curve": (0x0D, g2(5) + bytes(255) + b"\x01"),
    "BLS second multiples off the curve": (0x0E, bytes(255) + b"\x01" + word(1)),
    "BLS pairing off the curve": (0x0F, bytes(127) + b"\x01" + g2(6)),
    "BLS second multiples": (0x0E, g2(5) + word(2**255)),
    "BLS pairing that is one": (0x0F, g1(5) + g2(6) + g1(GROUP_ORDER - 30) + g2(1)),
    "BLS pairing that is not": (0x0F, g1(5) + g2(6)),
    "BLS pairing of infinity": (0x0F, bytes(128) + g2(6)),
    "BLS map": (0x10, bytes(16) + b"\x11" * 48),
    "BLS map of too much": (0x10, bytes(16) + b"\xff" * 48),
    "BLS map without padding": (0x10, b"\x01" * 64),
    "BLS second map": (0x11, (bytes(16) + b"\x11" * 48) * 2),
}


@pytest.mark.parametrize(("number", "data"), SAME_AS_PY_EVM.values(), ids=SAME_AS_PY_EVM)
def test_faster_precompile_answers_as_py_evm_does(number: int, data: bytes) -> None:
    gas = 1_000_000
    ours = Evm(rules=PRAGUE).call(data, to=Address(number.to_bytes(20, "big")), gas=gas)
    # Any: py-evm has its own name for twenty bytes.
    at: Any = number.to_bytes(20, "big")
    sender: Any = SENDER
    message = Message(gas=gas, to=at, sender=sender, value=0, data=data, code=b"")
    context = CancunTransactionContext(gas_price=0, origin=sender)
    theirs = PragueComputation.apply_message(make_their_state(), message, context)
    assert (ours.succeeded, ours.output, ours.gas_left) == (
        not theirs.is_error,
        theirs.output,
        theirs.get_gas_remaining(),
    )


def test_endless_compression_is_stopped_before_it_begins() -> None:
    rounds = (2**32 - 1).to_bytes(4, "big")
    with pytest.raises(WorkExhausted):
        Evm().call(
            rounds + bytes(208) + b"\x01",
            to=Address((9).to_bytes(20, "big")),
            gas=2**33,
            meter=WorkMeter(WorkUnits(250_000)),
        )
