"""One demonstration on a running devnet: fund the banks, replay the file, read the ledger, compare.

Talks to the validators as any client does; every number it reports was read from the ledger or measured here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from consensus.primitives.scalars import Address
from contracts.addresses import currency_address
from node.cli.bank_keys import (
    FUNDING_REFERENCE,
    SigningContext,
    bank_account,
    sign_funding,
    sign_payments,
    sign_registrations,
)
from node.cli.bic import is_bic
from node.cli.devnet_network import Devnet
from node.cli.errors import CommandError
from node.cli.json_rpc import EndpointDown, RpcClient, RpcFailed
from node.cli.ledger_reader import (
    UnreadableLedger,
    read_balances,
    read_height,
    read_nonces,
    read_payments,
    read_registered,
    read_state_root,
)
from node.cli.network_plan import CURRENCIES
from node.cli.payments_file import PaymentsFile, encode_memo
from node.cli.reconciliation import (
    Finding,
    expected_balances,
    percentile,
    reconcile_balances,
    reconcile_references,
    reconcile_roots,
)
from node.cli.submitter import RealClock, Replay, replay
from node.dev_accounts import GOVERNOR, ISSUER

IN_STEP_TIMEOUT_S = 20.0
"""How long validators may take to reach the last height after the replay; a restarted one catches up first."""
IN_STEP_POLL_S = 0.1
WATCH_CHILDREN_S = 0.2
"""How often dead validators are looked for during the replay."""


class FundingFailed(CommandError):
    """The banks could not be given their money."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"funding the banks failed: {reason}")


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demonstration found."""

    findings: tuple[Finding, ...]
    payments_final: int
    duration_s: float
    latency_p50_s: float
    latency_p99_s: float
    heights: int
    """Blocks that hold payments of the file."""
    resent: int

    @property
    def agrees(self) -> bool:
        return all(finding.agrees for finding in self.findings)

    @property
    def payments_per_s(self) -> float:
        return self.payments_final / self.duration_s if self.duration_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Opening:
    """The ledger before the replay."""

    height: int
    balances: dict[str, int]
    """In minor units, by bank, after funding."""
    nonces: dict[str, int]


class DemoRun:
    """One replay of `file` in the currency with code `code`."""

    def __init__(self, devnet: Devnet, file: PaymentsFile, *, code: str) -> None:
        self._devnet = devnet
        self._file = file
        self._banks = {bic: bank_account(bic) for bic in file.banks}
        self._addresses: dict[str, Address] = {bic: account.address for bic, account in self._banks.items()}
        place = [plan.code for plan in CURRENCIES].index(code) + 1
        self._context = SigningContext(devnet.folder.genesis.chain_id, currency_address(place))

    async def fund(self) -> None:
        """Register each bank that has a BIC, and mint to each what it pays in all, so that none waits for another.

        Raises: FundingFailed, EndpointDown, RpcFailed.
        """
        async with RpcClient() as client:
            url = self._devnet.rpc_urls[0]
            nonce, governor_nonce = await read_nonces(client, url, [ISSUER.address, GOVERNOR.address])
            known = await read_registered(client, url, list(self._addresses.values()))
            new = {
                bic: address
                for (bic, address), is_known in zip(self._addresses.items(), known)
                if not is_known and is_bic(bic)
            }
            registrations = sign_registrations(self._context, GOVERNOR, new, nonce=governor_nonce)
            paid = self._file.paid_by()
            amounts = {self._addresses[bic]: paid[bic] for bic in self._banks}
            memo = encode_memo(FUNDING_REFERENCE)
            lane = sign_funding(self._context, ISSUER, amounts, nonce=nonce, memo=memo)
            first = await read_height(client, url) + 1
            done = await replay(
                client,
                self._devnet.rpc_urls,
                [lane, registrations],
                height_first=first,
                on_progress=lambda _: None,
                clock=RealClock(),
            )
        wanted = len(lane) + len(registrations)
        if len(done.settled) != wanted:
            refused = ", ".join(item.message for item in done.refused)
            raise FundingFailed(refused or f"{len(done.settled)} of {wanted} transactions became final")

    async def replay_and_reconcile(self, *, on_progress: Callable[[int], None]) -> DemoResult:
        """Send every payment of the file, wait until all are final and compare the ledger with the file.

        Raises: EndpointDown, RpcFailed, UnreadableLedger.
        """
        async with RpcClient() as client:
            opening = await self._read_opening(client)
            lanes = sign_payments(self._context, self._file.payments, banks=self._banks, nonces=opening.nonces)
            watching = asyncio.create_task(self._watch_children())
            try:
                done = await replay(
                    client,
                    self._devnet.rpc_urls,
                    lanes,
                    height_first=opening.height + 1,
                    on_progress=on_progress,
                    clock=RealClock(),
                )
                findings = await self._reconcile(client, opening, done)
            finally:
                watching.cancel()
        latencies = [item.latency_s for item in done.settled]
        return DemoResult(
            findings=findings,
            payments_final=len(done.settled),
            duration_s=done.duration_s,
            latency_p50_s=percentile(latencies, 50),
            latency_p99_s=percentile(latencies, 99),
            heights=len({item.height for item in done.settled}),
            resent=done.resent,
        )

    async def _read_opening(self, client: RpcClient) -> _Opening:
        """Read where the replay begins; every validator must have got there, or the first lists would meet no money."""
        url = self._devnet.rpc_urls[0]
        height = await read_height(client, url)
        await self._heights_in_step(client, height)
        balances = await read_balances(
            client, url, currency=self._context.currency, accounts=self._addresses, height=height
        )
        nonces = await read_nonces(client, url, list(self._addresses.values()))
        return _Opening(height, balances, dict(zip(self._addresses, nonces)))

    async def _reconcile(self, client: RpcClient, opening: _Opening, done: Replay) -> tuple[Finding, ...]:
        last = max((item.height for item in done.settled), default=opening.height)
        heights = await self._heights_in_step(client, last)
        url = next((url for url, height in heights.items() if height >= last), self._devnet.rpc_urls[0])
        found = await read_payments(
            client, url, currency=self._context.currency, height_first=opening.height + 1, height_last=last
        )
        balances = await read_balances(
            client, url, currency=self._context.currency, accounts=self._addresses, height=last
        )
        return (
            _sent_finding(self._file, done),
            reconcile_references(self._file, found, self._addresses),
            reconcile_balances(expected_balances(self._file, opening.balances), balances),
            reconcile_roots(await self._state_roots(client, last), last),
        )

    async def _state_roots(self, client: RpcClient, height: int) -> dict[str, str]:
        """Return each validator's state root at `height`, or why it has none: both are compared."""
        roots: dict[str, str] = {}
        for validator in self._devnet.validators:
            try:
                roots[validator.name] = await read_state_root(client, validator.rpc_url, height=height)
            except EndpointDown:
                roots[validator.name] = "does not answer"
            except UnreadableLedger:
                roots[validator.name] = f"has not reached height {height}"
        return roots

    async def _heights_in_step(self, client: RpcClient, height: int) -> dict[str, int]:
        """Wait until every validator that runs has `height`, at most IN_STEP_TIMEOUT_S; return what each has."""
        deadline_s = asyncio.get_running_loop().time() + IN_STEP_TIMEOUT_S
        while True:
            heights: dict[str, int] = {}
            for url in self._devnet.rpc_urls:
                try:
                    heights[url] = await read_height(client, url)
                except (EndpointDown, RpcFailed):
                    heights[url] = -1
            if min(heights.values()) >= height or asyncio.get_running_loop().time() > deadline_s:
                return heights
            await asyncio.sleep(IN_STEP_POLL_S)

    async def _watch_children(self) -> None:
        while True:
            self._devnet.report_deaths()
            await asyncio.sleep(WATCH_CHILDREN_S)


def _sent_finding(file: PaymentsFile, done: Replay) -> Finding:
    differences = [f"{item.hash}: refused: {item.message}" for item in done.refused]
    differences += [f"{digest}: not seen final" for digest in done.unsettled]
    text = f"{len(done.settled):,} of {len(file.payments):,} final"
    return Finding("payments", not differences, text, tuple(differences))
