"""Executes for clients on the calls thread: bounded in number and in time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from consensus.primitives.scalars import Height, TimestampMs, WorkUnits
from node.chain.store import ChainStore
from node.execution.calls import CallOutcome, CallRequest, estimate_gas, execute_call
from node.execution.limits import BlockLimits
from node.execution.meter import DeadlineMeter, DeadlinePassed
from node.execution.transition import BlockContext
from node.rpc.errors import CallsOverloaded, CallTimedOut
from node.runtime.ports import Clock, Lane, Workers
from node.state.reader import StateReader
from node.storage.errors import MissingRecord

T = TypeVar("T")

CALLS_QUEUED_MAX = 64
"""Jobs that wait for the calls thread; more would wait longer than clients do."""

VIEW_WORK_MAX = WorkUnits(1_000_000_000)
"""Work of a call that is no transaction: its deadline comes first."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a call is executed: after a final block."""

    state: StateReader
    context: BlockContext
    make_meter: Callable[[WorkUnits], DeadlineMeter]
    """Makes a meter with a work limit and the deadline of this request."""


class CallRunner:
    """Owned by the loop thread."""

    def __init__(
        self,
        *,
        chain: ChainStore,
        chain_id: int,
        limits: Callable[[], BlockLimits],
        workers: Workers,
        clock: Clock,
        call_timeout_ms: int,
    ) -> None:
        """`call_timeout_ms` is how long a client waits for the calls thread at most."""
        self._chain = chain
        self._chain_id = chain_id
        self._limits = limits
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
            work_max = site.context.limits.transaction_work_max

            def run(gas_limit: int) -> CallOutcome:
                limited = request.with_gas_limit(gas_limit)
                return execute_call(site.state, site.context, limited, site.make_meter(work_max))

            return estimate_gas(run, min(request.gas_limit, site.context.limits.block_gas_max))

        return await self.execute(height, estimate)

    def _site(self, height: Height) -> CallSite:
        found = self._chain.header_with_hash(height)
        if found is None:
            raise MissingRecord(f"header {height}")
        header, _, block_hash = found
        now_ms = self._clock.now_ms
        deadline_ms = TimestampMs(now_ms() + self._call_timeout_ms)
        context = BlockContext(
            chain_id=self._chain_id,
            parent_hash=block_hash,
            height=Height(height + 1),
            timestamp_ms=max(now_ms(), header.timestamp_ms),
            leader=header.leader,
            epoch=header.epoch,
            view=header.view,
            limits=self._limits(),
        )

        def make_meter(work_max: WorkUnits) -> DeadlineMeter:
            return DeadlineMeter(work_max, now_ms=now_ms, deadline_ms=deadline_ms)

        return CallSite(self._chain.state_at(height), context, make_meter)
