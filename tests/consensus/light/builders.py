"""A small network with real keys: genesis document, headers, certificates. Deterministic, so vectors stay the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nacl.signing import SigningKey

from consensus.chain.genesis import GenesisDocument, GenesisValidator, document_hash, encode_genesis
from consensus.chain.header import NO_REQUESTS_HASH, Header, block_hash_of, encode_header
from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.light.trust import TrustedState
from consensus.light.verify import genesis_set_payload, trust_genesis
from consensus.primitives.hashing import keccak256, sha256
from consensus.primitives.scalars import (
    ZERO_HASH,
    Address,
    Epoch,
    Hash32,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)
from consensus.simplex.messages import Certificate, Kind, SigningDomain, Statement, encode_certificate, sign_bytes
from consensus.simplex.validators import Validator, next_set_requests_hash

CHAIN_ID = 23790
START_MS = TimestampMs(1_790_000_000_000)
VALIDATOR_COUNT = 4
QUORUM = 3


def signing_keys(count: int = VALIDATOR_COUNT, domain: bytes = b"validator") -> list[SigningKey]:
    """Return keys in the order of their validators."""
    keys = [SigningKey(sha256(domain + bytes((number,)))) for number in range(count)]
    return sorted(keys, key=lambda key: bytes(key.verify_key))


KEYS = signing_keys()


def make_document(keys: Sequence[SigningKey] = KEYS) -> GenesisDocument:
    return GenesisDocument(
        chain_id=CHAIN_ID,
        name="testnet",
        timestamp_ms=START_MS,
        governor=Address(b"\x0f" * 20),
        parameters=(),
        validators=tuple(
            GenesisValidator(
                name=f"v{number}",
                operator=Address(keccak256(bytes(key.verify_key))[:20]),
                consensus_key=bytes(key.verify_key),
                tls_key=sha256(b"tls" + bytes(key.verify_key)),
                attestation_key=sha256(b"attest" + bytes(key.verify_key)),
                endpoints=(f"127.0.0.1:{30_000 + number}",),
            )
            for number, key in enumerate(keys)
        ),
        currencies=(),
    )


def validator_of(key: SigningKey) -> Validator:
    """Return what a set says of the validator with a consensus key."""
    public = bytes(key.verify_key)
    operator = Address(keccak256(public)[:20])
    return Validator(public, sha256(b"tls" + public), sha256(b"attest" + public), operator, sha256(b"endpoints"))


def genesis_header_of(document: GenesisDocument, state_root: Hash32 = EMPTY_TRIE_ROOT) -> Header:
    return Header(
        parent_hash=ZERO_HASH,
        leader=Address(bytes(20)),
        state_root=state_root,
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bytes(256),
        height=Height(0),
        gas_limit=30_000_000,
        gas_used=0,
        timestamp_ms=document.timestamp_ms,
        epoch=Epoch(0),
        view=View(0),
        previous_randao=document_hash(encode_genesis(document)),
        requests_hash=next_set_requests_hash(genesis_set_payload(document)),
    )


def child_of(parent: Header, *, view: int | None = None, step_ms: int = 1_000) -> Header:
    return replace(
        parent,
        parent_hash=block_hash_of(encode_header(parent)),
        height=Height(parent.height + 1),
        timestamp_ms=TimestampMs(parent.timestamp_ms + step_ms),
        view=View(parent.view + 1 if view is None else view),
        previous_randao=keccak256(block_hash_of(encode_header(parent))),
        requests_hash=NO_REQUESTS_HASH,
    )


def certificate_of(
    header: Header,
    *,
    domain: SigningDomain,
    signers: Sequence[int] = (0, 1, 2),
    keys: Sequence[SigningKey] = KEYS,
    kind: Kind = Kind.FINALIZE,
    view: int | None = None,
    epoch: int | None = None,
) -> bytes:
    """Return the wire certificate on `header` with real signatures by `signers`, however few they are."""
    statement = Statement(
        kind,
        header.epoch if epoch is None else Epoch(epoch),
        header.view if view is None else View(view),
        View(max(0, header.view - 1)),
        block_hash_of(encode_header(header)),
    )
    message = sign_bytes(domain, statement)
    bitmap = bytearray((len(keys) + 7) // 8)
    for signer in signers:
        bitmap[signer >> 3] |= 1 << (signer & 7)
    signatures = tuple(keys[ValidatorIndex(signer)].sign(message).signature for signer in signers)
    return encode_certificate(Certificate(statement, bytes(bitmap), signatures))


@dataclass(frozen=True, slots=True)
class Network:
    """Genesis and what a light client believes of it."""

    document: GenesisDocument
    genesis: Header
    domain: SigningDomain
    trusted: TrustedState


def make_network(state_root: Hash32 = EMPTY_TRIE_ROOT) -> Network:
    document = make_document()
    genesis = genesis_header_of(document, state_root)
    header_rlp = encode_header(genesis)
    trusted = trust_genesis(
        chain_id=CHAIN_ID,
        document_hash=document_hash(encode_genesis(document)),
        payload=genesis_set_payload(document),
        header_rlp=header_rlp,
        accepted_ms=START_MS,
    )
    return Network(document, genesis, SigningDomain(CHAIN_ID, block_hash_of(header_rlp)), trusted)
