"""Real clients: signed payments and reads through public JSON-RPC, every invocation and return recorded.

A payment is signed once; when a node does not answer or forgets it, the same bytes go to another node. A client never
gives up by itself and never calls a payment failed because it heard nothing. Runs on the loop of the run.
"""

import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise
from random import Random

from consensus.primitives.scalars import Address
from contracts.addresses import currency_address
from node.cli.bank_keys import SigningContext, bank_account, sign_funding, sign_payments
from node.cli.currency_calls import encode_balance_of
from node.cli.json_rpc import Call, EndpointDown, Failure, JsonValue, RpcClient, RpcFailed, as_int, as_object
from node.cli.network_plan import CURRENCIES, DEVNET_CHAIN_ID
from node.cli.payments_file import Payment, encode_memo
from node.cli.submitter import PERHAPS_FINAL_MESSAGE, RETRY_CODES, RETRY_HERE_REASONS, Outgoing, RealClock, replay
from node.dev_accounts import ISSUER
from tests.testnet.history import PaymentRecord, ReadRecord
from tests.testnet.manifest import Load, LoadMode

CURRENCY_CODE = "EUR"
CURRENCY = currency_address([plan.code for plan in CURRENCIES].index(CURRENCY_CODE) + 1)
REGISTER = bank_account("testnet register")
"""Every payment goes here; its balance counts them."""
FUNDING_MINOR = 10_000_000
"""What each client starts with: more payments of one minor unit than any run makes."""
IN_FLIGHT = 32
"""Payments of one client that are not final in the open mode: half of what a mempool holds for one sender."""
RECEIPT_POLL_S = 0.05
"""How often a client asks for its receipt: half a block; what it measures is at most this much too long."""
RESEND_AFTER_S = 1.5
"""Without a receipt for this long the same bytes go to the next node: longer than one leader time-out."""
READ_PAUSE_S = 0.1
"""Between two reads of one reader."""
WATCH_S = 0.05
"""How often every node's height is asked for."""
CONTEXT = SigningContext(DEVNET_CHAIN_ID, CURRENCY)


class Recorder:
    """Everything clients did and saw, by one clock that never steps back."""

    def __init__(self) -> None:
        self._started_ns = time.monotonic_ns()
        self.payments: list[PaymentRecord] = []
        self.reads: list[ReadRecord] = []
        self.height_final = 0
        """Highest height any client was told of; a reader that heard of it waits until its node has it."""
        self.heights: list[tuple[int, int]] = []
        """When each greater height was first seen anywhere: microseconds, height."""
        self._advanced = asyncio.Event()

    def now_us(self) -> int:
        """Return microseconds since the recorder was made."""
        # The fraction of a microsecond is dropped: no operation is that short.
        return (time.monotonic_ns() - self._started_ns) // 1_000

    def saw(self, height: int) -> None:
        """Note that some node has `height` final."""
        if height > self.height_final:
            self.height_final = height
            self.heights.append((self.now_us(), height))
            self._advanced.set()

    async def reached(self, height: int) -> None:
        """Return once some node has `height` final."""
        while self.height_final < height:
            self._advanced.clear()
            await self._advanced.wait()

    def largest_gap_s(self, since_us: int, until_us: int) -> float:
        """Return the longest time without a new height between two moments."""
        times = [since_us, *(at_us for at_us, _ in self.heights if since_us <= at_us <= until_us), until_us]
        return max(later - earlier for earlier, later in pairwise(times)) / 1_000_000


class Clients:
    """The paying and reading clients of one run."""

    def __init__(
        self, client: RpcClient, urls: Sequence[tuple[str, str]], load: Load, recorder: Recorder, random: Random
    ) -> None:
        """Prepare clients of the nodes in `urls` (name and RPC address)."""
        self._client = client
        self._urls = tuple(urls)
        self._load = load
        self._recorder = recorder
        self._random = random
        self._names = [f"testnet client {place}" for place in range(load.clients)]
        self.accounts: dict[str, Address] = {name: bank_account(name).address for name in self._names}
        self._is_over = asyncio.Event()

    async def fund(self) -> None:
        """Give every client its opening balance and wait until it is final."""
        amounts = dict.fromkeys(self.accounts.values(), FUNDING_MINOR)
        if not amounts:
            return
        lane = sign_funding(CONTEXT, ISSUER, amounts, nonce=0, memo=encode_memo("testnet funding"))
        urls = [url for _, url in self._urls]
        done = await replay(self._client, urls, [lane], height_first=1, on_progress=lambda _: None, clock=RealClock())
        assert len(done.settled) == len(lane), f"{len(done.settled)} of {len(lane)} clients were funded"

    async def run(self) -> None:
        """Pay, read and watch until `stop`; then wait until every payment that was sent has an outcome."""
        async with asyncio.TaskGroup() as tasks:
            for place, name in enumerate(self._names):
                tasks.create_task(self._pay(place, name))
            for place in range(self._load.readers):
                tasks.create_task(self._read(Random(self._random.random()), place))
            for _, url in self._urls:
                tasks.create_task(self._watch(url))

    def stop(self) -> None:
        """Send nothing new."""
        self._is_over.set()

    async def pay_once(self, outgoing: Outgoing, record: PaymentRecord, *, first: int) -> None:
        """Send one payment, first to the node at place `first`, then to the others in turn, until final or refused."""
        self._recorder.payments.append(record)
        place = first
        while record.returned_us is None and not record.refused:
            name, url = self._urls[place % len(self._urls)]
            record.sent += 1
            try:
                if await self._submit(url, outgoing, record):
                    await self._await_receipt(name, url, record)
                else:
                    await asyncio.sleep(RECEIPT_POLL_S)
            except EndpointDown:
                await asyncio.sleep(RECEIPT_POLL_S)
            place += 1

    async def _pay(self, place: int, name: str) -> None:
        if self._load.mode is LoadMode.CLOSED:
            nonce = 0
            while not self._is_over.is_set():
                await self._pay_nonce(name, nonce, first=place + nonce)
                nonce += 1
            return
        await self._pay_at_rate(place, name)

    async def _pay_at_rate(self, place: int, name: str) -> None:
        interval_s = self._load.clients / self._load.rate_per_s
        next_s = time.monotonic() + interval_s * place / self._load.clients
        room = asyncio.Semaphore(IN_FLIGHT)
        async with asyncio.TaskGroup() as tasks:
            nonce = 0
            while not self._is_over.is_set():
                await asyncio.sleep(max(0.0, next_s - time.monotonic()))
                next_s += interval_s
                await room.acquire()
                # One node per client while all goes well, so that nonces arrive in their order.
                paying = tasks.create_task(self._pay_nonce(name, nonce, first=place))
                paying.add_done_callback(lambda _: room.release())
                nonce += 1

    async def _pay_nonce(self, name: str, nonce: int, *, first: int) -> None:
        payment = Payment(line=nonce, reference=f"{name} {nonce}"[-32:], payer=name, payee="register", amount_minor=1)
        banks = {name: bank_account(name), "register": REGISTER}
        [[outgoing]] = sign_payments(CONTEXT, [payment], banks=banks, nonces={name: nonce})
        record = PaymentRecord(outgoing.hash, name, nonce, invoked_us=self._recorder.now_us())
        await self.pay_once(outgoing, record, first=first)

    async def _submit(self, url: str, outgoing: Outgoing, record: PaymentRecord) -> bool:
        """Hand the bytes over and tell whether that node may make them final.

        Raises: EndpointDown.
        """
        [answer] = await self._client.ask(url, [("eth_sendRawTransaction", [outgoing.raw])])
        if not isinstance(answer, Failure) or PERHAPS_FINAL_MESSAGE in answer.message:
            return True
        if answer.code not in RETRY_CODES and answer.reason not in RETRY_HERE_REASONS:
            record.refused = f"{answer.message} (code {answer.code})"
        return False

    async def _await_receipt(self, name: str, url: str, record: PaymentRecord) -> None:
        """Ask for the receipt for RESEND_AFTER_S.

        Raises: EndpointDown.
        """
        deadline_s = time.monotonic() + RESEND_AFTER_S
        while time.monotonic() < deadline_s:
            [answer] = await self._client.ask(url, [("eth_getTransactionReceipt", [record.hash])])
            if not isinstance(answer, Failure) and answer.value is not None:
                receipt = as_object(answer.value)
                record.height = as_int(receipt["blockNumber"])
                record.block_hash = str(receipt["blockHash"])
                record.node = name
                record.returned_us = self._recorder.now_us()
                self._recorder.saw(record.height)
                if receipt["status"] != "0x1":
                    record.refused = "final, and reverted"
                return
            await asyncio.sleep(RECEIPT_POLL_S)

    async def _read(self, random: Random, place: int) -> None:
        """Read the register on one node after the other, never below a height that was final before the read began."""
        while not self._is_over.is_set():
            name, url = self._urls[random.randrange(len(self._urls))]
            try:
                await self._read_once(name, url)
            except (EndpointDown, RpcFailed):
                pass  # nothing was read; the next one is asked
            await asyncio.sleep(READ_PAUSE_S)

    async def _read_once(self, name: str, url: str) -> None:
        invoked_us = self._recorder.now_us()
        least = self._recorder.height_final
        deadline_s = time.monotonic() + RESEND_AFTER_S
        while (height := as_int(await self._client.result(url, "eth_blockNumber"))) < least:
            if time.monotonic() > deadline_s:
                return  # that node is behind and says so: no answer is no operation
            await asyncio.sleep(RECEIPT_POLL_S)
        call: Call = ("eth_call", [balance_call(REGISTER.address), hex(height)])
        [value] = await self._client.results(url, [call])
        self._recorder.saw(height)
        self._recorder.reads.append(
            ReadRecord(name, height, as_int(value), invoked_us=invoked_us, returned_us=self._recorder.now_us())
        )

    async def _watch(self, url: str) -> None:
        while not self._is_over.is_set():
            try:
                self._recorder.saw(as_int(await self._client.result(url, "eth_blockNumber")))
            except (EndpointDown, RpcFailed):
                pass  # down or starting; the others tell
            await asyncio.sleep(WATCH_S)


def balance_call(account: Address) -> dict[str, JsonValue]:
    """Return the call that reads the balance of `account`."""
    return {"to": "0x" + CURRENCY.hex(), "data": "0x" + encode_balance_of(account).hex()}
