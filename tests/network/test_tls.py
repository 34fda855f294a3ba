"""Pinning by public key alone, handshakes in memory."""

import ssl
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from network.errors import NotAllowed
from network.tls import TlsIdentity, client_context, peer_key_of_certificate, server_context, tls_identity
from tests.network.support import identity

ALICE, BOB, EVE = (identity(number)[0] for number in (1, 2, 3))


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Run a handshake in memory and return the server's and the client's end."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    far = server.wrap_bio(to_server, to_client, server_side=True)
    near = client.wrap_bio(to_client, to_server, server_side=False)
    for _ in range(4):
        for end in (near, far):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    return far, near


def test_both_ends_know_each_other_from_public_keys_alone() -> None:
    far, near = shake(server_context(ALICE, [BOB.key]), client_context(BOB, [ALICE.key]))
    assert far.version() == near.version() == "TLSv1.3"
    assert peer_key_of_certificate(far.getpeercert(binary_form=True)) == BOB.key
    assert peer_key_of_certificate(near.getpeercert(binary_form=True)) == ALICE.key
    assert not near.session_reused


def test_a_client_that_is_not_listed_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server_context(ALICE, [BOB.key]), client_context(EVE, [ALICE.key]))


def test_a_server_that_is_not_listed_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server_context(EVE, [BOB.key]), client_context(BOB, [ALICE.key]))


def test_nobody_is_trusted_by_an_empty_list() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server_context(ALICE, []), client_context(BOB, [ALICE.key]))


def forged_by_eve(issuer_of: TlsIdentity) -> TlsIdentity:
    """Return Eve's key in a certificate that names the anchor of somebody else."""
    theirs = x509.load_pem_x509_certificate(issuer_of.certificate_pem)
    own = x509.load_pem_x509_certificate(EVE.certificate_pem)
    key = Ed25519PrivateKey.from_private_bytes(EVE.seed)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own.subject)
        .issuer_name(theirs.issuer)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
    )
    return replace(EVE, certificate_pem=builder.sign(key, None).public_bytes(Encoding.PEM))


def test_a_certificate_that_only_names_an_allowed_key_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server_context(ALICE, [BOB.key]), client_context(forged_by_eve(BOB), [ALICE.key]))


def test_the_certificate_of_another_is_useless_without_its_key() -> None:
    with pytest.raises(ssl.SSLError):
        client_context(replace(EVE, certificate_pem=BOB.certificate_pem), [ALICE.key])


def test_equal_keys_give_equal_certificates_that_do_not_expire() -> None:
    assert tls_identity(ALICE.seed) == ALICE
    certificate = x509.load_pem_x509_certificate(ALICE.certificate_pem)
    assert certificate.not_valid_after_utc.year == 9999
    assert ALICE.seed.hex() not in repr(ALICE)


def test_a_missing_certificate_is_nobody() -> None:
    with pytest.raises(NotAllowed):
        peer_key_of_certificate(None)


@pytest.mark.parametrize("der", [b"", b"\x30", bytes(100)], ids=["nothing", "truncated", "noise"])
def test_an_unreadable_certificate_is_nobody(der: bytes) -> None:
    with pytest.raises(NotAllowed):
        peer_key_of_certificate(der)


def test_a_key_vouched_for_by_an_allowed_one_passes_tls_and_is_told_apart_afterwards() -> None:
    """Why the raw key is compared: an anchor could sign for others."""
    bob = x509.load_pem_x509_certificate(BOB.certificate_pem)
    builder = (
        x509.CertificateBuilder()
        .subject_name(bob.subject)
        .issuer_name(bob.issuer)
        .public_key(Ed25519PrivateKey.from_private_bytes(EVE.seed).public_key())
        .serial_number(7)
        .not_valid_before(bob.not_valid_before_utc)
        .not_valid_after(bob.not_valid_after_utc)
    )
    certificate = builder.sign(Ed25519PrivateKey.from_private_bytes(BOB.seed), None)
    vouched = replace(EVE, certificate_pem=certificate.public_bytes(Encoding.PEM))
    far, _ = shake(server_context(ALICE, [BOB.key]), client_context(vouched, [ALICE.key]))
    assert peer_key_of_certificate(far.getpeercert(binary_form=True)) == EVE.key
