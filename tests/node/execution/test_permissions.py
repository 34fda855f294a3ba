"""Who may send and deploy is part of block validity, and follows every transaction of the block."""

from dataclasses import replace

import pytest

from consensus.chain.errors import InvalidGenesis
from consensus.chain.genesis import GenesisBank
from consensus.primitives.scalars import Address
from contracts.addresses import ACCOUNT_REGISTRY, PROTOCOL_CONFIG
from contracts.declarations import encode_call
from contracts.native.accounts import ACCOUNT_REGISTRY as ACCOUNTS
from contracts.native.dispatch import find_function
from contracts.native.protocol_config import PROTOCOL_CONFIG as CONFIG
from node.execution.builder import build_block
from node.execution.errors import TransactionNotAllowed
from node.execution.transition import BlockExecution, SignedTransaction, apply_block
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CAROL_KEY,
    DAVE_KEY,
    context,
    document,
    genesis,
    payment,
    raw_call,
    signed,
)

REASON = b"\x07" * 32


class Network:
    """A block in the making; Dave governs, Alice is a bank that sponsors Bob, Carol is unknown."""

    def __init__(self) -> None:
        self.block_zero = genesis()
        self.context = context(self.block_zero)
        self.execution = BlockExecution(self.block_zero.executed.overlay, self.context)
        self.nonces: dict[bytes, int] = {}
        self.sent: list[SignedTransaction] = []
        self.does(DAVE_KEY, ACCOUNT_REGISTRY, "registerBank", ALICE, "Alice", "ALICDEFF", 1_000)
        self.does(ALICE_KEY, ACCOUNT_REGISTRY, "registerAccount", BOB, 1)
        self.does(DAVE_KEY, PROTOCOL_CONFIG, "setAccountMode", 1)

    def apply(self, key: bytes, transaction: SignedTransaction) -> None:
        assert self.execution.apply(transaction).succeeded
        self.nonces[key] = self.nonces.get(key, 0) + 1
        self.sent.append(transaction)

    def does(self, key: bytes, to: Address, function: str, *values: bytes | int | str) -> None:
        contract = CONFIG if to == PROTOCOL_CONFIG else ACCOUNTS
        data = encode_call(find_function(contract, function), *values)
        self.apply(key, signed(raw_call(key, self.nonces.get(key, 0), data, to=to)))

    def pays(self, key: bytes) -> None:
        self.apply(key, payment(key, self.nonces.get(key, 0), ALICE, 1))

    def deploys(self, key: bytes) -> None:
        self.apply(key, signed(raw_call(key, self.nonces.get(key, 0), b"\x00", to=None)))


def test_registered_accounts_and_the_governor_send_and_an_unknown_one_does_not() -> None:
    network = Network()
    for key in (ALICE_KEY, BOB_KEY):
        network.pays(key)
    with pytest.raises(TransactionNotAllowed) as caught:
        network.pays(CAROL_KEY)
    assert caught.value.rule == "not_registered"
    network.does(DAVE_KEY, PROTOCOL_CONFIG, "setAccountMode", 0)
    network.pays(CAROL_KEY)


def test_a_suspension_and_its_end_hold_from_the_next_transaction_of_the_block() -> None:
    network = Network()
    network.pays(BOB_KEY)
    network.does(ALICE_KEY, ACCOUNT_REGISTRY, "suspend", BOB, REASON)
    with pytest.raises(TransactionNotAllowed) as caught:
        network.pays(BOB_KEY)
    assert caught.value.rule == "suspended"
    network.does(ALICE_KEY, ACCOUNT_REGISTRY, "reinstate", BOB)
    network.pays(BOB_KEY)


def test_sending_and_deploying_need_their_permissions() -> None:
    network = Network()
    with pytest.raises(TransactionNotAllowed) as caught:
        network.deploys(BOB_KEY)
    assert caught.value.rule == "may_not_deploy"
    network.does(ALICE_KEY, ACCOUNT_REGISTRY, "setPermissions", BOB, 3)
    network.deploys(BOB_KEY)
    network.does(ALICE_KEY, ACCOUNT_REGISTRY, "setPermissions", BOB, 2)
    with pytest.raises(TransactionNotAllowed) as caught:
        network.pays(BOB_KEY)
    assert caught.value.rule == "may_not_send"


def test_a_hostile_leaders_block_with_an_unregistered_sender_is_rejected() -> None:
    network = Network()
    parent = network.block_zero.executed.overlay
    honest = network.execution.seal().block.header
    intruder = payment(CAROL_KEY, 0, ALICE, 1)
    with pytest.raises(TransactionNotAllowed, match="not_registered"):
        apply_block(parent, network.context, honest, [*network.sent, intruder])
    assert apply_block(parent, network.context, honest, network.sent).block.header == honest


def test_a_leader_leaves_an_unregistered_senders_transaction_out() -> None:
    network = Network()
    intruder = payment(CAROL_KEY, 0, ALICE, 1)
    parent = network.block_zero.executed.overlay
    executed, _ = build_block(parent, network.context, [*network.sent, intruder])
    assert len(executed.transaction_hashes) == len(network.sent)


def test_accounts_of_a_genesis_document_may_send_in_its_first_block_and_no_others() -> None:
    banks = (GenesisBank(ALICE, "Alice", "ALICDEFF", 400_000, ((BOB, 1),)),)
    block_zero = genesis(replace(document(parameters=(("account_mode", 1),)), banks=banks))
    execution = BlockExecution(block_zero.executed.overlay, context(block_zero))
    for key in (ALICE_KEY, BOB_KEY):
        assert execution.apply(payment(key, 0, ALICE, 1)).succeeded
    with pytest.raises(TransactionNotAllowed, match="not_registered"):
        execution.apply(payment(CAROL_KEY, 0, ALICE, 1))
    with pytest.raises(TransactionNotAllowed, match="bank_share"):
        execution.apply(payment(BOB_KEY, 1, ALICE, 1))


def test_a_genesis_document_sets_the_mode_and_no_third_one() -> None:
    for mode, refused in ((0, None), (1, "not_registered")):
        block_zero = genesis(document(parameters=(("account_mode", mode),)))
        execution = BlockExecution(block_zero.executed.overlay, context(block_zero))
        if refused is None:
            assert execution.apply(payment(ALICE_KEY, 0, BOB, 1)).succeeded
        else:
            with pytest.raises(TransactionNotAllowed, match=refused):
                execution.apply(payment(ALICE_KEY, 0, BOB, 1))
    with pytest.raises(InvalidGenesis, match="account_mode"):
        genesis(document(parameters=(("account_mode", 2),)))
