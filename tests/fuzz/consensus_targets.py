"""What validators sign, what proves finality, and the checks of both."""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from consensus.chain.header import block_hash_of, encode_header
from consensus.light.trust import LightError, MalformedEvidence
from consensus.light.verify import (
    verify_account,
    verify_final_proof,
    verify_handoff,
    verify_receipt,
    verify_storage_slot,
)
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, ValidatorIndex, View
from consensus.simplex.admission import Admission, Misbehaviour
from consensus.simplex.certificates import InvalidCertificate, verify_certificate
from consensus.simplex.messages import (
    Certificate,
    Kind,
    MalformedConsensusMessage,
    Statement,
    Vote,
    decode_certificate,
    decode_proposal,
    decode_statement,
    decode_status,
    decode_vote,
    encode_certificate,
    encode_proposal,
    encode_statement,
    encode_status,
    encode_vote,
    sign_bytes,
)
from consensus.simplex.records import MalformedRecord, RecordType, decode_record, encode_record
from consensus.simplex.validators import (
    InvalidValidatorSet,
    ValidatorSet,
    decode_set_payload,
    encode_set_payload,
    next_set_requests_hash,
)
from node.chain.header_facts import read_header
from tests.consensus.light.builders import KEYS, certificate_of, child_of, make_network
from tests.consensus.light.tries import Trie
from tests.consensus.simplex.keys import DOMAIN, signature, validator_set
from tests.fuzz import samples
from tests.fuzz.mutators import HOSTILE_INTEGERS, Tree, fields_mutator, mutate_bytes, mutate_rlp, read_tree, write_tree
from tests.fuzz.promise import Bound, Target

STATEMENT_FIELDS = ((0, 1), (1, 8), (9, 8), (17, 8), (25, 8))
SIGNATURE_STEPS = Bound(6_000, 40)
"""A certificate of ten costs ten signature checks, each a handful of calls."""


class _Everything:
    """A machine that still has use for everything, so that nothing is dropped before it is checked."""

    validators = samples.VALIDATORS

    def wants_vote(self, statement: Statement, signer: ValidatorIndex) -> bool:
        return True

    def wants_certificate(self, statement: Statement) -> bool:
        return True

    def wants_proposal(self, statement: Statement) -> bool:
        return True

    def has_signature(self, statement: Statement, signer: ValidatorIndex, signature: bytes) -> bool:
        return False


ADMISSION = Admission(DOMAIN, _Everything(), read_header)


def _drawn_statement(drawn: random.Random, old: Statement) -> Statement:
    near = (old.view, old.view + 1, max(0, old.view - 1), *HOSTILE_INTEGERS)
    match drawn.randrange(5):
        case 0:
            return replace(old, kind=drawn.choice(list(Kind)))
        case 1:
            return replace(old, epoch=Epoch(drawn.choice(HOSTILE_INTEGERS)))
        case 2:
            return replace(old, view=View(drawn.choice(near)))
        case 3:
            return replace(old, parent_view=View(drawn.choice(near)))
        case _:
            return replace(old, digest=Hash32(drawn.choice((bytes(32), b"\xff" * 32, old.digest))))


def _signed_vote(drawn: random.Random, old: Vote) -> Vote:
    statement = _drawn_statement(drawn, old.statement)
    signer = drawn.randrange(4)
    claimed = drawn.choice((signer, signer, signer, 4, 65_535))
    return Vote(statement, ValidatorIndex(claimed), signature(4, signer, statement))


def _signed_certificate(drawn: random.Random, old: Certificate) -> Certificate:
    """Return a certificate whose signatures are right, by whomever."""
    statement = _drawn_statement(drawn, old.statement) if drawn.random() < 0.7 else old.statement
    signers = drawn.choice(((0, 1, 2), (0, 1, 2), (1, 2, 3), (0, 1), (0, 1, 2, 3), (0, 0, 1)))
    bitmap = drawn.choice((sum(1 << signer for signer in set(signers)), 7, 0xFF, 0x70)).to_bytes(1, "big")
    bitmap += drawn.choice((b"", b"", b"", b"\x00"))
    count = sum(byte.bit_count() for byte in bitmap)
    signatures = [signature(4, signer, statement) for signer in signers]
    return Certificate(statement, bitmap, tuple((signatures * 8)[:count]))


def mutate_signed_vote(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a vote that says something strange and is signed for it."""
    if drawn.random() < 0.3:
        return mutate_bytes(drawn, seeds)
    return encode_vote(_signed_vote(drawn, decode_vote(drawn.choice(seeds))))


def mutate_signed_certificate(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a certificate that says something strange, with real signatures."""
    if drawn.random() < 0.3:
        return mutate_bytes(drawn, seeds)
    return encode_certificate(_signed_certificate(drawn, decode_certificate(drawn.choice(seeds))))


def mutate_signed_proposal(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a proposal with a hostile part, signed by the leader of its view for the header it carries."""
    if drawn.random() < 0.2:
        return mutate_bytes(drawn, seeds)
    old = decode_proposal(drawn.choice(seeds))
    header, parent, nullifications = old.header, old.parent_certificate, list(old.nullifications)
    statement = old.vote.statement
    match drawn.randrange(5):
        case 0:
            header = mutate_rlp(drawn, [header])[:2_100]
        case 1:
            parent = drawn.choice((None, _signed_certificate(drawn, samples.certificates()[0])))
        case 2:
            nullifications = [_signed_certificate(drawn, samples.certificates()[1])] * drawn.choice((1, 2, 32, 33))
        case 3:
            nullifications = nullifications[: drawn.randint(0, 1)]
        case _:
            statement = _drawn_statement(drawn, statement)
    if drawn.random() < 0.9:
        statement = replace(statement, digest=keccak256(header))
    leader = samples.VALIDATORS.leader(statement.view)
    vote = Vote(statement, leader, signature(4, leader, statement))
    body_bytes = drawn.choice((old.body_bytes, 0, 2**32 - 1))
    return encode_proposal(replace(old, vote=vote, header=header, body_bytes=body_bytes, parent_certificate=parent,
                                   nullifications=tuple(nullifications)))  # fmt: skip


def _round(decode: Callable[[bytes], object], encode_again: Callable[..., bytes]) -> Callable[[bytes], bytes]:
    return lambda data: encode_again(decode(data))


def _admit_vote(data: bytes) -> bytes | None:
    admitted = ADMISSION.admit_vote(data)
    assert admitted is not None
    return encode_vote(admitted.value)


def _admit_certificate(data: bytes) -> bytes | None:
    admitted = ADMISSION.admit_certificate(data)
    assert admitted is not None
    return encode_certificate(admitted.value)


def _admit_proposal(data: bytes) -> bytes | None:
    admitted = ADMISSION.admit_proposal(data)
    assert admitted is not None
    return encode_proposal(admitted[0].value)


def _ten() -> ValidatorSet:
    return validator_set(10)


def _verify(data: bytes) -> bytes:
    certificate = decode_certificate(data)
    verify_certificate(DOMAIN, _ten(), certificate)
    return encode_certificate(certificate)


def _record(data: bytes) -> bytes:
    if not data or data[0] not in set(RecordType) - {RecordType.BODY}:
        raise MalformedConsensusMessage("no such type")
    found, payload = encode_record(decode_record(RecordType(data[0]), data[1:]))
    return bytes((found,)) + payload


def _records() -> list[bytes]:
    digest = bytes(range(32))
    return [
        b"\x01" + samples.statements()[0],
        b"\x02" + samples.encoded_certificates()[0],
        b"\x03" + block_hash_of(samples.headers()[1]) + samples.headers()[1],
        b"\x05" + digest + b"\x00",
        b"\x05" + digest + b"\x01",
        b"\x06" + bytes(7) + b"\x01" + digest,
        b"\x07" + b"\xff" * 16,
        b"\x09" + b"\x44" * 32 + b"\x01",
    ]


_NETWORK = make_network()
_NEXT_SET = encode_set_payload(Epoch(1), _NETWORK.trusted.validators.validators)
_ADDRESS = Address(b"\xaa" * 20)


def _bundle(*parts: bytes | Sequence[bytes]) -> bytes:
    """Write the parts of a proof as one input."""
    return write_tree([part if isinstance(part, bytes) else list(part) for part in parts])


def _parts(data: bytes, count: int) -> list[Tree]:
    """Return the parts of a proof. Raises: MalformedEvidence if the input is no bundle of so many."""
    tree = read_tree(data)
    if not isinstance(tree, list) or len(tree) != count:
        raise MalformedEvidence("bundle", "not of this many parts")
    return tree


def _bytes(part: Tree) -> bytes:
    if not isinstance(part, bytes):
        raise MalformedEvidence("bundle", "a list where bytes belong")
    return part


def _list(part: Tree) -> list[bytes]:
    if isinstance(part, bytes):
        raise MalformedEvidence("bundle", "bytes where a list belongs")
    return [_bytes(item) for item in part]


def _final_proofs() -> list[bytes]:
    first = child_of(_NETWORK.genesis)
    second = child_of(first)
    finals = [certificate_of(header, domain=_NETWORK.domain) for header in (first, second)]
    encoded = [encode_header(header) for header in (first, second)]
    return [_bundle(encoded[0], [], finals[0]), _bundle(encoded[0], [encoded[1]], finals[1])]


def _handoffs() -> list[bytes]:
    last = replace(child_of(_NETWORK.genesis), requests_hash=next_set_requests_hash(_NEXT_SET))
    return [_bundle(encode_header(last), _NEXT_SET, certificate_of(last, domain=_NETWORK.domain))]


def _finalized(header_rlp: bytes, view: int) -> bytes:
    """Return a finalization by a quorum for whatever bytes stand for a header."""
    statement = Statement(Kind.FINALIZE, Epoch(0), View(view), View(0), keccak256(header_rlp))
    message = sign_bytes(_NETWORK.domain, statement)
    return encode_certificate(Certificate(statement, b"\x07", tuple(key.sign(message).signature for key in KEYS[:3])))


def mutate_proof(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a bundle with a hostile part; mostly the validators sign what the header became."""
    tree = read_tree(drawn.choice(seeds))
    assert isinstance(tree, list)
    header, middle, final = tree
    assert isinstance(header, bytes)
    match drawn.randrange(4):
        case 0:
            return mutate_rlp(drawn, seeds)
        case 1:
            header = mutate_rlp(drawn, [header])
        case 2 if isinstance(middle, bytes):
            middle = mutate_bytes(drawn, [middle])
            header = replace_requests(header, middle)
        case 2:
            middle = [mutate_rlp(drawn, [header])] * drawn.choice((1, 2, 257))
        case _:
            assert isinstance(final, bytes)
            final = mutate_bytes(drawn, [final])
            return write_tree([header, middle, final])
    return write_tree([header, middle, _finalized(header, drawn.choice((1, 1, 2, 2**63)))])


def replace_requests(header_rlp: bytes, payload: bytes) -> bytes:
    """Return the header with another commitment to the next set."""
    return header_rlp[:-32] + next_set_requests_hash(payload)


def _final_proof(data: bytes) -> None:
    header, linking, finalization = _parts(data, 3)
    final = verify_final_proof(
        _NETWORK.trusted,
        header_rlp=_bytes(header),
        linking_headers=_list(linking),
        finalization=_bytes(finalization),
    )
    assert encode_header(final.header) == header


def _handoff(data: bytes) -> None:
    header, payload, finalization = _parts(data, 3)
    trusted = verify_handoff(
        _NETWORK.trusted, header_rlp=_bytes(header), payload=_bytes(payload), finalization=_bytes(finalization)
    )
    assert encode_set_payload(trusted.epoch, trusted.validators.validators) == payload


def _merkle_proofs() -> list[bytes]:
    """Return proofs of an account among many, alone, and absent from many."""
    account = write_tree([b"\x05", b"", b"\x11" * 32, b"\x22" * 32])
    entries: dict[bytes, bytes] = {keccak256(bytes((number,)) * 20): account for number in range(60)}
    crowded = Trie({**entries, keccak256(_ADDRESS): account})
    alone = Trie({keccak256(_ADDRESS): account})
    absent = Trie(entries)
    return [_bundle(trie.proof(keccak256(_ADDRESS))) for trie in (crowded, alone, absent)]


def mutate_merkle(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a proof with one hostile node, to which the nodes above it refer by its right hash."""
    tree = read_tree(drawn.choice(seeds))
    assert isinstance(tree, list)
    nodes = _list(tree[0])
    at = drawn.randrange(len(nodes))
    changed = mutate_rlp(drawn, nodes[at : at + 1])
    for above in range(at, -1, -1):
        old, nodes[above] = nodes[above], changed
        if above:
            changed = nodes[above - 1].replace(keccak256(old), keccak256(changed))
    match drawn.randrange(8):
        case 0:
            nodes = nodes * drawn.choice((2, 40))
        case 1:
            del nodes[-1]
    return _bundle(nodes)


def _merkle(data: bytes) -> None:
    """Read the same nodes as proof of an account, of a slot and of a receipt."""
    (nodes,) = _parts(data, 1)
    proof = _list(nodes)
    root = keccak256(proof[0]) if proof else keccak256(b"")
    for read in (
        lambda: verify_account(root, _ADDRESS, proof),
        lambda: verify_storage_slot(root, 0, proof),
        lambda: verify_receipt(replace(_FINAL, header=replace(_FINAL.header, receipts_root=root)), 0, b"\xc0", proof),
    ):
        with suppress(LightError):
            read()


_FIRST = child_of(_NETWORK.genesis)
_FINAL = verify_final_proof(
    _NETWORK.trusted,
    header_rlp=encode_header(_FIRST),
    linking_headers=(),
    finalization=certificate_of(_FIRST, domain=_NETWORK.domain),
)

MESSAGE = (MalformedConsensusMessage,)

TARGETS = (
    Target(
        "statement",
        "consensus.simplex.messages:decode_statement",
        samples.statements,
        fields_mutator(*STATEMENT_FIELDS),
        _round(decode_statement, encode_statement),
        MESSAGE,
    ),
    Target(
        "vote",
        "consensus.simplex.messages:decode_vote",
        samples.votes,
        fields_mutator(*STATEMENT_FIELDS, (57, 2)),
        _round(decode_vote, encode_vote),
        MESSAGE,
    ),
    Target(
        "certificate",
        "consensus.simplex.messages:decode_certificate",
        samples.encoded_certificates,
        fields_mutator(*STATEMENT_FIELDS, (57, 1), (58, 1)),
        _round(decode_certificate, encode_certificate),
        MESSAGE,
    ),
    Target(
        "proposal",
        "consensus.simplex.messages:decode_proposal",
        samples.proposals,
        fields_mutator(*STATEMENT_FIELDS, (123, 2), (-1, 1), (-3, 2)),
        _round(decode_proposal, encode_proposal),
        MESSAGE,
    ),
    Target(
        "status",
        "consensus.simplex.messages:decode_status",
        samples.statuses,
        fields_mutator((0, 1), (1, 8), (9, 8), (17, 8), (57, 8), (97, 8), (105, 2)),
        _round(decode_status, encode_status),
        MESSAGE,
    ),
    Target(
        "set-payload",
        "consensus.simplex.validators:decode_set_payload",
        samples.set_payloads,
        fields_mutator((0, 8), (8, 2), (10, 32), (158, 32)),
        lambda data: encode_set_payload(*decode_set_payload(data)),
        (InvalidValidatorSet,),
    ),
    Target(
        "verified-certificate",
        "consensus.simplex.certificates:verify_certificate",
        lambda: samples.encoded_certificates()[4:],
        mutate_bytes,
        _verify,
        (*MESSAGE, InvalidCertificate),
        steps=SIGNATURE_STEPS,
    ),
    Target(
        "admitted-vote",
        "consensus.simplex.admission:Admission.admit_vote",
        samples.votes,
        mutate_signed_vote,
        _admit_vote,
        (Misbehaviour,),
        steps=SIGNATURE_STEPS,
    ),
    Target(
        "admitted-certificate",
        "consensus.simplex.admission:Admission.admit_certificate",
        lambda: samples.encoded_certificates()[:4],
        mutate_signed_certificate,
        _admit_certificate,
        (Misbehaviour,),
        steps=SIGNATURE_STEPS,
    ),
    Target(
        "admitted-proposal",
        "consensus.simplex.admission:Admission.admit_proposal",
        samples.proposals,
        mutate_signed_proposal,
        _admit_proposal,
        (Misbehaviour,),
        steps=SIGNATURE_STEPS,
    ),
    Target(
        "log-record",
        "consensus.simplex.records:decode_record",
        _records,
        fields_mutator((0, 1), (1, 1), (2, 8), (33, 1)),
        _record,
        (*MESSAGE, MalformedRecord),
    ),
    Target(
        "final-proof",
        "consensus.light.verify:verify_final_proof",
        _final_proofs,
        mutate_proof,
        _final_proof,
        (LightError,),
        steps=SIGNATURE_STEPS,
    ),
    Target(
        "handoff",
        "consensus.light.verify:verify_handoff",
        _handoffs,
        mutate_proof,
        _handoff,
        (LightError,),
        steps=SIGNATURE_STEPS,
    ),
    Target(
        "merkle-proof",
        "consensus.light.verify:verify_account",
        _merkle_proofs,
        mutate_merkle,
        _merkle,
        (LightError,),
        steps=Bound(12_000, 60),
    ),
)
