"""A stage for directed scenarios: a real cluster whose links, clocks, disks and crashes the scenario steers.

Every frame that any node sends passes `Stage._leaves`, is remembered there, and may be lost, replaced or added to.
A scenario never looks into a node to judge it: it judges frames, disks and what clients are told, as checkers do.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from nacl.signing import SigningKey

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_HASH, Address, Epoch, Height, ValidatorIndex, View
from consensus.simplex.core_state import CoreState
from consensus.simplex.messages import (
    STATEMENT_BYTES,
    Certificate,
    Kind,
    SigningDomain,
    Statement,
    Vote,
    decode_statement,
    sign_bytes,
)
from contracts.declarations import encode_call
from network.channels import Channel
from network.simulated import WireConditions
from network.transport import PeerKey
from tests.simulator.clients import GAS_LIMIT, TRANSFER
from tests.simulator.cluster import CHAIN_ID, CURRENCY, HEARTBEAT_MS, Cluster, SimulatedNode
from tests.simulator.ledger_model import Payment
from tests.simulator.scenario_checks import ScenarioChecks
from tests.simulator.world import Broken, World

MS = 1_000
"""Microseconds in a millisecond."""

DELTA_MS = 400
"""Δ of the genesis document, which leaves it at its default."""
LEADER_MS = 100 + 300 + 2 * DELTA_MS
"""TL without back-off: interval between blocks, building, and there and back."""
ADVANCE_MS = LEADER_MS + 300 + 2 * DELTA_MS
"""TA without back-off."""
PROMPT_MS = 100
"""Within which a payment is final on ideal wires: six ways of 1 ms, seven jobs and syncs of 1 ms, the interval between
blocks not counted. Eight times of what is measured, and a twelfth of a time-out."""
SLACK_MS = 150
"""What a payment takes beside a time-out: its way to the leaders, and a sound view."""
SETTLING_MS = 15_000
"""Within which a cluster that has just started is linked, has its first block and is silent again."""

CONSENSUS = frozenset((Channel.VOTES, Channel.CERTIFICATES, Channel.PROPOSALS, Channel.CHUNKS))


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame on its way from one validator to another."""

    at_us: int
    sender: int
    receiver: int
    channel: Channel
    payload: bytes
    statement: Statement | None
    """Of a vote, a certificate or a proposal; None for everything else."""

    def says(self, channel: Channel, kind: Kind | None = None, view: int | None = None) -> bool:
        """Tell whether it is on that channel and, where asked, of that kind and view."""
        if self.channel is not channel:
            return False
        statement = self.statement
        if statement is None:
            return kind is None and view is None
        return kind in (None, statement.kind) and view in (None, statement.view)


Loses = Callable[[Frame], bool]
"""Tells whether a frame is lost."""

Acts = Callable[[Frame], Sequence[tuple[Channel, bytes]]]
"""What a Byzantine validator sends instead of a frame."""


class Stage:
    """One scenario's cluster."""

    def __init__(
        self,
        count: int = 4,
        *,
        seed: int = 1,
        byzantine: Sequence[int] = (),
        skews_ms: Sequence[int] = (),
        epoch_blocks: int = 0,
        is_registered_only: bool = False,
    ) -> None:
        """Build the cluster; `skews_ms` are the errors of the validators' clocks, 0 blocks an epoch without end."""
        self.world = World(seed)
        self.cluster = Cluster(
            self.world,
            count,
            byzantine=byzantine,
            epoch_blocks=epoch_blocks,
            is_registered_only=is_registered_only,
        )
        self.count = count
        self.frames: list[Frame] = []
        """Everything that was sent, lost or not."""
        self.printed: list[tuple[int, str]] = []
        """Validator and line of what was printed, where the scenario expects errors."""
        self._rules: list[Loses] = []
        self._acts: dict[int, Acts] = {}
        self._checks = ScenarioChecks()
        self._nonces: dict[Address, int] = {}
        self._places = {peer.key: place for place, peer in enumerate(self.cluster.peers)}
        self._domain = SigningDomain(CHAIN_ID, self.cluster.genesis.executed.block.block_hash)
        for node in self.nodes:
            node.alter = partial(self._leaves, node.index)
        for node, skew_ms in zip(self.nodes, skews_ms, strict=False):
            node.skew_us = skew_ms * MS

    # Who

    @property
    def nodes(self) -> list[SimulatedNode]:
        """All validators by index."""
        return self.cluster.nodes

    @property
    def honest(self) -> list[SimulatedNode]:
        """Validators that run and follow the protocol."""
        return [node for node in self.cluster.honest if node.is_up]

    def leader(self, view: int) -> int:
        """Return who leads a view of the newest epoch that an honest node is in."""
        return self._newest().validators.leader(View(view))

    def others(self, *indices: int) -> list[int]:
        """Return all validators but these."""
        return [index for index in range(self.count) if index not in indices]

    @property
    def view(self) -> int:
        """The highest view an honest node is in, in the newest epoch."""
        return self._newest().view

    @property
    def epoch(self) -> int:
        """The newest epoch that an honest node is in."""
        return self._newest().validators.epoch

    def _newest(self) -> CoreState:
        states = [node.node.machine.state for node in self.honest if node.node is not None]
        return max(states, key=lambda state: (state.validators.epoch, state.view))

    # Time

    @property
    def now_ms(self) -> int:
        """Simulated time; the fraction of a millisecond is dropped."""
        return self.world.now_us // MS

    def run(self, duration_ms: int, until: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass, or until something holds; tell whether it does."""
        return self.world.run_for(duration_ms * MS, until)

    def start(self) -> None:
        """Start everybody, wait until the first block is final everywhere and silence has come."""
        for node in self.nodes:
            node.start()
        self.require(
            "progress", lambda: all(node.height >= 1 for node in self.honest), SETTLING_MS, "no first block is final"
        )
        # The first block was a heartbeat: half of the time to the next one.
        self.run(HEARTBEAT_MS // 2)

    def require(self, checker: str, holds: Callable[[], bool], within_ms: int, otherwise: str) -> int:
        """Wait until something holds and return how many milliseconds it took. Raises: Broken."""
        began_us = self.world.now_us
        if not self.run(within_ms, holds):
            raise Broken(checker, f"{otherwise} within {within_ms} ms; {self.where()}")
        return (self.world.now_us - began_us) // MS

    def where(self) -> str:
        """Say where every node is."""
        told = []
        for node in self.nodes:
            if node.node is None:
                told.append(f"{node.name} down at {node.height}")
            else:
                state = node.node.machine.state
                epoch = state.validators.epoch
                told.append(f"{node.name} height {node.height} epoch {epoch} view {state.view} floor {state.floor}")
        return ", ".join(told)

    # Links

    def lose(self, loses: Loses) -> Loses:
        """Lose frames from now on; returns the rule, for `restore`."""
        self._rules.append(loses)
        return loses

    def restore(self, *rules: Loses) -> None:
        """Take rules back, or all."""
        self._rules = [rule for rule in self._rules if rules and rule not in rules]

    def separate(self, *groups: Iterable[int]) -> Loses:
        """Lose everything between groups; who is in none stands alone."""
        group_of = {index: number for number, group in enumerate(groups) for index in group}
        return self.lose(lambda frame: group_of.get(frame.sender, -1) != group_of.get(frame.receiver, -2))

    def set_latency(self, latency_ms: int) -> None:
        """Make every way take so long."""
        for one in range(self.count):
            for other in range(one):
                self.set_way(one, other, latency_ms)

    def set_way(self, one: int, other: int, latency_ms: int) -> None:
        """Make the way between two validators take so long, in both directions."""
        keys = self.cluster.peers[one].key, self.cluster.peers[other].key
        for sender, receiver in (keys, keys[::-1]):
            self.cluster.hub.set_conditions(sender, receiver, WireConditions(latency_us=latency_ms * MS))

    def is_linked(self, one: int, *others: int) -> bool:
        """Tell whether a node has links to these, or to all others."""
        transport = self.nodes[one].transport
        if transport is None:
            return False
        up = {link.peer.key for link in transport.links() if link.up_for_ms is not None}
        return all(self.cluster.peers[other].key in up for other in others or self.others(one))

    def act(self, index: int, acts: Acts) -> None:
        """Let a Byzantine validator send something else than its node would."""
        assert index in self.cluster.byzantine
        self._acts[index] = acts

    def put(self, sender: int, receiver: int, channel: Channel, payload: bytes) -> None:
        """Send a frame in the name of a link's owner, who did not mean to."""
        transport = self.nodes[sender].transport
        assert transport is not None
        key = self.cluster.peers[receiver].key
        alter, transport.alter = transport.alter, None
        transport.send(key, channel, payload, 0)
        transport.alter = alter

    def sent(self, channel: Channel, kind: Kind | None = None, view: int | None = None, since: int = 0) -> list[Frame]:
        """Return the frames of a channel, kind and view that were sent after the first `since` of all."""
        return [frame for frame in self.frames[since:] if frame.says(channel, kind, view)]

    def _leaves(self, sender: int, peer: PeerKey, channel: Channel, payload: bytes) -> Sequence[tuple[Channel, bytes]]:
        frame = self._frame(sender, self._places[peer], channel, payload)
        acts = self._acts.get(sender)
        meant: Sequence[tuple[Channel, bytes]] = ((channel, payload),) if acts is None else acts(frame)
        passed: list[tuple[Channel, bytes]] = []
        for meant_channel, content in meant:
            made = frame if acts is None else self._frame(sender, frame.receiver, meant_channel, content)
            self.frames.append(made)
            if sender not in self.cluster.byzantine:
                self._checks.frame_leaves(sender, meant_channel, content, self.nodes[sender].disk)
            if self._is_lost(made):
                # It has left its node all the same, and the checkers listen where it leaves.
                self.cluster.checkers.frame_leaves(sender, meant_channel, content, self.nodes[sender].disk)
            else:
                passed.append((meant_channel, content))
        return passed

    def _frame(self, sender: int, receiver: int, channel: Channel, payload: bytes) -> Frame:
        # All three begin with what they say.
        says = channel in (Channel.VOTES, Channel.CERTIFICATES, Channel.PROPOSALS)
        statement = decode_statement(payload[:STATEMENT_BYTES]) if says else None
        return Frame(self.world.now_us, sender, receiver, channel, payload, statement)

    def _is_lost(self, frame: Frame) -> bool:
        return any(loses(frame) for loses in self._rules)

    # Signatures

    def sign(self, index: int, statement: Statement) -> Vote:
        """Sign with a validator's key what it did not say."""
        key = SigningKey(self.cluster.consensus_seeds[index])
        return Vote(statement, ValidatorIndex(index), key.sign(sign_bytes(self._domain, statement)).signature)

    def nullify(self, index: int, view: int) -> Vote:
        """Return a validator's nullify of a view."""
        return self.sign(index, Statement(Kind.NULLIFY, Epoch(self.epoch), View(view), View(0), ZERO_HASH))

    def certificate(self, statement: Statement, signers: Sequence[int]) -> Certificate:
        """Return a certificate signed by these, however few."""
        bitmap = bytearray((self.count + 7) // 8)
        for signer in signers:
            bitmap[signer >> 3] |= 1 << (signer & 7)
        signatures = tuple(self.sign(signer, statement).signature for signer in sorted(signers))
        return Certificate(statement, bytes(bitmap), signatures)

    # Payments

    def pay(self, *to: int, sender: int = 0) -> Payment:
        """Give one payment to some nodes, or to the first that runs, and return it."""
        receiver = self.cluster.senders[(sender + 1) % len(self.cluster.senders)]
        key, owner = self.cluster.sender_keys[sender], self.cluster.senders[sender]
        raw = self._signed(key, owner, CURRENCY, encode_call(TRANSFER, receiver, 1))
        return self._submitted(Payment(raw, owner, self._nonces[owner] - 1, receiver, 1), to)

    def call(self, caller: Address, contract: Address, data: bytes) -> Payment:
        """Give a call of the governor or of an operator to the first node that runs, and return it."""
        raw = self._signed(self.cluster.office_keys[caller], caller, contract, data)
        return self._submitted(Payment(raw, caller, self._nonces[caller] - 1, contract, 0, may_revert=True), ())

    def _signed(self, key: bytes, sender: Address, to: Address, data: bytes) -> bytes:
        nonce = self._nonces.get(sender, 0)
        self._nonces[sender] = nonce + 1
        return sign_dynamic_fee_transaction(key, chain_id=CHAIN_ID, nonce=nonce, gas_limit=GAS_LIMIT, to=to, data=data)

    def _submitted(self, payment: Payment, to: Sequence[int]) -> Payment:
        self.cluster.checkers.submitted[payment.raw] = payment
        for index in to or (self.honest[0].index,):
            self.nodes[index].submit(payment.raw, lambda _verdict: None)
        return payment

    def is_final(self, payment: Payment, *on: int) -> bool:
        """Tell whether a payment is on these disks, or on those of all honest nodes that run."""
        nodes = [self.nodes[index] for index in on] or self.honest
        return all(node.chain.locate(keccak256(payment.raw)) is not None for node in nodes)

    def pay_until_led_by(self, index: int) -> int:
        """Let payments turn the leaders until one has the next view, and return that view. Raises: Broken."""
        payer = self.cluster.honest[0].index
        while self.leader(self.view) != index:
            self.settle(self.pay(payer), 2 * PROMPT_MS)
            self.run(PROMPT_MS)
        return self.view

    def settle(self, payment: Payment, within_ms: int, *on: int, checker: str = "progress") -> int:
        """Wait until a payment is final and return the milliseconds. Raises: Broken."""
        return self.require(checker, lambda: self.is_final(payment, *on), within_ms, "a payment is not final")

    def view_of(self, payment: Payment) -> int:
        """Return the view in which a final payment's block was made."""
        return next(final.view for final in self.cluster.checkers.finals.values() if payment.raw in final.transactions)

    # What must hold

    def require_no_nullify(self, since: int, what: str) -> None:
        """Raises: Broken if an honest validator gave up on a view after the first `since` frames."""
        for frame in self.sent(Channel.VOTES, Kind.NULLIFY, since=since):
            if frame.sender not in self.cluster.byzantine and frame.statement is not None:
                raise Broken("idle_quiet", f"{what}: v{frame.sender} nullifies view {frame.statement.view}")

    def require_silence(self, duration_ms: int, what: str) -> None:
        """Let a duration pass in which nobody says anything of consensus. Raises: Broken."""
        before = len(self.frames)
        self.run(duration_ms)
        for frame in self.frames[before:]:
            if frame.channel in CONSENSUS and frame.sender not in self.cluster.byzantine:
                shown = "" if frame.statement is None else f" {frame.statement.kind.name} {frame.statement.view}"
                raise Broken("idle_quiet", f"{what}: v{frame.sender} sends {frame.channel.name.lower()}{shown}")

    def expect_errors(self) -> None:
        """Let nodes print errors: the scenario looks at them itself."""
        for node in self.nodes:
            node.printed = partial(self._hear, node.index)  # type: ignore[method-assign]  # an ear instead of a judge

    def printed_by(self, index: int, word: str) -> list[str]:
        """Return the lines with a word that a validator printed since errors are expected."""
        return [line for printer, line in self.printed if printer == index and word in line.split()]

    def _hear(self, index: int, line: str) -> None:
        self.printed.append((index, line))

    def finish(self) -> None:
        """Compare evidence and disks. Raises: Broken."""
        checkers = self.cluster.checkers
        for node in self.honest:
            checkers.check_evidence(node.name, node.heard, node.accused)
        running = self.honest
        self.cluster.close()
        checkers.check_disks((node.index, node.disk) for node in running)

    def header_time_ms(self, height: int) -> int:
        """Return the timestamp of a final block in milliseconds."""
        for node in self.nodes:
            header = node.chain.header(Height(height))
            if header is not None:
                return header.timestamp_ms
        raise Broken("progress", f"height {height} is on no disk")
