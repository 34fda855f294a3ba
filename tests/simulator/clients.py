"""People who pay through the nodes of a simulation, and remember what they were told is final."""

import random
from collections.abc import Sequence

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY as CURRENCY_CONTRACT
from contracts.native.dispatch import find_function
from tests.simulator.cluster import CHAIN_ID, CURRENCY, OPENING_MINOR, Cluster, SimulatedNode
from tests.simulator.ledger_model import Payment

RETRY_US = 2_000_000
"""How long a client waits for its payment before it tries another node."""

IN_FLIGHT_MAX = 60
"""Payments of one sender that are not final yet; a client with more of them waits."""

GAS_LIMIT = 200_000
LETTER_GAS_LIMIT = 3_000_000
"""40 gas for each of 60 000 bytes, which is the floor of EIP-7623, and the transaction itself."""
TRANSFER = find_function(CURRENCY_CONTRACT, "transfer")


class Clients:
    """Every sender with its payments in the order of their nonces."""

    renewed_us = 2_000_000

    def __init__(self, cluster: Cluster, *, payments_per_s: int, letter_bytes: int) -> None:
        self._cluster = cluster
        self._world = cluster.world
        self._drawn: random.Random = cluster.world.generator("load")
        self._per_s = payments_per_s
        self._letter_bytes = letter_bytes
        self._open: list[list[Payment]] = [[] for _ in cluster.senders]
        self._nonces = [0] * len(cluster.senders)
        self._told: list[Payment] = []
        self._is_paying = payments_per_s > 0
        self.audience: list[SimulatedNode] = cluster.nodes
        """Nodes that clients talk to."""

    @property
    def open_count(self) -> int:
        """Payments no client was told to be final yet."""
        return sum(len(lane) for lane in self._open)

    @property
    def told_count(self) -> int:
        """Payments that a client was told to be final."""
        return len(self._told)

    def start(self) -> None:
        """Begin to pay and to ask."""
        if self._is_paying:
            self._pay_later()
        self._world.schedule(self._world.now_us + RETRY_US, self._ask_all)

    def renew(self) -> None:
        """Let every sender pay once at once."""
        for number in range(len(self._open)):
            self.pay(number)

    def stop_paying(self) -> None:
        """Make no new payments; the old ones are still asked for."""
        self._is_paying = False

    def pay(self, number: int) -> None:
        """Make one payment of a sender and give it to some node."""
        nonce = self._nonces[number]
        self._nonces[number] += 1
        drawn = self._drawn
        to = drawn.choice(self._cluster.senders) if drawn.randrange(10) else Address(drawn.randbytes(20))
        # One in fifty asks for more than there is: it is included and reverts.
        amount = drawn.randrange(1, 1_000) if drawn.randrange(50) else OPENING_MINOR * 10
        if self._letter_bytes and drawn.randrange(8) == 0:
            # A letter moves no money: call data for an account without code.
            to, amount, contract = Address(drawn.randbytes(20)), 0, None
            data, gas = drawn.randbytes(drawn.randrange(self._letter_bytes)), LETTER_GAS_LIMIT
        else:
            data, gas, contract = encode_call(TRANSFER, to, amount), GAS_LIMIT, CURRENCY
        raw = sign_dynamic_fee_transaction(
            self._cluster.sender_keys[number],
            chain_id=CHAIN_ID,
            nonce=nonce,
            gas_limit=gas,
            to=to if contract is None else contract,
            data=data,
        )
        payment = Payment(raw, self._cluster.senders[number], nonce, to, amount)
        self._cluster.checkers.submitted[raw] = payment
        self._open[number].append(payment)
        self._submit([payment])

    def _pay_later(self) -> None:
        # A Poisson stream would need a float; a uniform wait of the same mean is as good. Rounds down to microseconds.
        self._world.schedule(self._world.now_us + self._drawn.randrange(2_000_000 // self._per_s + 1), self._pay_next)

    def _pay_next(self) -> None:
        if not self._is_paying:
            return
        number = self._drawn.randrange(len(self._open))
        if len(self._open[number]) < IN_FLIGHT_MAX:
            self.pay(number)
        self._pay_later()

    def _submit(self, payments: Sequence[Payment]) -> None:
        running = [node for node in self.audience if node.is_up]
        if not running:
            return
        node = self._drawn.choice(running)
        for payment in payments:
            node.submit(payment.raw, lambda verdict, node=node: self._note(node, verdict))  # type: ignore[misc]

    def _note(self, node: SimulatedNode, answer: str) -> None:
        self._world.trace.note(self._world.now_us, node.name, "rpc", answer)

    def _ask_all(self) -> None:
        """Ask some node for every open payment, and submit again through another what is not final."""
        for lane in self._open:
            if lane:
                self._ask_open(lane)
        if self._told:
            for _ in range(3):
                payment = self._drawn.choice(self._told)
                self._ask(payment)
        self._world.schedule(self._world.now_us + RETRY_US, self._ask_all)

    def _ask_open(self, lane: list[Payment]) -> None:
        while lane and self._ask(lane[0]):
            self._told.append(lane.pop(0))
        self._submit(lane)

    def _ask(self, payment: Payment) -> bool:
        """Ask a node whose disk is honest where a payment is; tell whether it is final."""
        running = [node for node in self.audience if node.is_up and node.index not in self._cluster.byzantine]
        if not running:
            return False
        node = self._drawn.choice(running)
        located = node.chain.locate(keccak256(payment.raw))
        self._note(node, f"located {located}")
        self._cluster.checkers.client_told(node.index, payment.raw, located, node.disk)
        return located is not None
