"""TLS for the mesh: node certificates and contexts that know exactly the allowed peers.

The one door to `cryptography`. Peers are pinned by their raw 32-byte ed25519 public key, and nothing else has to be
exchanged: a node signs its certificate with its own key and names as issuer an *anchor* whose name is derived from that
key. Whoever knows the public key builds the same anchor, a certificate authority with that name and that key, and
trusts it. OpenSSL takes an anchor from the trust store as given and never checks the anchor's own signature, so anybody
may make that one; the signature that counts is the node's, under the pinned key, and TLS 1.3 proves possession.
An anchor could sign a certificate for another key, so the raw key is compared once more after the handshake.

Never falls back: TLS 1.3, both sides authenticated, no tickets, no resumption, no early data.
"""

import secrets
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from network.errors import NotAllowed
from network.transport import PEER_KEY_BYTES, PeerKey

TLS_SEED_BYTES = 32
"""Bytes of a private TLS key (RFC 8032)."""

# Certificates never expire: a key is retired by the registry. Fixed dates make a certificate a function of its key.
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_UNTIL = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # "no expiry" of RFC 5280, 4.1.2.5

_ANCHOR_SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(TLS_SEED_BYTES))
"""Signs anchors, which must carry some signature that nobody checks; public on purpose."""


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """A node's own TLS key and its certificate."""

    key: PeerKey
    """Raw public key; what the registry holds."""
    seed: bytes
    """Raw private key, 32 bytes. Secret."""
    certificate_pem: bytes
    """The certificate shown to peers; a function of the key."""

    def __repr__(self) -> str:
        return f"TlsIdentity(key=0x{self.key.hex()})"


def generate_tls_seed() -> bytes:
    """Return a new private TLS key of 32 random bytes."""
    return secrets.token_bytes(TLS_SEED_BYTES)


def tls_identity(seed: bytes) -> TlsIdentity:
    """Return the identity of the private key `seed` (32 bytes). Equal seeds give equal certificates."""
    private_key = Ed25519PrivateKey.from_private_bytes(seed)
    public_key = private_key.public_key()
    key = PeerKey(public_key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    builder = _builder(public_key, subject=_name("Sycee node"), issuer=_anchor_name(key), is_anchor=False)
    certificate = builder.sign(private_key, None)
    return TlsIdentity(key=key, seed=seed, certificate_pem=certificate.public_bytes(Encoding.PEM))


def server_context(own: TlsIdentity, peers: Iterable[PeerKey]) -> ssl.SSLContext:
    """Return the context of a listener that exactly `peers` may connect to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # No tickets: a resumed session would skip the check of the certificate.
    context.num_tickets = 0
    return _pinned(context, own, peers)


def client_context(own: TlsIdentity, peers: Iterable[PeerKey]) -> ssl.SSLContext:
    """Return the context with which exactly `peers` may be dialled."""
    return _pinned(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), own, peers)


def peer_key_of_certificate(der: bytes | None) -> PeerKey:
    """Return the raw public key of a peer's certificate in DER.

    Raises: NotAllowed if there is no certificate, it cannot be read, or its key is not ed25519.
    """
    if der is None:
        raise NotAllowed(b"")
    try:
        public_key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotAllowed(b"") from error
    if not isinstance(public_key, Ed25519PublicKey):
        raise NotAllowed(b"")
    return PeerKey(public_key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _pinned(context: ssl.SSLContext, own: TlsIdentity, peers: Iterable[PeerKey]) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    # Anchors are not self-issued, so the chain ends at something that is trusted for itself.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    _load_own(context, own)
    anchors = b"".join(_anchor_der(key) for key in sorted(set(peers)))
    if anchors:
        context.load_verify_locations(cadata=anchors)
    return context


def _load_own(context: ssl.SSLContext, own: TlsIdentity) -> None:
    """Give the context its key. The library reads files only, so the key passes through one, encrypted."""
    password = secrets.token_hex(TLS_SEED_BYTES).encode("ascii")
    private_pem = Ed25519PrivateKey.from_private_bytes(own.seed).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
    )
    with tempfile.TemporaryDirectory(prefix="sycee-tls-") as folder:
        path = Path(folder) / "own.pem"
        path.write_bytes(own.certificate_pem + private_pem)
        context.load_cert_chain(path, password=password)


def _anchor_der(key: PeerKey) -> bytes:
    assert len(key) == PEER_KEY_BYTES
    public_key = Ed25519PublicKey.from_public_bytes(key)
    builder = _builder(public_key, subject=_anchor_name(key), issuer=_name("Sycee registry"), is_anchor=True)
    return builder.sign(_ANCHOR_SIGNER, None).public_bytes(Encoding.DER)


def _anchor_name(key: PeerKey) -> x509.Name:
    return _name(key.hex())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    public_key: Ed25519PublicKey, *, subject: x509.Name, issuer: x509.Name, is_anchor: bool
) -> x509.CertificateBuilder:
    raw = public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    # At most 16 bytes and never zero: RFC 5280 wants a positive serial number of at most 20 bytes.
    serial = 1 + int.from_bytes(sha256(raw).digest()[:15], "big")
    usage = x509.KeyUsage(
        digital_signature=not is_anchor,
        key_cert_sign=is_anchor,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=is_anchor, path_length=0 if is_anchor else None), critical=True)
        .add_extension(usage, critical=True)
    )
