"""Evidence on chain: anybody proves that a validator signed two things that exclude each other.

The one effect is suspension from the next epoch on, and a record for everybody to read; nothing is ever taken.
Source: consensus.md §10.
"""

from typing import Final

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from consensus.primitives.signatures import is_valid_ed25519
from consensus.simplex.evidence import are_conflicting
from consensus.simplex.messages import MalformedConsensusMessage, SigningDomain, Vote, decode_vote, sign_bytes
from consensus.simplex.validators import Validator
from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    EVIDENCE_WORDS,
    ValidatorRegistrySlots,
    array_data_slot,
    former_set_slot,
    word_mapping_slot,
)
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable
from contracts.native.errors import revert
from contracts.native.validator_council import order_suspension
from contracts.native.validator_state import (
    EVIDENCE_EPOCHS_BEHIND,
    Status,
    read_member,
    read_running_epoch,
    read_validator,
)

GAS_EVIDENCE: Final = 30_000
WORK_EVIDENCE: Final = 450
"""Two signatures at 65 each, two records read, and 11 slots."""

EVIDENCE_ACCEPTED: Final = declare_event(
    "EvidenceAccepted(bytes32 indexed consensusKey, address indexed operator, uint64 epoch, uint64 view,"
    " uint8 firstKind, uint8 secondKind)"
)

EVIDENCE: Final = FunctionTable()

_ADDRESS_BITS: Final = 160


@EVIDENCE.function(
    "reportEvidence(bytes firstVote, bytes secondVote)", gas=GAS_EVIDENCE, work=WORK_EVIDENCE, mutates=True
)
def report_evidence(context: CallContext, first_vote: bytes, second_vote: bytes) -> None:
    """Record that a validator signed two conflicting votes in one view, and suspend it from the next epoch on.

    Each is a vote's 123 bytes as validators send it; anybody may call. Reverts with EvidenceMalformed,
    EvidenceNotConflicting, EvidenceEpochUnknown, EvidenceSignerUnknown, EvidenceKnown or EvidenceSignatureInvalid.
    """
    first, second = _decode(first_vote, 1), _decode(second_vote, 2)
    if first.signer != second.signer or not are_conflicting(first.statement, second.statement):
        raise revert(errors.EVIDENCE_NOT_CONFLICTING)
    signer = _signer(context, first)
    key, statement = signer.consensus_key, first.statement
    known_slot = _known_slot(key, statement.epoch, statement.view)
    if context.get_slot(known_slot):
        raise revert(errors.EVIDENCE_KNOWN, key, statement.epoch, statement.view)
    genesis_hash = Hash32(context.get_slot(ValidatorRegistrySlots.GENESIS_HASH).to_bytes(32, "big"))
    domain = SigningDomain(context.chain_id, genesis_hash)
    for number, vote in enumerate((first, second), 1):
        if not is_valid_ed25519(key, sign_bytes(domain, vote.statement), vote.signature):
            raise revert(errors.EVIDENCE_SIGNATURE_INVALID, number, key)
    context.set_slot(known_slot, 1)
    _append(context, signer, first, second)
    kinds = first.statement.kind, second.statement.kind
    context.emit(*encode_event(EVIDENCE_ACCEPTED, key, signer.operator, statement.epoch, statement.view, *kinds))
    record = read_member(context.get_slot, signer.operator)
    if record.status in (Status.VALIDATOR, Status.CANDIDATE) and not record.suspend_sequence:
        order_suspension(context, signer.operator, record)


@EVIDENCE.function("evidenceCount()", returns="uint256")
def evidence_count(context: CallContext) -> int:
    """Return how often evidence was accepted."""
    return context.get_slot(ValidatorRegistrySlots.EVIDENCE)


@EVIDENCE.function(
    "evidenceAt(uint256 index)",
    returns="bytes32 consensusKey, address operator, uint64 epoch, uint64 view, uint8 firstKind, uint8 secondKind,"
    " uint64 height",
)
def evidence_at(context: CallContext, index: int) -> tuple[bytes, Address, int, int, int, int, int]:
    """Return accepted evidence, from 0 in the order accepted, with the height it was accepted at.

    Reverts with IndexOutOfRange.
    """
    count = context.get_slot(ValidatorRegistrySlots.EVIDENCE)
    if index >= count:
        raise revert(errors.INDEX_OUT_OF_RANGE, index, count)
    at = array_data_slot(ValidatorRegistrySlots.EVIDENCE) + EVIDENCE_WORDS * index
    key = context.get_slot(at).to_bytes(32, "big")
    who = context.get_slot(at + 1)
    where = context.get_slot(at + 2)
    operator = Address((who & (1 << _ADDRESS_BITS) - 1).to_bytes(20, "big"))
    first_kind, second_kind = who >> _ADDRESS_BITS & 0xFF, who >> _ADDRESS_BITS + 8
    mask = (1 << 64) - 1
    return key, operator, where & mask, where >> 64 & mask, first_kind, second_kind, where >> 128


@EVIDENCE.function("isEvidenceKnown(bytes32 consensusKey, uint64 epoch, uint64 view)", returns="bool")
def is_evidence_known(context: CallContext, consensus_key: bytes, epoch: int, view: int) -> bool:
    """Tell whether evidence against this key in this view was accepted, so that nobody pays for sending it again."""
    return context.get_slot(_known_slot(consensus_key, epoch, view)) != 0


def _decode(data: bytes, number: int) -> Vote:
    try:
        return decode_vote(data)
    except MalformedConsensusMessage as error:
        raise revert(errors.EVIDENCE_MALFORMED, number, len(data)) from error


def _signer(context: CallContext, vote: Vote) -> Validator:
    running = read_running_epoch(context.get_slot).epoch
    epoch = vote.statement.epoch
    if not running - EVIDENCE_EPOCHS_BEHIND <= epoch <= running:
        raise revert(errors.EVIDENCE_EPOCH_UNKNOWN, epoch, running)
    slot = ValidatorRegistrySlots.VALIDATORS if epoch == running else former_set_slot(epoch)
    count = context.get_slot(slot)
    if vote.signer >= count:
        raise revert(errors.EVIDENCE_SIGNER_UNKNOWN, vote.signer, count)
    return read_validator(context.get_slot, slot, vote.signer)


def _known_slot(consensus_key: bytes, epoch: int, view: int) -> int:
    key = keccak256(consensus_key + epoch.to_bytes(8, "big") + view.to_bytes(8, "big"))
    return word_mapping_slot(key, ValidatorRegistrySlots.EVIDENCE_KNOWN)


def _append(context: CallContext, signer: Validator, first: Vote, second: Vote) -> None:
    count = context.get_slot(ValidatorRegistrySlots.EVIDENCE)
    context.set_slot(ValidatorRegistrySlots.EVIDENCE, count + 1)
    at = array_data_slot(ValidatorRegistrySlots.EVIDENCE) + EVIDENCE_WORDS * count
    statement = first.statement
    kinds = statement.kind | second.statement.kind << 8
    context.set_slot(at, int.from_bytes(signer.consensus_key, "big"))
    context.set_slot(at + 1, int.from_bytes(signer.operator, "big") | kinds << _ADDRESS_BITS)
    context.set_slot(at + 2, statement.epoch | statement.view << 64 | context.block_number << 128)
