"""People who pay through the nodes of a simulation, and remember what they were told is final."""

import random
from collections.abc import Sequence

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS, Address, Height
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY as CURRENCY_CONTRACT
from contracts.native.dispatch import find_function
from tests.simulator.cluster import CHAIN_ID, CURRENCY, OPENING_MINOR, Cluster, SimulatedNode
from tests.simulator.contract_users import ContractUsers
from tests.simulator.knobs import Knobs
from tests.simulator.ledger_model import Payment

RETRY_US = 2_000_000
"""How long a client waits for its payment before it tries another node."""

FLOOD = 30
"""Payments that one sender makes at once when it floods."""

IN_FLIGHT_MAX = 60
"""Payments of one sender that are not final yet; a client with more of them waits."""

GAS_LIMIT = 200_000
LETTER_GAS_LIMIT = 3_000_000
"""40 gas for each of 60 000 bytes, which is the floor of EIP-7623, and the transaction itself."""
TRANSFER = find_function(CURRENCY_CONTRACT, "transfer")


class Clients:
    """Every sender with its payments in the order of their nonces."""

    renewed_us = 2_000_000

    def __init__(self, cluster: Cluster, *, knobs: Knobs) -> None:
        payments_per_s = knobs.payments_per_s
        self._cluster = cluster
        self._world = cluster.world
        self._drawn: random.Random = cluster.world.generator("load")
        self._per_s = payments_per_s
        self._letter_bytes = knobs.letter_bytes
        self._odd_per_mille = knobs.odd_per_mille
        self._contracts = ContractUsers(cluster.world.generator("contracts"), knobs.contracts_per_mille)
        self._reads_per_s = knobs.reads_per_s
        self._reading = cluster.world.generator("reads")
        self._keys = dict(zip(cluster.senders, cluster.sender_keys, strict=True)) | cluster.office_keys
        self._callers = list(self._keys)
        """Senders of payments, then whoever else has a key."""
        self._open: list[list[Payment]] = [[] for _ in self._callers]
        self._nonces = [0] * len(self._callers)
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
        if self._reads_per_s:
            self._read_later()

    def renew(self) -> None:
        """Let every sender pay once at once."""
        for number in range(len(self._cluster.senders)):
            self.pay(number)

    def call(self, caller: Address, to: Address, data: bytes) -> None:
        """Call a contract from an account that pays nobody."""
        self._send(self._callers.index(caller), to, data, GAS_LIMIT, to, 0, may_revert=True)

    def waits_for(self, *callers: Address) -> bool:
        """Tell whether anything of these accounts is not final yet."""
        return any(self._open[self._callers.index(caller)] for caller in callers)

    def stop_paying(self) -> None:
        """Make no new payments; the old ones are still asked for."""
        self._is_paying = False

    def pay(self, number: int, *, waits_us: int = 0) -> None:
        """Make one payment of a sender and give it to some node, at once or later."""
        drawn = self._drawn
        wanted = self._contracts.next_wish(self._callers[number], self._nonces[number])
        if wanted is not None:
            to = wanted.to or ZERO_ADDRESS
            self._send(number, to, wanted.data, wanted.gas_limit, wanted.to, 0, waits_us=waits_us, may_revert=True)
            return
        to = drawn.choice(self._cluster.senders) if drawn.randrange(10) else Address(drawn.randbytes(20))
        # One in fifty asks for more than there is: it is included and reverts.
        amount = drawn.randrange(1, 1_000) if drawn.randrange(50) else OPENING_MINOR * 10
        if self._letter_bytes and drawn.randrange(8) == 0:
            # A letter moves no money: call data for an account without code.
            to, amount, contract = Address(drawn.randbytes(20)), 0, None
            data, gas = drawn.randbytes(drawn.randrange(self._letter_bytes)), LETTER_GAS_LIMIT
        else:
            data, gas, contract = encode_call(TRANSFER, to, amount), GAS_LIMIT, CURRENCY
        self._send(number, to, data, gas, to if contract is None else contract, amount, waits_us=waits_us)

    def _send(
        self,
        number: int,
        to: Address,
        data: bytes,
        gas: int,
        contract: Address | None,
        amount: int,
        *,
        waits_us: int = 0,
        may_revert: bool = False,
    ) -> None:
        nonce, caller = self._nonces[number], self._callers[number]
        self._nonces[number] += 1
        raw = sign_dynamic_fee_transaction(
            self._keys[caller], chain_id=CHAIN_ID, nonce=nonce, gas_limit=gas, to=contract, data=data
        )
        payment = Payment(raw, caller, nonce, to, amount, may_revert)
        self._cluster.checkers.submitted[raw] = payment
        self._open[number].append(payment)
        if waits_us:
            self._world.schedule(self._world.now_us + waits_us, lambda: self._submit([payment]))
        else:
            self._submit([payment])

    def _read_later(self) -> None:
        mean_us = 1_000_000 // self._reads_per_s
        self._world.schedule(self._world.now_us + self._reading.randint(1, 2 * mean_us), self._read)

    def _read(self) -> None:
        """Ask some node for some height."""
        nodes = [node for node in self._cluster.honest if node.is_up and not node.is_paused]
        if nodes:
            node = self._reading.choice(nodes)
            head = node.height
            height = Height(self._reading.randint(0, head))
            header = node.chain.header_rlp(height)
            assert header is not None
            self._cluster.checkers.answered(node.index, height, keccak256(header), head, node.disk)
            self._note(node, f"read {height}")
        self._read_later()

    def _pay_later(self) -> None:
        # A Poisson stream would need a float; a uniform wait of the same mean is as good. Rounds down to microseconds.
        self._world.schedule(self._world.now_us + self._drawn.randrange(2_000_000 // self._per_s + 1), self._pay_next)

    def _pay_next(self) -> None:
        if not self._is_paying:
            return
        number = self._drawn.randrange(len(self._cluster.senders))
        count = 1
        if self._drawn.randrange(1_000) < self._odd_per_mille:
            count = self._be_odd(number)
        for _ in range(min(count, IN_FLIGHT_MAX - len(self._open[number]))):
            self.pay(number)
        self._pay_later()

    def _be_odd(self, number: int) -> int:
        """Do what careless and hostile clients do; return how many payments follow at once."""
        lane = self._open[number]
        way = self._drawn.randrange(4)
        if way == 0:
            self._submit_raw(self._drawn.randbytes(self._drawn.randrange(1, 200)))
        elif way == 1 and lane:
            # Once more, cut off at the end; and once more as it was, perhaps to another node.
            self._submit_raw(lane[-1].raw[:-1])
            self._submit([lane[-1]])
        elif way == 2:
            # The later nonce first: this one waits for a while, its successor does not.
            self.pay(number, waits_us=self._drawn.randint(1, RETRY_US))
        else:
            return FLOOD
        return 1

    def _submit_raw(self, raw: bytes) -> None:
        running = [node for node in self.audience if node.is_up]
        if running:
            node = self._drawn.choice(running)
            node.submit(raw, lambda verdict: self._note(node, verdict))

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
