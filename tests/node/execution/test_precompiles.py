"""Precompiles of our own: P-256 signatures, sender recovery, modular powers; and that all of them count as work."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import Address, WorkUnits
from node.execution.engine import PRAGUE, SYCEE
from node.execution.meter import WorkMeter
from tests.node.execution.evm import Evm

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
