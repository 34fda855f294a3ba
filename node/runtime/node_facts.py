"""Collects what a node knows of itself at one moment."""

import os
import resource
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from consensus.chain.genesis import GenesisDocument
from consensus.chain.header import Header
from consensus.primitives.scalars import Height, ValidatorIndex, View
from consensus.simplex.machine import Machine
from contracts.addresses import CURRENCY_REGISTRY, currency_address
from contracts.layout import CurrencyRegistrySlots, CurrencySlots, read_packed, read_text
from network.transport import Transport
from node.chain.store import ChainStore
from node.mempool.pool import Pool
from node.observe.build_info import build_facts
from node.observe.facts import LinkFacts, NodeFacts, ResumeFacts, SupplyFacts, ValidatorFacts
from node.runtime.epochs import Epochs
from node.runtime.ports import Clock
from node.state.reader import StateReader

RECENT_BLOCKS = 50
"""Final blocks over which signatures are counted."""


@dataclass(frozen=True, slots=True)
class FactSources:
    """Where the facts come from."""

    document: GenesisDocument
    epochs: Epochs
    role: str
    name: str
    machine: Machine
    chain: ChainStore
    pool: Pool
    transport: Callable[[], Transport]
    height_best: Callable[[], Height]
    is_syncing: Callable[[], bool]
    evidence_count: Callable[[], int]
    sync_durations_us: Callable[[], list[int]]
    clock: Clock
    data_folder: Path
    resume: Callable[[], ResumeFacts | None]


class FactCollector:
    """Remembers recent final blocks and log syncs, and puts the picture together. Owned by the loop thread."""

    def __init__(self, sources: FactSources) -> None:
        self._sources = sources
        self._recent: deque[tuple[int, tuple[ValidatorIndex, ...]]] = deque(maxlen=RECENT_BLOCKS)
        self._nullified: dict[ValidatorIndex, int] = {}
        self._led: dict[ValidatorIndex, int] = {}
        self._started_ms = sources.clock.now_ms()
        self.loop_ran_ms = self._started_ms

    def view_judged(self, height: Height, voters: tuple[ValidatorIndex, ...]) -> None:
        """Count who voted in the view in which a block became final; called when late votes have had their time."""
        self._recent.append((height, voters))

    def epoch_began(self) -> None:
        """Count anew: indexes belong to other validators now."""
        self._recent.clear()
        self._nullified.clear()
        self._led.clear()

    def block_final(self, header: Header, view_final: View, view_before: int) -> None:
        """Count a final block: whose views before it were given up."""
        validators = self._sources.epochs.validators
        for view in range(view_before + 1, view_final + 1):
            leader = validators.leader(View(view))
            self._led[leader] = self._led.get(leader, 0) + 1
            if view < header.view:
                self._nullified[leader] = self._nullified.get(leader, 0) + 1

    def collect(self) -> NodeFacts:
        """Return the node at this moment."""
        sources = self._sources
        now_ms = sources.clock.now_ms()
        head = sources.chain.final_head()
        header = sources.chain.header(head.height)
        assert header is not None
        state = sources.machine.state
        oldest_ms = sources.pool.oldest_arrival_ms()
        usage = shutil.disk_usage(sources.data_folder)
        sorted_fsync = sorted(sources.sync_durations_us())
        return NodeFacts(
            build=build_facts(),
            role=sources.role,
            name=sources.name,
            chain_id=sources.document.chain_id,
            network_name=sources.document.name,
            genesis_hash=sources.chain.genesis_hash(),
            validator_index=sources.epochs.own_index,
            validators=self._validator_facts(),
            quorum=state.validators.quorum,
            epoch=state.validators.epoch,
            epoch_height_first=sources.epochs.current.first_height,
            epoch_blocks_max=state.parameters.epoch_blocks_max,
            view=state.view,
            view_final=state.floor,
            height_final=head.height,
            hash_final=head.block_hash,
            state_root=header.state_root,
            timestamp_final_ms=header.timestamp_ms,
            final_age_ms=now_ms - state.final_at,
            empty_block_interval_ms=state.parameters.empty_block_interval_ms,
            height_best=sources.height_best(),
            is_syncing=sources.is_syncing(),
            links=tuple(
                LinkFacts(
                    peer=link.peer.name,
                    is_up=link.hello is not None,
                    rtt_ms=link.round_trip_ms,
                    clock_offset_ms=None,
                )
                for link in sources.transport().links()
            ),
            recent_window_blocks=len(self._recent),
            pending_count=len(sources.pool),
            pending_max=sources.pool.limits.transactions_max,
            pending_oldest_age_ms=0 if oldest_ms is None else now_ms - oldest_ms,
            loop_idle_ms=now_ms - self.loop_ran_ms,
            is_wal_writable=True,
            # The 99th percentile by rank; the division rounds down to a sample that exists.
            wal_fsync_p99_us=sorted_fsync[len(sorted_fsync) * 99 // 100] if sorted_fsync else 0,
            disk_free_thousandths=usage.free * 1000 // usage.total,
            resident_bytes=_resident_bytes(),
            evidence_count=sources.evidence_count(),
            uptime_ms=now_ms - self._started_ms,
            supplies=read_supplies(sources.chain.state_at(head.height)),
            resume=sources.resume(),
            voting_stopped="" if state.stopped is None else state.stopped.explanation,
        )

    def _validator_facts(self) -> tuple[ValidatorFacts, ...]:
        signed: dict[ValidatorIndex, int] = {}
        for _, signers in self._recent:
            for signer in signers:
                signed[signer] = signed.get(signer, 0) + 1
        return tuple(
            ValidatorFacts(
                index=ValidatorIndex(index),
                name=member.name,
                operator=member.validator.operator,
                consensus_key=member.validator.consensus_key,
                endpoints=member.endpoints,
                nullified_views=self._nullified.get(ValidatorIndex(index), 0),
                led_views=self._led.get(ValidatorIndex(index), 0),
                signed_blocks=signed.get(ValidatorIndex(index), 0),
            )
            for index, member in enumerate(self._sources.epochs.current.members)
        )


def read_supplies(state: StateReader) -> tuple[SupplyFacts, ...]:
    """Return the total supply of every currency, by id."""
    supplies = []
    for currency_id in range(1, state.storage(CURRENCY_REGISTRY, CurrencyRegistrySlots.COUNT) + 1):
        address = currency_address(currency_id)
        flags = state.storage(address, CurrencySlots.FLAGS)
        code = read_text(partial(state.storage, address), CurrencySlots.SYMBOL)
        supplies.append(
            SupplyFacts(
                code=code.decode(),
                decimals=read_packed(flags, offset_bits=0, bits=8),
                supply_minor=state.storage(address, CurrencySlots.TOTAL_SUPPLY),
            )
        )
    return tuple(supplies)


def _resident_bytes() -> int:
    """Return the memory this process holds now, in bytes (Linux; elsewhere the peak)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")
