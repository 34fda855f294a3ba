"""JSON-RPC of a running node: the server as its operator configured it.

API keys and the TLS certificate are read again when their files change: a key that was revoked stops within seconds,
and a renewed certificate needs no restart. A file that cannot be used leaves what is in force and is logged.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from node.config import RpcSection
from node.dev_accounts import DEV_KEYS
from node.mempool.pool import PooledTransaction
from node.observe.logs import EventLog
from node.observe.metrics import Metrics
from node.rpc.access import Access
from node.rpc.backend import Backend
from node.rpc.dev_keys import NO_KEYS, DevKeys
from node.rpc.key_file import InvalidKeyFile, read_keys
from node.rpc.methods import RpcLimits
from node.rpc.server import Door, RpcServer
from node.rpc.tls import TlsFiles, TlsUnusable, load_tls, make_tls_context

RELOAD_SECONDS = 5
"""How often the files are looked at: a revoked key stops this soon."""

TROUBLESHOOT_PAGE = "docs/operators/troubleshoot.md"


class RpcService:
    """The server, its keys and its certificate. Owned by the loop thread."""

    def __init__(self, backend: Backend, config: RpcSection, home: Path, metrics: Metrics, log: EventLog) -> None:
        self._log = log
        self._keys_path = home / config.keys_file
        self._tls_files = TlsFiles(home / config.tls_cert, home / config.tls_key) if config.tls_cert else None
        self._tls = None if self._tls_files is None else make_tls_context()
        self._access = Access(is_key_required=config.key_required, anonymous_per_s=config.anonymous_requests_per_s)
        limits = RpcLimits(
            request_bytes_max=config.request_bytes_max,
            response_bytes_max=config.response_bytes_max,
            call_list_max=config.call_list_max,
            namespaces=config.api,
            call_gas_max=config.call_gas_max,
            logs_range_blocks_max=config.logs_range_blocks_max,
            logs_results_max=config.logs_results_max,
        )
        keys = DevKeys(DEV_KEYS) if config.dev_accounts else NO_KEYS
        door = Door(config.addr, config.port, config.ws_port or None, frozenset(config.cors_origins), self._tls, keys)
        self._server = RpcServer(backend, limits, _Observer(metrics, log), door, self._access)
        self._seen = self._look()
        self._watching: asyncio.Task[None] | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports listened on."""
        return self._server.ports

    async def start(self) -> None:
        """Read keys and certificate, then listen.

        Raises: InvalidKeyFile, TlsUnusable, RpcAddressUnavailable.
        """
        self._read_files()
        await self._server.start()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._watching is not None:
            self._watching.cancel()
        await self._server.stop()

    def block_final(self) -> None:
        """Hear that a block is final and readable."""
        self._server.block_final()

    def admitted(self, transactions: Sequence[PooledTransaction]) -> None:
        """Hear of transactions that became pending."""
        self._server.admitted(transactions)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            await self.reload_changed()

    async def reload_changed(self) -> None:
        """Read keys and certificate again if a file changed since it was read."""
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._read_files()
        except (InvalidKeyFile, TlsUnusable) as error:
            self._log.error("rpc_reload_failed", page=TROUBLESHOOT_PAGE, reason=str(error))
            return
        await self._server.close_unknown()
        self._log.info("rpc_reloaded", keys=self._access.key_count)

    def _read_files(self) -> None:
        keys = read_keys(self._keys_path)
        if self._tls is not None and self._tls_files is not None:
            load_tls(self._tls_files, into=self._tls)
        self._access.replace_keys(keys)

    def _look(self) -> list[tuple[int, int, int] | None]:
        """Return what changes whenever a file does; None for one that is not there."""
        paths = [self._keys_path]
        if self._tls_files is not None:
            paths += [self._tls_files.certificate, self._tls_files.key]
        found: list[tuple[int, int, int] | None] = []
        for path in paths:
            try:
                stat = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return found


class _Observer:
    """Counts answers and logs bugs."""

    def __init__(self, metrics: Metrics, log: EventLog) -> None:
        self._metrics = metrics
        self._log = log

    def answered(self, method: str, code: int, microseconds: int) -> None:
        """Count a call."""
        self._metrics.observe_rpc(method=method, code=code, milliseconds=microseconds / 1000)

    def subscriptions(self, count: int) -> None:
        """Show how many are open."""
        self._metrics.set_rpc_subscriptions(count)

    def incident(self, incident: str, method: str, error: BaseException) -> None:
        """Log a bug under the word the client was given."""
        self._log.error(
            "rpc_incident",
            page=TROUBLESHOOT_PAGE,
            incident=incident,
            method=method,
            reason=f"{type(error).__name__}: {error}",
        )
