"""The end of an epoch in execution: which block it is, what its header commits to, and what the next epoch reads."""

from dataclasses import replace

import pytest

from consensus.chain.header import NO_REQUESTS_HASH, Header
from consensus.primitives.scalars import Epoch, Hash32, Height
from consensus.simplex.validators import decode_set_payload, encode_set_payload, next_set_requests_hash
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.layout import ValidatorRegistrySlots
from node.execution.epoch_state import EpochInForce, read_epoch
from node.execution.errors import WrongHeaderField
from node.execution.genesis_state import Genesis
from node.execution.transition import BlockContext, BlockExecution, ExecutedBlock, SignedTransaction, apply_block
from node.state.reader import StateReader
from tests.node.execution.ledger import ALICE_KEY, BOB, context, document, genesis, payment

EPOCH_BLOCKS = 5
TLS_KEYS = tuple(bytes((number,)) * 32 for number in range(1, 5))


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis(document(tls_keys=TLS_KEYS, parameters=(("epoch_blocks_max", EPOCH_BLOCKS),)))


class Chain:
    """Blocks on top of genesis, executed one after the other."""

    def __init__(self, block_zero: Genesis) -> None:
        self.block_zero = block_zero
        self.executed = block_zero.executed
        self.parent: StateReader = block_zero.executed.overlay
        self.view_zero: Hash32 = block_zero.executed.block.block_hash

    def next_context(self) -> BlockContext:
        header = self.executed.block.header
        epoch = self.in_force()
        following = context(self.block_zero, height=header.height + 1, parent_hash=self.executed.block.block_hash)
        return replace(following, epoch=epoch.validators.epoch, limits=epoch.limits)

    def add(self, *transactions: SignedTransaction) -> ExecutedBlock:
        execution = BlockExecution(self.executed.overlay, self.next_context())
        for transaction in transactions:
            execution.apply(transaction)
        self.parent, self.executed = self.executed.overlay, execution.seal()
        if self.executed.last_of_epoch:
            self.view_zero = self.executed.block.block_hash
        return self.executed

    def in_force(self) -> EpochInForce:
        return read_epoch(self.executed.overlay, self.view_zero)


def test_epoch_of_genesis_reads_as_the_document_says(block_zero: Genesis) -> None:
    epoch = Chain(block_zero).in_force()
    assert epoch.validators == block_zero.validators
    assert epoch.payload == block_zero.validator_payload
    assert (epoch.parameters, epoch.limits) == (block_zero.parameters, block_zero.limits)
    assert epoch.first_height == 1
    assert [(member.name, member.endpoints) for member in epoch.members] == [
        (entry.name, entry.endpoints) for entry in block_zero.entries
    ]
    assert epoch.previous == epoch.candidates == ()


def test_only_the_last_block_of_each_epoch_commits_to_the_next_set(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    validators = block_zero.validators.validators
    for height in range(1, 3 * EPOCH_BLOCKS + 1):
        executed = chain.add()
        header = executed.block.header
        # No remainder at the end of an epoch; the quotient counts the epochs before this block's.
        assert header.epoch == (height - 1) // EPOCH_BLOCKS
        assert executed.last_of_epoch == (height % EPOCH_BLOCKS == 0)
        payload = encode_set_payload(Epoch(header.epoch + 1), validators) if executed.last_of_epoch else b""
        assert executed.next_set_payload == payload
        assert header.requests_hash == (next_set_requests_hash(payload) if payload else NO_REQUESTS_HASH)


def test_next_epoch_reads_the_same_from_every_state_inside_it(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    for _ in range(EPOCH_BLOCKS):
        executed = chain.add()
    epoch = chain.in_force()
    assert epoch.validators.epoch == 1
    assert epoch.first_height == EPOCH_BLOCKS + 1
    assert epoch.payload == executed.next_set_payload
    assert decode_set_payload(epoch.payload) == (1, epoch.validators.validators)
    assert epoch.validators.leader_offset == int.from_bytes(executed.block.block_hash[:8], "big")
    assert epoch.previous == epoch.members
    for _ in range(EPOCH_BLOCKS - 1):
        chain.add()
        assert chain.in_force() == epoch


def test_last_block_executed_twice_is_one_block(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    for _ in range(EPOCH_BLOCKS - 1):
        chain.add()
    last_context = chain.next_context()
    executed = chain.add(payment(ALICE_KEY, 0, BOB, 5))
    applied = apply_block(chain.parent, last_context, executed.block.header, [payment(ALICE_KEY, 0, BOB, 5)])
    assert applied.block == executed.block
    assert (applied.last_of_epoch, applied.next_set_payload) == (True, executed.next_set_payload)


@pytest.mark.parametrize("blocks", [EPOCH_BLOCKS - 1, EPOCH_BLOCKS], ids=["inside an epoch", "at its end"])
def test_header_that_commits_to_another_set_is_invalid(block_zero: Genesis, blocks: int) -> None:
    chain = Chain(block_zero)
    for _ in range(blocks - 1):
        chain.add()
    block_context = chain.next_context()
    header: Header = chain.add().block.header
    apply_block(chain.parent, block_context, header, ())
    fewer = encode_set_payload(Epoch(1), block_zero.validators.validators[:3])
    for wrong in (next_set_requests_hash(fewer), NO_REQUESTS_HASH, Hash32(bytes(32))):
        if wrong != header.requests_hash:
            with pytest.raises(WrongHeaderField, match="requests_hash"):
                apply_block(chain.parent, block_context, replace(header, requests_hash=wrong), ())


def test_genesis_hash_is_in_the_state_from_the_first_block_on(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    before = block_zero.executed.overlay.storage(VALIDATOR_REGISTRY, ValidatorRegistrySlots.GENESIS_HASH)
    first = chain.add()
    second = chain.add()
    hashes = [
        executed.overlay.storage(VALIDATOR_REGISTRY, ValidatorRegistrySlots.GENESIS_HASH).to_bytes(32, "big")
        for executed in (first, second)
    ]
    assert before == 0
    assert hashes == [block_zero.executed.block.block_hash] * 2
    assert first.block.header.height == Height(1)
