"""The end of an epoch in execution: which block it is, what its header commits to, and what the next epoch reads."""

from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from consensus.chain.header import NO_REQUESTS_HASH, Header
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, View
from consensus.simplex.messages import Kind, SigningDomain, Statement, Vote, encode_vote, sign_bytes
from consensus.simplex.validators import decode_set_payload, encode_set_payload, next_set_requests_hash
from contracts.abi import AbiValue
from contracts.addresses import PROTOCOL_CONFIG, VALIDATOR_REGISTRY
from contracts.declarations import encode_call
from contracts.layout import ValidatorRegistrySlots
from contracts.native.directory import lookup
from contracts.native.dispatch import find_function
from contracts.native.validators import VALIDATOR_REGISTRY as VALIDATORS
from contracts.validator_keys import ValidatorKeys, proof_bytes
from node.execution.epoch_state import EpochInForce, read_epoch
from node.execution.errors import WrongHeaderField
from node.execution.genesis_state import Genesis
from node.execution.transition import BlockContext, BlockExecution, ExecutedBlock, SignedTransaction, apply_block
from node.state.reader import StateReader
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CHAIN_ID,
    DAVE_KEY,
    consensus_seed,
    context,
    document,
    genesis,
    payment,
    raw_call,
    signed,
)

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
    assert epoch.previous == epoch.observers == ()


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


def council(nonce: int, function: str, *values: AbiValue, to: Address = VALIDATOR_REGISTRY) -> SignedTransaction:
    """Return a call by the governor of the small network."""
    contract = lookup(to)
    assert contract is not None
    return signed(raw_call(DAVE_KEY, nonce, encode_call(find_function(contract, function), *values), to=to))


def test_council_ends_an_epoch_with_the_block_that_says_so(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    chain.add()
    executed = chain.add(council(0, "endEpoch"), payment(ALICE_KEY, 0, BOB, 5))
    assert [receipt.succeeded for receipt in executed.receipts] == [True, True]
    assert executed.last_of_epoch
    assert chain.in_force().first_height == 3
    flags = [chain.add().last_of_epoch for _ in range(EPOCH_BLOCKS)]
    assert flags == [False] * (EPOCH_BLOCKS - 1) + [True]


def test_epoch_goes_on_after_somebody_else_asks_for_its_end(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    data = encode_call(find_function(VALIDATORS, "endEpoch"))
    executed = chain.add(signed(raw_call(ALICE_KEY, 0, data, to=VALIDATOR_REGISTRY)))
    assert [receipt.succeeded for receipt in executed.receipts] == [False]
    assert not executed.last_of_epoch


def test_suspended_validator_is_missing_from_the_next_set_and_served_one_epoch_more(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    before = chain.in_force()
    out = before.members[1]
    chain.add(council(0, "suspend", out.validator.operator))
    assert chain.in_force() == before
    executed = chain.add(council(1, "endEpoch"))
    after = chain.in_force()
    assert decode_set_payload(executed.next_set_payload)[1] == after.validators.validators
    assert after.members == tuple(member for member in before.members if member != out)
    assert after.previous == before.members
    chain.add(council(2, "endEpoch"))
    assert chain.in_force().previous == after.members


def test_parameters_are_in_force_from_the_next_epochs_first_block_on(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    chain.add(
        council(0, "setParameter", "epoch_blocks_max", 7, to=PROTOCOL_CONFIG),
        council(1, "setParameter", "block_gas_limit", 40_000_000, to=PROTOCOL_CONFIG),
    )
    gas_limits, lasts = [], []
    for _ in range(EPOCH_BLOCKS + 6):
        header = chain.add().block.header
        gas_limits.append(header.gas_limit)
        if chain.executed.last_of_epoch:
            lasts.append(header.height)
    assert lasts == [EPOCH_BLOCKS, EPOCH_BLOCKS + 7]
    before = block_zero.limits.block_gas_max
    assert gas_limits == [before] * (EPOCH_BLOCKS - 1) + [40_000_000] * 7


def test_candidates_may_open_links_before_they_join(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    keys = [SigningKey(bytes((number,)) * 32) for number in (201, 202, 203)]
    public = ValidatorKeys(*(bytes(key.verify_key) for key in keys))
    genesis_hash = block_zero.executed.block.block_hash
    message = proof_bytes(chain_id=CHAIN_ID, genesis_hash=genesis_hash, operator=ALICE, keys=public)
    proofs = [key.sign(message).signature for key in keys]
    data = encode_call(find_function(VALIDATORS, "requestJoin"), "alice", *public.each(), ("alice.example:1",), *proofs)
    joined = chain.add(signed(raw_call(ALICE_KEY, 0, data, to=VALIDATOR_REGISTRY)))
    assert joined.receipts[0].succeeded
    assert chain.in_force().observers == ()
    chain.add(council(0, "approve", ALICE))
    (candidate,) = chain.in_force().observers
    assert (candidate.name, candidate.endpoints) == ("alice", ("alice.example:1",))
    assert candidate.validator.tls_key == public.tls
    ready = encode_call(find_function(VALIDATORS, "ready"))
    chain.add(signed(raw_call(ALICE_KEY, 1, ready, to=VALIDATOR_REGISTRY)), council(1, "endEpoch"))
    epoch = chain.in_force()
    assert epoch.observers == ()
    assert [member.name for member in epoch.members if member.validator.operator == ALICE] == ["alice"]
    assert epoch.validators.count == 5


def test_double_vote_reported_by_anybody_takes_the_culprit_out_with_the_next_epoch(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    key = SigningKey(consensus_seed(2))
    culprit = block_zero.validators.index_of(bytes(key.verify_key))
    assert culprit is not None
    domain = SigningDomain(CHAIN_ID, block_zero.executed.block.block_hash)
    votes = []
    for digest in (b"\x01" * 32, b"\x02" * 32):
        statement = Statement(Kind.NOTARIZE, Epoch(0), View(3), View(2), Hash32(digest))
        votes.append(encode_vote(Vote(statement, culprit, key.sign(sign_bytes(domain, statement)).signature)))
    data = encode_call(find_function(VALIDATORS, "reportEvidence"), *votes)
    reported = chain.add(signed(raw_call(ALICE_KEY, 0, data, to=VALIDATOR_REGISTRY, gas=100_000)))
    assert [receipt.succeeded for receipt in reported.receipts] == [True]
    again = chain.add(signed(raw_call(BOB_KEY, 0, data, to=VALIDATOR_REGISTRY, gas=100_000)))
    assert [receipt.succeeded for receipt in again.receipts] == [False]
    assert chain.in_force().validators.count == 4
    chain.add(council(0, "endEpoch"))
    accused = block_zero.validators.validators[culprit]
    epoch = chain.in_force()
    assert [member.validator for member in epoch.members] == [
        validator for validator in block_zero.validators.validators if validator != accused
    ]
    assert [member.validator for member in epoch.observers] == [accused]


def test_suspended_validator_follows_until_it_is_reinstated(block_zero: Genesis) -> None:
    chain = Chain(block_zero)
    operator = block_zero.validators.validators[2].operator
    chain.add(council(0, "suspend", operator), council(1, "endEpoch"))
    for ended in range(3):
        epoch = chain.in_force()
        assert [member.validator.operator for member in epoch.observers] == [operator]
        assert epoch.validators.count == 3
        chain.add(council(2 + ended, "endEpoch"))
    chain.add(council(5, "reinstate", operator))
    assert [member.validator.operator for member in chain.in_force().observers] == [operator]
