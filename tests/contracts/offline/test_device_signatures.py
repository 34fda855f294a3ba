"""Devices sign with secp256k1 or P-256, in one spelling each."""

from dataclasses import dataclass

import pytest

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from consensus.primitives.signatures import P256_ORDER, SECP256K1_ORDER, address_of_private_key
from contracts.offline.device_signatures import P256, SECP256K1, verify_any_signature, verify_device_signature
from contracts.offline.errors import BadSignature, HighS, RuleBroken, UnknownSigAlg
from tests.wallet_cli.offline.builders import key_of, p256_address, sign, sign_p256

DIGEST = keccak256(b"digest")


@dataclass(frozen=True)
class Device:
    sig_alg: int
    address: Address
    signature: bytes
    order: int


DEVICES = (
    Device(SECP256K1, address_of_private_key(key_of("a")), sign(key_of("a"), DIGEST), SECP256K1_ORDER),
    Device(P256, p256_address("a"), sign_p256("a", DIGEST), P256_ORDER),
)
BOTH = pytest.mark.parametrize("device", DEVICES, ids=["secp256k1", "P-256"])


@BOTH
def test_signature_is_accepted(device: Device) -> None:
    verify_device_signature(DIGEST, device.signature, signer=device.address, sig_alg=device.sig_alg)
    verify_any_signature(DIGEST, device.signature, signer=device.address)


@BOTH
def test_every_flipped_byte_is_refused(device: Device) -> None:
    for at in range(len(device.signature)):
        changed = bytearray(device.signature)
        changed[at] ^= 1
        with pytest.raises(RuleBroken):
            verify_device_signature(DIGEST, bytes(changed), signer=device.address, sig_alg=device.sig_alg)


@BOTH
def test_another_digest_signer_or_algorithm_is_refused(device: Device) -> None:
    with pytest.raises(BadSignature):
        verify_device_signature(keccak256(b"x"), device.signature, signer=device.address, sig_alg=device.sig_alg)
    with pytest.raises(BadSignature):
        verify_any_signature(DIGEST, device.signature, signer=Address(bytes(20)))
    with pytest.raises(BadSignature):
        verify_device_signature(DIGEST, device.signature, signer=device.address, sig_alg=3 - device.sig_alg)
    with pytest.raises(UnknownSigAlg):
        verify_device_signature(DIGEST, device.signature, signer=device.address, sig_alg=3)


@BOTH
def test_high_s_is_refused(device: Device) -> None:
    s = device.order - int.from_bytes(device.signature[32:64], "big")
    changed = device.signature[:32] + s.to_bytes(32, "big") + device.signature[64:]
    if device.sig_alg == SECP256K1:
        changed = changed[:64] + bytes((55 - changed[64],))
    with pytest.raises(HighS):
        verify_device_signature(DIGEST, changed, signer=device.address, sig_alg=device.sig_alg)


@BOTH
def test_half_of_the_order_is_the_largest_s(device: Device) -> None:
    # The orders are odd: half of one, rounded down, is the last low s.
    for s, error in ((device.order // 2, BadSignature), (device.order // 2 + 1, HighS)):
        changed = device.signature[:32] + s.to_bytes(32, "big") + device.signature[64:]
        with pytest.raises(error):
            verify_device_signature(DIGEST, changed, signer=device.address, sig_alg=device.sig_alg)


def test_other_lengths_are_no_signature() -> None:
    for length in (0, 64, 66, 127, 129):
        with pytest.raises(BadSignature):
            verify_any_signature(DIGEST, bytes(length), signer=DEVICES[0].address)
