"""How an epoch ends: which members make up the next set, and what the registry's state says from then on.

Runs once, after the last transaction of an epoch's last block; no transaction reaches it. Source: consensus.md §9.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.addresses import PROTOCOL_CONFIG
from contracts.layout import PROTOCOL_PARAMETER_SLOTS, ValidatorRegistrySlots, read_packed
from contracts.native.context import CallContext
from contracts.native.validator_records import (
    NO_KEYS,
    GetSlot,
    Member,
    MemberState,
    ValidatorRecord,
    read_member,
    read_operators,
    read_validators,
    record_of,
    remove_operator,
    write_member,
    write_validator_array,
)

VALIDATORS_MAX: Final = 100
"""Largest set: the bound of certificates on the wire."""


@dataclass(frozen=True, slots=True)
class EpochWord:
    """What one word says of the running epoch."""

    epoch: int
    first_height: int
    is_end_requested: bool
    """The council asked for an early end: the block that holds the request is the last."""


def read_epoch_word(get_slot: GetSlot) -> EpochWord:
    """Return number and beginning of the running epoch."""
    word = get_slot(ValidatorRegistrySlots.EPOCH)
    return EpochWord(
        epoch=read_packed(word, offset_bits=0, bits=64),
        first_height=read_packed(word, offset_bits=64, bits=64),
        is_end_requested=bool(read_packed(word, offset_bits=128, bits=8)),
    )


def write_epoch_word(context: CallContext, entry: EpochWord) -> None:
    """Write number and beginning of the running epoch."""
    word = entry.epoch | entry.first_height << 64 | entry.is_end_requested << 128
    context.set_slot(ValidatorRegistrySlots.EPOCH, word)


def is_last_of_epoch(context: CallContext) -> bool:
    """Tell whether the block being executed is the last of its epoch; asked after its last transaction."""
    entry = read_epoch_word(context.get_slot)
    blocks_max = context.at(PROTOCOL_CONFIG).get_slot(PROTOCOL_PARAMETER_SLOTS["epoch_blocks_max"])
    return entry.is_end_requested or context.block_number == entry.first_height + blocks_max - 1


def changes_max(validator_count: int) -> int:
    """Return how many members may change at one boundary: f, and 1 where f is 0. The remainder is margin."""
    return max(1, (validator_count - 1) // 3)


def choose_changes(members: Sequence[Member], validator_count: int) -> list[Member]:
    """Return the members that change at this boundary, each as it is afterwards.

    Suspensions come before leaves, rotations and joins; in each, whoever asked first. The set never becomes empty and
    never larger than VALIDATORS_MAX; what finds no room waits for the next boundary.
    """
    suspended = [member for member in members if member.state is MemberState.ACTIVE and member.is_suspended]
    active = [member for member in members if member.state is MemberState.ACTIVE and not member.is_suspended]
    leaving = [member for member in active if member.is_leaving]
    rotating = [member for member in active if member.is_rotating and not member.is_leaving]
    joining = [member for member in members if member.state is MemberState.READY and not member.is_suspended]
    changed: list[Member] = []
    count = validator_count
    for group in (suspended, leaving, rotating, joining):
        for member in sorted(group, key=lambda entry: entry.sequence):
            if len(changed) == changes_max(validator_count):
                return changed
            if group is joining:
                if count < VALIDATORS_MAX:
                    count += 1
                    changed.append(replace(member, state=MemberState.ACTIVE))
            elif group is rotating:
                changed.append(replace(member, keys=member.next_keys, next_keys=NO_KEYS, is_rotating=False))
            elif count > 1:
                count -= 1
                changed.append(
                    replace(member, state=MemberState.OUT, next_keys=NO_KEYS, is_leaving=False, is_rotating=False)
                )
    return changed


def end_epoch(context: CallContext) -> list[ValidatorRecord]:
    """Write the next epoch's set and beginning, and return the set by consensus key."""
    get_slot = context.get_slot
    in_force = read_validators(get_slot, ValidatorRegistrySlots.VALIDATORS)
    previous = read_validators(get_slot, ValidatorRegistrySlots.PREVIOUS)
    members = [read_member(get_slot, operator) for operator in read_operators(get_slot)]
    for changed in choose_changes(members, len(in_force)):
        write_member(context, changed)
        if changed.state is MemberState.OUT and not changed.is_suspended:
            remove_operator(context, changed.operator)
    following = [
        record_of(member)
        for member in (read_member(get_slot, operator) for operator in read_operators(get_slot))
        if member.state is MemberState.ACTIVE
    ]
    following.sort(key=lambda record: record.consensus_key)
    write_validator_array(context, ValidatorRegistrySlots.BEFORE_PREVIOUS, previous)
    write_validator_array(context, ValidatorRegistrySlots.PREVIOUS, in_force)
    write_validator_array(context, ValidatorRegistrySlots.VALIDATORS, following)
    epoch = read_epoch_word(get_slot).epoch
    write_epoch_word(context, EpochWord(epoch + 1, context.block_number + 1, is_end_requested=False))
    return following
