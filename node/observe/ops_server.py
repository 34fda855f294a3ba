"""The operator's port: /livez /readyz /status /metrics /version /validators. One snapshot a request, no changes.

Never reachable for strangers by default: it listens where `[ops]` says, loopback unless set otherwise.
"""

from collections.abc import Callable

from aiohttp import web

from node.observe.facts import NodeFacts
from node.observe.health import Check, all_passed, live_checks, ready_checks, render_checks
from node.observe.metrics import CONTENT_TYPE, Metrics
from node.observe.status_screen import render_status, render_validators, status_json, validators_json

SHUTDOWN_TIMEOUT_S = 1.0
"""How long an answer in progress may take when the node stops."""


class OpsServer:
    """Serves what `collect` says of the node, on the caller's event loop."""

    __slots__ = ("_addr", "_collect", "_metrics", "_port", "_runner")

    def __init__(self, collect: Callable[[], NodeFacts], metrics: Metrics, *, addr: str, port: int) -> None:
        """Prepare a server on `addr`:`port`; port 0 takes a free one."""
        self._collect = collect
        self._metrics = metrics
        self._addr = addr
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port in use, known after `start`."""
        return self._port

    async def start(self) -> None:
        """Listen.

        Raises: OSError when the port is taken.
        """
        application = web.Application()
        application.add_routes(
            [
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/status", self._status),
                web.get("/metrics", self._render_metrics),
                web.get("/version", self._version),
                web.get("/validators", self._validators),
            ]
        )
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, self._addr, self._port).start()
        self._port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening and end open connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _livez(self, _: web.Request) -> web.Response:
        return _health(live_checks(self._collect()))

    async def _readyz(self, _: web.Request) -> web.Response:
        return _health(ready_checks(self._collect()))

    async def _status(self, request: web.Request) -> web.Response:
        facts = self._collect()
        if request.query.get("format") == "text":
            return web.Response(text=render_status(facts))
        return web.json_response(status_json(facts))

    async def _render_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render(self._collect()), headers={"Content-Type": CONTENT_TYPE})

    async def _version(self, _: web.Request) -> web.Response:
        facts = self._collect()
        return web.json_response(
            {
                "version": facts.build.version,
                "commit": facts.build.commit,
                "chain_id": facts.chain_id,
                "genesis_hash": "0x" + facts.genesis_hash.hex(),
            }
        )

    async def _validators(self, request: web.Request) -> web.Response:
        facts = self._collect()
        wanted = request.query.get("epoch", str(facts.epoch))
        if wanted != str(facts.epoch):
            return web.json_response(
                {"error": f"epoch {wanted} is not the current one, {facts.epoch}"}, status=web.HTTPNotFound.status_code
            )
        content = validators_json(facts)
        if request.query.get("format") == "text":
            return web.Response(text=render_validators(content))
        return web.json_response(content)


def _health(checks: tuple[Check, ...]) -> web.Response:
    return web.Response(text=render_checks(checks), status=200 if all_passed(checks) else 503)
