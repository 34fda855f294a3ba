"""Actors that as leaders execute by rules of their own: every root of their blocks is right, one rule is broken."""

from contextlib import AbstractContextManager
from unittest.mock import patch

from consensus.chain.block import decode_body, encode_body
from consensus.chain.header import Header
from consensus.chain.transaction import decode_transaction, recover_sender, sign_dynamic_fee_transaction
from consensus.primitives.signatures import address_of_private_key
from node.execution import transition
from node.execution.replay import context_of_header
from node.execution.shares import BlockShares
from node.execution.transition import BlockExecution, SignedTransaction
from node.state.reader import StateReader
from tests.simulator.byzantine.proposals import Leader
from tests.simulator.cluster import CHAIN_ID, FAVOURED_GAS, FAVOURED_QUOTA_GAS, favoured_key, private_key


class Lawless(Leader):
    """Adds transactions to its block and executes it without the rule that forbids them."""

    needs_ledger = True

    def forged(self, header: Header, body: bytes) -> tuple[Header, bytes] | None:
        assert self.node.node is not None
        parent = self.node.node._execution.parent_state(header.parent_hash)
        if parent is None:
            return None
        with self.without_rule():
            execution = BlockExecution(parent, context_of_header(parent, header, CHAIN_ID))
            for raw in (*decode_body(body), *self.added(parent)):
                transaction = decode_transaction(raw)
                execution.apply(SignedTransaction(transaction, recover_sender(transaction)))
            block = execution.seal().block
        return block.header, encode_body(block.transactions)

    def without_rule(self) -> AbstractContextManager[object]:
        """Execute without the rule while the block runs."""
        raise NotImplementedError

    def added(self, parent: StateReader) -> list[bytes]:
        """Return the transactions that do not belong into a block on this state."""
        raise NotImplementedError

    def letters(self, parent: StateReader, key: bytes, count: int) -> list[bytes]:
        """Return transactions of an account that move nothing."""
        sender = address_of_private_key(key)
        account = parent.account(sender)
        first = 0 if account is None else account.nonce
        return [
            sign_dynamic_fee_transaction(
                key, chain_id=CHAIN_ID, nonce=first + number, gas_limit=FAVOURED_GAS, to=sender, data=b""
            )
            for number in range(count)
        ]


class Favourer(Lawless):
    """Fills its blocks with one bank's transactions above the bank's share."""

    above = 1
    """Transactions above the share."""

    def without_rule(self) -> AbstractContextManager[object]:
        return patch.object(BlockShares, "validate", lambda *_: None)

    def added(self, parent: StateReader) -> list[bytes]:
        count = FAVOURED_QUOTA_GAS // FAVOURED_GAS + self.above
        return self.letters(parent, favoured_key(self.cluster.world.seed), count)


class Smuggler(Lawless):
    """Puts a transaction of an account that nobody has registered into its blocks."""

    def without_rule(self) -> AbstractContextManager[object]:
        return patch.object(transition, "find_refusal", lambda *_, **__: None)

    def added(self, parent: StateReader) -> list[bytes]:
        return self.letters(parent, private_key(self.cluster.world.seed, "stranger"), 1)
