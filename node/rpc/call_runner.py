"""Executes for clients on the calls thread: bounded in number and in time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from consensus.chain.transaction import decode_transaction
from consensus.primitives.scalars import Height, TimestampMs, WorkUnits
from node.chain.store import ChainStore
from node.execution.calls import CallOutcome, CallRequest, estimate_gas, execute_call
from node.execution.epoch_state import read_limits
from node.execution.meter import DeadlineMeter, DeadlinePassed, WorkMeter
from node.execution.replay import ReplaySite, replay_block
from node.execution.transition import BlockContext, SignedTransaction
from node.rpc.backend import VIEW_WORK_MAX, CallSite
from node.rpc.errors import CallsOverloaded, CallTimedOut
from node.runtime.ports import Clock, Lane, Workers
from node.storage.errors import MissingRecord

T = TypeVar("T")

CALLS_QUEUED_MAX = 64
"""Jobs that wait for the calls thread; more would wait longer than clients do."""


class CallRunner:
    """Owned by the loop thread."""

    def __init__(
        self,
        *,
        chain: ChainStore,
        chain_id: int,
        workers: Workers,
        clock: Clock,
        call_timeout_ms: int,
    ) -> None:
        """`call_timeout_ms` is how long a client waits for the calls thread at most."""
        self._chain = chain
        self._chain_id = chain_id
        self._workers = workers
        self._clock = clock
        self._call_timeout_ms = call_timeout_ms
        self._queued = 0

    async def compute(self, job: Callable[[], T]) -> T:
        """Run `job` on the calls thread. Raises: CallsOverloaded, CallTimedOut."""
        if self._queued >= CALLS_QUEUED_MAX:
            raise CallsOverloaded(CALLS_QUEUED_MAX)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(result: T) -> None:
            self._queued -= 1
            if not future.done():
                future.set_result(result)

        def failed(error: BaseException) -> None:
            self._queued -= 1
            if not future.done():
                future.set_exception(error)

        self._queued += 1
        self._workers.submit(Lane.CALLS, job, done, failed)
        try:
            return await asyncio.wait_for(future, self._call_timeout_ms / 1000)
        except (TimeoutError, DeadlinePassed) as error:
            raise CallTimedOut(self._call_timeout_ms) from error

    async def execute(self, height: Height, job: Callable[[CallSite], T]) -> T:
        """Run `job` on the calls thread with the state after `height`. Raises: CallsOverloaded, CallTimedOut."""
        site = self._site(height)
        return await self.compute(lambda: job(site))

    async def call(self, request: CallRequest, height: Height) -> CallOutcome:
        """Execute a call on the state after `height`, leaving no trace."""
        return await self.execute(
            height, lambda site: execute_call(site.state, site.context, request, site.make_meter(VIEW_WORK_MAX))
        )

    async def estimate_gas(self, request: CallRequest, height: Height) -> tuple[int, CallOutcome]:
        """Return the gas limit a call needs, and its outcome with that limit or with the highest."""

        def estimate(site: CallSite) -> tuple[int, CallOutcome]:
            limits = site.context.limits

            def run(gas_limit: int) -> CallOutcome:
                limited = request.with_gas_limit(gas_limit)
                return execute_call(site.state, site.context, limited, site.make_meter(limits.transaction_work_max))

            return estimate_gas(run, min(request.gas_limit, limits.block_gas_max))

        return await self.execute(height, estimate)

    async def replay(self, height: Height, job: Callable[[ReplaySite], T], *, only: int | None = None) -> list[T]:
        """Execute a final block above genesis once more and return what `job` makes of each transaction, or of one.

        Raises: CallsOverloaded, CallTimedOut, Pruned.
        """
        block, results = self._chain.block(height), self._chain.results(height)
        if block is None or results is None:
            raise MissingRecord(f"block {height}")
        make_meter = self._meters()
        parent = self._chain.state_at(Height(height - 1))
        signed = [
            SignedTransaction(decode_transaction(raw), sender)
            for raw, sender in zip(block.transactions, results.senders, strict=True)
        ]

        def watch() -> list[T]:
            sites = replay_block(parent, block.header, self._chain_id, signed, make_meter, only=only)
            return [job(site) for site in sites]

        return await self.compute(watch)

    def _site(self, height: Height) -> CallSite:
        found = self._chain.header_with_hash(height)
        if found is None:
            raise MissingRecord(f"header {height}")
        header, _, block_hash = found
        state = self._chain.state_at(height)
        context = BlockContext(
            chain_id=self._chain_id,
            parent_hash=block_hash,
            height=Height(height + 1),
            timestamp_ms=max(self._clock.now_ms(), header.timestamp_ms),
            leader=header.leader,
            epoch=header.epoch,
            view=header.view,
            limits=read_limits(state),
        )
        return CallSite(state, context, self._meters())

    def _meters(self) -> Callable[[WorkUnits], WorkMeter]:
        """Return what makes meters with the deadline of a request that begins now."""
        now_ms = self._clock.now_ms
        deadline_ms = TimestampMs(now_ms() + self._call_timeout_ms)
        return lambda work_max: DeadlineMeter(work_max, now_ms=now_ms, deadline_ms=deadline_ms)
