"""Real values of every format, made by the encoders of production, from which hostile inputs are made."""

import json
from functools import cache

from consensus.chain.block import encode_body
from consensus.chain.genesis import encode_genesis
from consensus.chain.header import encode_header
from consensus.chain.receipt import Log, Receipt, encode_receipt
from consensus.light.verify import genesis_set_payload
from consensus.primitives.hashing import keccak256, sha256
from consensus.primitives.rlp_codec import RlpItem, encode, encode_uint
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, ValidatorIndex, View
from consensus.primitives.signatures import sign_secp256k1
from consensus.simplex.messages import (
    Certificate,
    Proposal,
    Status,
    encode_certificate,
    encode_proposal,
    encode_statement,
    encode_status,
    encode_vote,
)
from tests.consensus.light.builders import child_of, genesis_header_of, make_document
from tests.consensus.simplex.keys import certificate, finalize, notarize, nullify, validator_set, vote
from tests.node.execution.ledger import ALICE_KEY, BOB, BOB_KEY, document, raw_payment

CHAIN_ID = 7_001
VALIDATORS = validator_set(4)


@cache
def transactions() -> tuple[bytes, ...]:
    """Return signed transactions of types 0, 1 and 2: payments, a creation, an access list."""
    return (
        _legacy(ALICE_KEY, data=b"", to=BOB),
        _legacy(BOB_KEY, data=b"\x60\x00" * 40, to=None),
        _access_list(ALICE_KEY, [[bytes(BOB), [bytes(32), b"\xff" * 32]], [bytes(20), []]]),
        raw_payment(ALICE_KEY, 0, BOB, 5),
        raw_payment(BOB_KEY, 2**64 - 2, BOB, 2**128 - 1),
    )


def _legacy(key: bytes, *, data: bytes, to: Address | None) -> bytes:
    fields: list[bytes] = [b"", b"\x07", b"\x01\x86\xa0", to or b"", b"", data]
    digest = keccak256(encode([*fields, CHAIN_ID.to_bytes(2, "big"), b"", b""]))
    r, s, y_parity = sign_secp256k1(key, digest)
    v = 35 + 2 * CHAIN_ID + y_parity
    return encode([*fields, _big(v), _big(r), _big(s)])


def _access_list(key: bytes, access_list: RlpItem) -> bytes:
    fields: list[RlpItem] = [_big(CHAIN_ID), b"", b"\x07", b"\x01\x86\xa0", bytes(BOB), b"\x01", b"memo", access_list]
    r, s, y_parity = sign_secp256k1(key, keccak256(b"\x01" + encode(fields)))
    return b"\x01" + encode([*fields, _big(y_parity), _big(r), _big(s)])


def _big(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


@cache
def headers() -> tuple[bytes, ...]:
    """Return the RLP of a genesis header and three descendants."""
    header = genesis_header_of(make_document())
    found = [encode_header(header)]
    for _ in range(3):
        header = child_of(header)
        found.append(encode_header(header))
    return tuple(found)


@cache
def bodies() -> tuple[bytes, ...]:
    """Return bodies of no, one and several transactions."""
    return (encode_body(()), encode_body(transactions()[:1]), encode_body(transactions()))


@cache
def receipts() -> tuple[bytes, ...]:
    """Return receipts with and without logs, of types 0 to 2."""
    log = Log(BOB, (Hash32(sha256(b"event")), Hash32(bytes(32))), b"\x00" * 31 + b"\x05")
    bare = Log(Address(bytes(20)), (), b"")
    return tuple(
        encode_receipt(receipt)
        for receipt in (
            Receipt(0, True, 21_000, ()),
            Receipt(1, False, 2**64 - 1, ()),
            Receipt(2, True, 52_000, (log, log, bare)),
        )
    )


@cache
def geneses() -> tuple[bytes, ...]:
    """Return genesis documents without and with currencies."""
    return (encode_genesis(make_document()), encode_genesis(document(parameters=(("block_gas_limit", 30_000_000),))))


@cache
def rlp_items() -> tuple[bytes, ...]:
    """Return RLP of every shape: strings around the length forms, nested lists, what the ledger holds."""
    strings: list[RlpItem] = [b"", b"\x00", b"\x7f", b"\x80", bytes(55), bytes(56), bytes(256)]
    shapes: list[RlpItem] = [*strings, [], [[]], [[b"a", [b""]], b"\x01"]]
    return (*(encode(shape) for shape in shapes), *headers()[:1], receipts()[2][1:], encode_uint(2**256 - 1))


@cache
def certificates() -> tuple[Certificate, ...]:
    """Return a certificate of each kind, one of them by ten validators."""
    digest = Hash32(keccak256(headers()[1]))
    return (
        certificate(VALIDATORS, notarize(2, 1, digest)),
        certificate(VALIDATORS, nullify(3)),
        certificate(VALIDATORS, nullify(4)),
        certificate(VALIDATORS, finalize(2, 1, digest)),
        certificate(validator_set(10), finalize(7, 3, digest)),
    )


@cache
def votes() -> tuple[bytes, ...]:
    """Return a vote of each kind."""
    digest = Hash32(keccak256(headers()[1]))
    statements = (notarize(2, 1, digest), nullify(3), finalize(2**63, 2**63 - 1, digest))
    return tuple(encode_vote(vote(4, signer, statement)) for signer, statement in enumerate(statements))


@cache
def statements() -> tuple[bytes, ...]:
    """Return the statements of the certificates."""
    return tuple(encode_statement(found.statement) for found in certificates())


@cache
def encoded_certificates() -> tuple[bytes, ...]:
    """Return the certificates' wire bytes."""
    return tuple(encode_certificate(found) for found in certificates())


@cache
def proposals() -> tuple[bytes, ...]:
    """Return a proposal on view 0 and one over two nullified views."""
    notarization, third, fourth, _, _ = certificates()
    first = Proposal(vote(4, 1, notarize(1, 0, Hash32(keccak256(headers()[1])))), headers()[1], 1, None, ())
    digest = Hash32(keccak256(headers()[2]))
    later = Proposal(vote(4, 1, notarize(5, 2, digest)), headers()[2], 2**21, notarization, (third, fourth))
    return (encode_proposal(first), encode_proposal(later))


@cache
def statuses() -> tuple[bytes, ...]:
    """Return a status without and with the certificate that proves its view."""
    bare = Status(
        is_resuming=False,
        is_syncing=True,
        final_epoch=Epoch(0),
        final_view=View(3),
        final_height=Height(3),
        final_hash=Hash32(sha256(b"block")),
        height_oldest=Height(0),
        nonce=bytes(32),
        view=View(1),
        signer=ValidatorIndex(2),
        signature=b"\x55" * 64,
        entry=None,
    )
    proven = Status(
        is_resuming=True,
        is_syncing=False,
        final_epoch=Epoch(2**64 - 1),
        final_view=View(2**64 - 1),
        final_height=Height(2**64 - 1),
        final_hash=Hash32(bytes(32)),
        height_oldest=Height(1),
        nonce=b"\xff" * 32,
        view=View(4),
        signer=ValidatorIndex(65_535),
        signature=bytes(64),
        entry=certificates()[1],
    )
    return (encode_status(bare), encode_status(proven))


@cache
def set_payloads() -> tuple[bytes, ...]:
    """Return the validator sets of the sample networks."""
    return (genesis_set_payload(make_document()), genesis_set_payload(document()))


def canonical_json(value: object) -> bytes:
    """Return `value` as the node writes its files."""
    return json.dumps(value, indent=2).encode() + b"\n"
