"""The validator registry: who votes now, who asked to, and when the epoch ends, for everybody to read and prove.

Order of a set is by consensus key, which is the order of validator indexes. Source: consensus.md §9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address
from contracts.layout import ValidatorRegistrySlots
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable, build_contract
from contracts.native.errors import revert
from contracts.native.validator_epochs import EpochWord, read_epoch_word, write_epoch_word
from contracts.native.validator_members import MEMBER_EVENTS, MEMBERS, claim_names_and_keys
from contracts.native.validator_records import (
    ENDPOINT_SEPARATOR,
    NO_KEYS,
    Member,
    MemberState,
    ValidatorRecord,
    add_operator,
    read_member,
    read_operators,
    read_validators,
    write_member,
    write_validator_array,
)
from contracts.validator_keys import ValidatorKeys


@dataclass(frozen=True, slots=True)
class GenesisMember:
    """A validator of epoch 0, with what the registry publishes of it."""

    record: ValidatorRecord
    name: str
    """Short name for screens and logs."""
    endpoints: tuple[str, ...]
    """host:port of its mesh listener; `record` has their hash."""


VIEWS: Final = FunctionTable()


@VIEWS.function("epoch()", returns="uint256")
def epoch(context: CallContext) -> int:
    """Return the number of the running epoch."""
    return read_epoch_word(context.get_slot).epoch


@VIEWS.function("epochFirstHeight()", returns="uint256")
def epoch_first_height(context: CallContext) -> int:
    """Return the height of the running epoch's first block."""
    return read_epoch_word(context.get_slot).first_height


@VIEWS.function("genesisHash()", returns="bytes32")
def genesis_hash(context: CallContext) -> bytes:
    """Return the hash of block 0, which stands in everything validators sign; zero in block 0 itself."""
    return context.get_slot(ValidatorRegistrySlots.GENESIS_HASH).to_bytes(32, "big")


@VIEWS.function("validatorCount()", returns="uint256")
def validator_count(context: CallContext) -> int:
    """Return how many validators there are."""
    return context.get_slot(ValidatorRegistrySlots.VALIDATORS)


@VIEWS.function(
    "validatorAt(uint256 index)",
    returns="bytes32 consensusKey, bytes32 tlsKey, bytes32 attestationKey, address operator, bytes32 endpointsHash",
)
def validator_at(context: CallContext, index: int) -> tuple[bytes, bytes, bytes, Address, bytes]:
    """Return the validator at `index`, from 0 in order of consensus keys; reverts with IndexOutOfRange."""
    records = read_validators(context.get_slot, ValidatorRegistrySlots.VALIDATORS)
    if index >= len(records):
        raise revert(errors.INDEX_OUT_OF_RANGE, index, len(records))
    record = records[index]
    return record.consensus_key, record.tls_key, record.attestation_key, record.operator, record.endpoints_hash


@VIEWS.function("operatorCount()", returns="uint256")
def operator_count(context: CallContext) -> int:
    """Return how many operators the council let in who have not left."""
    return context.get_slot(ValidatorRegistrySlots.OPERATORS)


@VIEWS.function("operatorAt(uint256 index)", returns="address operator")
def operator_at(context: CallContext, index: int) -> Address:
    """Return the operator at `index`, from 0 in no particular order; reverts with IndexOutOfRange."""
    operators = read_operators(context.get_slot)
    if index >= len(operators):
        raise revert(errors.INDEX_OUT_OF_RANGE, index, len(operators))
    return operators[index]


@VIEWS.function(
    "memberOf(address operator)",
    returns="uint8 state, bool suspended, bool leaving, bool rotating, string name, string endpoints,"
    " bytes32 consensusKey, bytes32 nextConsensusKey",
)
def member_of(context: CallContext, operator: Address) -> tuple[int, bool, bool, bool, str, str, bytes, bytes]:
    """Return where an operator stands: 0 unknown, 1 requested, 2 approved, 3 ready, 4 active, 5 out."""
    member = read_member(context.get_slot, operator)
    return (
        int(member.state),
        member.is_suspended,
        member.is_leaving,
        member.is_rotating,
        member.name,
        ENDPOINT_SEPARATOR.join(member.endpoints),
        member.keys.consensus_key,
        member.next_keys.consensus_key,
    )


def write_validators(context: CallContext, members: Sequence[GenesisMember]) -> None:
    """Write the set of epoch 0, sorted by consensus key; genesis is the only caller."""
    ordered = sorted(members, key=lambda member: member.record.consensus_key)
    write_validator_array(context, ValidatorRegistrySlots.VALIDATORS, [member.record for member in ordered])
    write_epoch_word(context, EpochWord(epoch=0, first_height=1, is_end_requested=False))
    for entry in ordered:
        record = entry.record
        keys = ValidatorKeys(record.consensus_key, record.tls_key, record.attestation_key)
        claim_names_and_keys(context, record.operator, entry.name, keys)
        add_operator(context, record.operator)
        write_member(
            context,
            Member(
                operator=record.operator,
                state=MemberState.ACTIVE,
                is_suspended=False,
                is_leaving=False,
                is_rotating=False,
                sequence=0,
                keys=keys,
                next_keys=NO_KEYS,
                name=entry.name,
                endpoints=entry.endpoints,
            ),
        )


VALIDATOR_REGISTRY: Final = build_contract(
    "ValidatorRegistry",
    tables=(VIEWS, MEMBERS),
    events=MEMBER_EVENTS,
    errors_declared=errors.VALIDATOR_ERRORS,
)
