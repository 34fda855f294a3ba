"""What the ValidatorRegistry keeps: the running epoch, sets, members, keys, lists of operators. Reads and writes only.

No rule is decided here: callers have checked. Whatever only reads takes `get_slot`, so that the node reads a state with
the same functions. Source: consensus.md §9.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from consensus.primitives.scalars import ZERO_ADDRESS, ZERO_HASH, Address, Epoch, Hash32, Height
from consensus.simplex.validators import Validator
from contracts.layout import (
    FIRST_HEIGHT_OFFSET_BITS,
    IS_ENDING_OFFSET_BITS,
    KEY_FREE_FROM_OFFSET_BITS,
    VALIDATOR_WORDS,
    MemberWords,
    ValidatorRegistrySlots,
    array_data_slot,
    encode_text,
    member_slot,
    read_packed,
    read_text,
    text_mapping_slot,
    word_mapping_slot,
    write_packed,
)
from contracts.native.context import CallContext
from contracts.validator_keys import ValidatorKeys, decode_endpoints, encode_endpoints, hash_endpoints

EVIDENCE_EPOCHS_BEHIND: Final = 2
"""How many epochs before the running one still answer for double signatures. Twice as many would keep twice as many
sets in the state; none would forgive whoever is found out after the last block."""

CANDIDATES_MAX: Final = 32
"""Most operators approved and not yet in the set. The end of an epoch reads each: twice as many would cost it another
few milliseconds, half would be fewer than a network of 30 that is rebuilt might approve at once."""

GetSlot: TypeAlias = Callable[[int], int]
"""Reads a word of the ValidatorRegistry."""

NO_KEYS: Final = ValidatorKeys(bytes(32), bytes(32), bytes(32))
"""Where a member record has no rotation."""

_ADDRESS_BITS: Final = 160


class Status(IntEnum):
    """Where an operator stands; the number is ABI."""

    NONE = 0
    """Never asked, or cancelled."""
    APPLICANT = 1
    """Asked to join; the council has not answered."""
    CANDIDATE = 2
    """Approved; joins at the end of an epoch once it is ready."""
    VALIDATOR = 3
    """In the set in force."""
    SUSPENDED = 4
    """Taken out by the council or by evidence; keeps its keys."""
    FORMER = 5
    """Left."""


LIST_OF: Final = {
    Status.APPLICANT: ValidatorRegistrySlots.APPLICANTS,
    Status.CANDIDATE: ValidatorRegistrySlots.CANDIDATES,
    Status.SUSPENDED: ValidatorRegistrySlots.SUSPENDED,
}
"""Slot of the list in which operators of a status stand; validators stand in the set."""


@dataclass(frozen=True, slots=True)
class RunningEpoch:
    """The epoch in force."""

    epoch: Epoch
    """Its number."""
    first_height: Height
    """Height of its first block."""
    is_ending: bool
    """True once the council has ended it with the block in execution."""


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """What the registry keeps of one operator."""

    status: Status = Status.NONE
    """Where it stands."""
    is_ready: bool = False
    """True once a candidate said that it is in step."""
    list_index: int = 0
    """Place in the list of its status; 0 where there is none."""
    join_sequence: int = 0
    """Number of the request to join, which orders the joins."""
    suspend_sequence: int = 0
    """Number of the suspension that waits; 0 if none does."""
    leave_sequence: int = 0
    """Number of the request to leave that waits; 0 if none does."""
    rotate_sequence: int = 0
    """Number of the rotation that waits; 0 if none does."""
    keys: ValidatorKeys = NO_KEYS
    """Keys in force, or those it would join with."""
    endpoints_hash: Hash32 = ZERO_HASH
    """SHA-256 of its newest endpoints."""
    next_keys: ValidatorKeys = NO_KEYS
    """Keys of the rotation that waits."""
    name: str = ""
    """Name on screens and in logs."""


def read_running_epoch(get_slot: GetSlot) -> RunningEpoch:
    """Return the epoch in force."""
    word = get_slot(ValidatorRegistrySlots.EPOCH)
    return RunningEpoch(
        Epoch(read_packed(word, offset_bits=0, bits=64)),
        Height(read_packed(word, offset_bits=FIRST_HEIGHT_OFFSET_BITS, bits=64)),
        read_packed(word, offset_bits=IS_ENDING_OFFSET_BITS, bits=8) != 0,
    )


def write_running_epoch(context: CallContext, running: RunningEpoch) -> None:
    """Write the epoch in force."""
    context.set_slot(
        ValidatorRegistrySlots.EPOCH,
        running.epoch
        | running.first_height << FIRST_HEIGHT_OFFSET_BITS
        | int(running.is_ending) << IS_ENDING_OFFSET_BITS,
    )


def read_set(get_slot: GetSlot, slot: int) -> tuple[Validator, ...]:
    """Return the set whose length is at `slot`; empty if there is none."""
    return tuple(read_validator(get_slot, slot, index) for index in range(get_slot(slot)))


def read_validator(get_slot: GetSlot, slot: int, index: int) -> Validator:
    """Return the validator at `index` of the set whose length is at `slot`."""
    first = array_data_slot(slot) + VALIDATOR_WORDS * index
    consensus_key, tls_key, attestation_key, operator, endpoints_hash = (
        get_slot(first + word).to_bytes(32, "big") for word in range(VALIDATOR_WORDS)
    )
    return Validator(consensus_key, tls_key, attestation_key, Address(operator[12:]), Hash32(endpoints_hash))


def write_set(context: CallContext, slot: int, validators: Sequence[Validator]) -> None:
    """Write a set, sorted by consensus key, in place of whatever was at `slot`; an empty one erases it."""
    count_before = context.get_slot(slot)
    words = [
        int.from_bytes(word, "big")
        for validator in sorted(validators, key=lambda validator: validator.consensus_key)
        for word in (
            validator.consensus_key,
            validator.tls_key,
            validator.attestation_key,
            validator.operator,
            validator.endpoints_hash,
        )
    ]
    surplus = [0] * (VALIDATOR_WORDS * (count_before - len(validators)))
    context.set_slot(slot, len(validators))
    for at, word in enumerate(words + surplus, array_data_slot(slot)):
        context.set_slot(at, word)


def read_member(get_slot: GetSlot, operator: Address) -> MemberRecord:
    """Return what is kept of `operator`; of somebody unknown all fields are empty."""
    first = member_slot(operator)
    status = get_slot(first + MemberWords.STATUS)
    requests = get_slot(first + MemberWords.REQUESTS)
    return MemberRecord(
        status=Status(read_packed(status, offset_bits=0, bits=8)),
        is_ready=read_packed(status, offset_bits=8, bits=8) != 0,
        list_index=read_packed(status, offset_bits=16, bits=64),
        join_sequence=read_packed(status, offset_bits=80, bits=64),
        suspend_sequence=read_packed(requests, offset_bits=0, bits=64),
        leave_sequence=read_packed(requests, offset_bits=64, bits=64),
        rotate_sequence=read_packed(requests, offset_bits=128, bits=64),
        keys=_read_keys(get_slot, first + MemberWords.KEYS),
        endpoints_hash=Hash32(get_slot(first + MemberWords.ENDPOINTS_HASH).to_bytes(32, "big")),
        next_keys=_read_keys(get_slot, first + MemberWords.NEXT_KEYS),
        name=read_name(get_slot, operator),
    )


def write_member(context: CallContext, operator: Address, record: MemberRecord) -> None:
    """Write the whole record of `operator`; words that stay equal cost no write in the end."""
    first = member_slot(operator)
    name = encode_text(record.name.encode(), first + MemberWords.NAME)
    assert len(name) == 1, "a name fills one word"
    set_slot = context.set_slot
    set_slot(
        first + MemberWords.STATUS,
        record.status | int(record.is_ready) << 8 | record.list_index << 16 | record.join_sequence << 80,
    )
    set_slot(
        first + MemberWords.REQUESTS,
        record.suspend_sequence | record.leave_sequence << 64 | record.rotate_sequence << 128,
    )
    for offset, keys in ((MemberWords.KEYS, record.keys), (MemberWords.NEXT_KEYS, record.next_keys)):
        for word, key in enumerate(keys.each()):
            set_slot(first + offset + word, int.from_bytes(key, "big"))
    set_slot(first + MemberWords.ENDPOINTS_HASH, int.from_bytes(record.endpoints_hash, "big"))
    set_slot(first + MemberWords.NAME, name[first + MemberWords.NAME])


def read_name(get_slot: GetSlot, operator: Address) -> str:
    """Return the name of `operator`; empty for somebody unknown."""
    return read_text(get_slot, member_slot(operator) + MemberWords.NAME).decode()


def name_slot(name: str) -> int:
    """Return the slot of the operator that has `name`; the word is 0 if nobody has."""
    return text_mapping_slot(name.encode(), ValidatorRegistrySlots.OPERATOR_BY_NAME)


def operator_named(get_slot: GetSlot, name: str) -> Address:
    """Return the operator that has `name`; zero if nobody has."""
    return _address_of(get_slot(name_slot(name)))


def read_endpoints(get_slot: GetSlot, endpoints_hash: Hash32) -> tuple[str, ...]:
    """Return the endpoints with that hash, all of which the registry was given once."""
    encoded = read_text(get_slot, _endpoints_slot(endpoints_hash))
    return decode_endpoints(encoded) if encoded else ()


def write_endpoints(context: CallContext, endpoints: Sequence[str]) -> Hash32:
    """Write endpoints under their hash and return it.

    They are never erased: sets of former epochs name them, and the same text is never written twice.
    """
    endpoints_hash = hash_endpoints(endpoints)
    for slot, word in encode_text(encode_endpoints(endpoints), _endpoints_slot(endpoints_hash)).items():
        context.set_slot(slot, word)
    return endpoints_hash


def key_holder(get_slot: GetSlot, key: bytes, epoch: Epoch) -> Address:
    """Return whose key it is in `epoch`, or was until so lately that nobody else may have it; zero if it is free."""
    word = get_slot(_key_slot(key))
    free_from = word >> KEY_FREE_FROM_OFFSET_BITS
    if free_from and epoch >= free_from:
        return ZERO_ADDRESS
    return _address_of(word)


def reserve_keys(context: CallContext, operator: Address, keys: ValidatorKeys) -> None:
    """Note that `operator` uses these keys or is about to."""
    for key in keys.each():
        context.set_slot(_key_slot(key), int.from_bytes(operator, "big"))


def release_keys(context: CallContext, keys: ValidatorKeys) -> None:
    """Forget keys that were never in a set."""
    for key in keys.each():
        context.set_slot(_key_slot(key), 0)


def retire_keys(context: CallContext, operator: Address, keys: ValidatorKeys, *, epoch_last: Epoch) -> None:
    """Note that `epoch_last` is the last epoch with these keys: free when no evidence against them counts any more."""
    free_from = epoch_last + EVIDENCE_EPOCHS_BEHIND + 1
    for key in keys.each():
        context.set_slot(_key_slot(key), int.from_bytes(operator, "big") | free_from << KEY_FREE_FROM_OFFSET_BITS)


def next_sequence(context: CallContext) -> int:
    """Return the number of a new request, from 1."""
    number = context.get_slot(ValidatorRegistrySlots.LAST_SEQUENCE) + 1
    context.set_slot(ValidatorRegistrySlots.LAST_SEQUENCE, number)
    return number


def read_operators(get_slot: GetSlot, list_slot: int, *, last: int) -> tuple[Address, ...]:
    """Return the `last` operators of a list, or all if there are fewer."""
    count = get_slot(list_slot)
    return tuple(operator_at(get_slot, list_slot, index) for index in range(max(0, count - last), count))


def operator_at(get_slot: GetSlot, list_slot: int, index: int) -> Address:
    """Return the operator at `index` of a list that is longer than that."""
    return _address_of(get_slot(array_data_slot(list_slot) + index))


def enter_list(context: CallContext, status: Status, operator: Address) -> int:
    """Put `operator` at the end of the list of `status` and return its index, which the caller writes."""
    list_slot = LIST_OF[status]
    index = context.get_slot(list_slot)
    context.set_slot(list_slot, index + 1)
    context.set_slot(array_data_slot(list_slot) + index, int.from_bytes(operator, "big"))
    return index


def leave_list(context: CallContext, record: MemberRecord) -> None:
    """Take the operator with this record from the list of its status; the last one moves to its place.

    The caller writes the record that follows.
    """
    list_slot = LIST_OF[record.status]
    first, last = array_data_slot(list_slot), context.get_slot(list_slot) - 1
    if record.list_index != last:
        moved = context.get_slot(first + last)
        context.set_slot(first + record.list_index, moved)
        status_slot = member_slot(_address_of(moved)) + MemberWords.STATUS
        word = context.get_slot(status_slot)
        context.set_slot(status_slot, write_packed(word, record.list_index, offset_bits=16, bits=64))
    context.set_slot(first + last, 0)
    context.set_slot(list_slot, last)


def _read_keys(get_slot: GetSlot, slot: int) -> ValidatorKeys:
    consensus, tls, attestation = (get_slot(slot + word).to_bytes(32, "big") for word in range(3))
    return ValidatorKeys(consensus, tls, attestation)


def _endpoints_slot(endpoints_hash: Hash32) -> int:
    return word_mapping_slot(endpoints_hash, ValidatorRegistrySlots.ENDPOINTS)


def _key_slot(key: bytes) -> int:
    return word_mapping_slot(key, ValidatorRegistrySlots.KEYS)


def _address_of(word: int) -> Address:
    return Address((word & (1 << _ADDRESS_BITS) - 1).to_bytes(20, "big"))
