"""Proves and checks that a link ends at the validator whose TLS key it shows.

The consensus key stands behind the TLS key by the registry alone: by what the chain says of this epoch and the one
before, and of observers. A proof names no epoch, because the two ends of a link need not be in the same one.
"""

from collections.abc import Callable, Iterable

from consensus.primitives.signatures import is_valid_ed25519
from consensus.simplex.messages import SigningDomain, hello_statement, sign_bytes
from consensus.simplex.validators import Validator
from network.hello import PROTOCOL_VERSION, ValidatorProof
from node.validator.signer import GuardedSigner


class LinkProofs:
    """The two functions a handshake needs of a validator."""

    def __init__(
        self, signer: GuardedSigner, domain: SigningDomain, registered: Callable[[], Iterable[Validator]]
    ) -> None:
        """`registered` are all validators that may open links now."""
        self._signer = signer
        self._domain = domain
        self._registered = registered

    def sign(self, *, own_tls_key: bytes, peer_tls_key: bytes, peer_nonce: bytes) -> ValidatorProof:
        """Prove this end of a link."""
        statement = hello_statement(
            protocol=PROTOCOL_VERSION, own_tls_key=own_tls_key, peer_tls_key=peer_tls_key, nonce=peer_nonce
        )
        return ValidatorProof(self._signer.sign_unguarded(statement))

    def verify(self, proof: ValidatorProof, *, signer_tls_key: bytes, own_tls_key: bytes, own_nonce: bytes) -> bool:
        """Check the other end of a link: any consensus key registered with its TLS key will do."""
        statement = hello_statement(
            protocol=PROTOCOL_VERSION, own_tls_key=signer_tls_key, peer_tls_key=own_tls_key, nonce=own_nonce
        )
        message = sign_bytes(self._domain, statement)
        return any(
            validator.tls_key == signer_tls_key and is_valid_ed25519(validator.consensus_key, message, proof.signature)
            for validator in self._registered()
        )
