"""Validators and members as words of the registry's storage. No rule stands here: others decide, this reads and writes.

Source: consensus.md §9; slots in contracts/layout.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from consensus.primitives.endpoints import hash_endpoints
from consensus.primitives.scalars import Address
from contracts.layout import (
    VALIDATOR_WORDS,
    MemberSlots,
    ValidatorRegistrySlots,
    encode_text,
    member_slot,
    operator_slot,
    read_packed,
    read_text,
    validator_slot,
)
from contracts.native.context import CallContext
from contracts.validator_keys import ValidatorKeys

GetSlot = Callable[[int], int]
"""Reads one word of the registry."""

ENDPOINT_SEPARATOR: Final = ","


class MemberState(IntEnum):
    """Where an operator stands."""

    NONE = 0
    """Never heard of."""
    REQUESTED = 1
    """Asked to join; the council has not answered."""
    APPROVED = 2
    """Let in: may open links and follow."""
    READY = 3
    """Says that it is in step: joins at the next epoch with room."""
    ACTIVE = 4
    """In the set."""
    OUT = 5
    """Left, or was taken out."""


@dataclass(frozen=True, slots=True)
class ValidatorRecord:
    """One validator: 148 bytes in the order of the epoch handoff."""

    consensus_key: bytes
    """ed25519 public key that signs votes, 32 bytes; unique."""
    tls_key: bytes
    """ed25519 public key of its node certificate, 32 bytes."""
    attestation_key: bytes
    """ed25519 public key that signs lock certificates, 32 bytes."""
    operator: Address
    """Account that manages the entry, and the `miner` of its blocks; not zero."""
    endpoints_hash: bytes
    """SHA-256 of its published endpoints, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Member:
    """What the registry keeps of an operator."""

    operator: Address
    state: MemberState
    is_suspended: bool
    """The council or evidence took its vote; the council can give it back."""
    is_leaving: bool
    is_rotating: bool
    sequence: int
    """When it last asked for a change of the set: earlier requests are served first."""
    keys: ValidatorKeys
    """In force, or asked for."""
    next_keys: ValidatorKeys
    """In force after the rotation; zeros if none is under way."""
    name: str
    endpoints: tuple[str, ...]
    """host:port of its mesh listener, in the order to be dialed."""


NO_KEYS: Final = ValidatorKeys(bytes(32), bytes(32), bytes(32))


def read_validators(get_slot: GetSlot, array: int) -> list[ValidatorRecord]:
    """Return one of the three sets, in the order of consensus keys."""
    records = []
    for index in range(get_slot(array)):
        slot = validator_slot(index, array)
        words = [get_slot(slot + word).to_bytes(32, "big") for word in range(VALIDATOR_WORDS)]
        records.append(ValidatorRecord(words[0], words[1], words[2], Address(words[3][12:]), words[4]))
    return records


def write_validator_array(context: CallContext, array: int, records: Sequence[ValidatorRecord]) -> None:
    """Replace one of the three sets; words of a longer one are erased."""
    before = context.get_slot(array)
    context.set_slot(array, len(records))
    for index, record in enumerate(records):
        words = (
            record.consensus_key,
            record.tls_key,
            record.attestation_key,
            record.operator,
            record.endpoints_hash,
        )
        for offset, word in enumerate(words):
            context.set_slot(validator_slot(index, array) + offset, int.from_bytes(word, "big"))
    for index in range(len(records), before):
        for offset in range(VALIDATOR_WORDS):
            context.set_slot(validator_slot(index, array) + offset, 0)


def read_member(get_slot: GetSlot, operator: Address) -> Member:
    """Return what is kept of an operator; state NONE if nothing is."""
    base = member_slot(operator)
    status = get_slot(base + MemberSlots.STATUS)
    endpoints = read_text(get_slot, base + MemberSlots.ENDPOINTS).decode()
    return Member(
        operator=operator,
        state=MemberState(read_packed(status, offset_bits=0, bits=8)),
        is_suspended=bool(read_packed(status, offset_bits=8, bits=8)),
        is_leaving=bool(read_packed(status, offset_bits=16, bits=8)),
        is_rotating=bool(read_packed(status, offset_bits=24, bits=8)),
        sequence=read_packed(status, offset_bits=32, bits=64),
        keys=_read_keys(get_slot, base + MemberSlots.KEYS),
        next_keys=_read_keys(get_slot, base + MemberSlots.NEXT_KEYS),
        name=read_text(get_slot, base + MemberSlots.NAME).decode(),
        endpoints=tuple(endpoints.split(ENDPOINT_SEPARATOR)) if endpoints else (),
    )


def write_member(context: CallContext, member: Member) -> None:
    """Write everything that is kept of an operator."""
    base = member_slot(member.operator)
    status = (
        member.state
        | member.is_suspended << 8
        | member.is_leaving << 16
        | member.is_rotating << 24
        | member.sequence << 32
    )
    context.set_slot(base + MemberSlots.STATUS, status)
    _write_keys(context, base + MemberSlots.KEYS, member.keys)
    _write_keys(context, base + MemberSlots.NEXT_KEYS, member.next_keys)
    context.set_slot(base + MemberSlots.ENDPOINTS_HASH, int.from_bytes(hash_endpoints(member.endpoints), "big"))
    _write_text(context, base + MemberSlots.NAME, member.name)
    _write_text(context, base + MemberSlots.ENDPOINTS, ENDPOINT_SEPARATOR.join(member.endpoints))


def record_of(member: Member) -> ValidatorRecord:
    """Return the member as it stands in a set."""
    keys = member.keys
    return ValidatorRecord(
        keys.consensus_key, keys.tls_key, keys.attestation_key, member.operator, hash_endpoints(member.endpoints)
    )


def read_operators(get_slot: GetSlot) -> list[Address]:
    """Return everybody whom the council let in and who has not left."""
    count = get_slot(ValidatorRegistrySlots.OPERATORS)
    return [Address(get_slot(operator_slot(index)).to_bytes(20, "big")) for index in range(count)]


def add_operator(context: CallContext, operator: Address) -> None:
    """Append to the list of operators."""
    count = context.get_slot(ValidatorRegistrySlots.OPERATORS)
    context.set_slot(operator_slot(count), int.from_bytes(operator, "big"))
    context.set_slot(ValidatorRegistrySlots.OPERATORS, count + 1)


def remove_operator(context: CallContext, operator: Address) -> None:
    """Take out of the list of operators; the last one moves into its place."""
    operators = read_operators(context.get_slot)
    last = len(operators) - 1
    context.set_slot(operator_slot(operators.index(operator)), int.from_bytes(operators[last], "big"))
    context.set_slot(operator_slot(last), 0)
    context.set_slot(ValidatorRegistrySlots.OPERATORS, last)


def _read_keys(get_slot: GetSlot, slot: int) -> ValidatorKeys:
    consensus_key, tls_key, attestation_key = (get_slot(slot + word).to_bytes(32, "big") for word in range(3))
    return ValidatorKeys(consensus_key, tls_key, attestation_key)


def _write_keys(context: CallContext, slot: int, keys: ValidatorKeys) -> None:
    for offset, key in enumerate((keys.consensus_key, keys.tls_key, keys.attestation_key)):
        context.set_slot(slot + offset, int.from_bytes(key, "big"))


def _write_text(context: CallContext, slot: int, text: str) -> None:
    """Write a string, erasing what a longer one left behind it."""
    before = encode_text(read_text(context.get_slot, slot), slot)
    words = encode_text(text.encode(), slot)
    for written in before:
        if written not in words:
            context.set_slot(written, 0)
    for written, word in words.items():
        context.set_slot(written, word)
