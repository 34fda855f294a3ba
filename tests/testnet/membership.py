"""Banks that join, rotate their keys and leave while the network runs, by the commands and calls an operator uses.

A call is written by `sycee-node validator`, signed by the bank's or the council's own account and sent through public
RPC; then the end of the epoch is awaited. Never ends an epoch by itself: that is the manifest's `epoch_blocks`.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from node.cli.json_rpc import EndpointDown, RpcClient, RpcFailed, as_list, as_object
from node.cli.ledger_reader import read_height, read_nonces
from node.cli.network_plan import operator_account
from node.cli.submitter import Outgoing
from node.dev_accounts import GOVERNOR, DevAccount, checksum_address
from tests.testnet.history import PaymentRecord
from tests.testnet.load import Clients, Recorder
from tests.testnet.manifest import Load, LoadMode
from tests.testnet.network import Network, Node, run_command

Answered = TypeVar("Answered")

COMMAND_LIMIT_S = 60.0
"""Longest command: an import and a key derivation on a loaded machine."""
POLL_S = 0.25
"""How often the set and heights are asked for."""


class MembershipFailed(Exception):
    """A bank's command or call did not do what it must."""

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(f"{what}: {reason}")


class Membership:
    """The banks' and the council's side of one network."""

    def __init__(self, network: Network, client: RpcClient, *, limit_s: float) -> None:
        """Prepare; `limit_s` bounds the wait for the end of an epoch."""
        self._network = network
        self._client = client
        self._limit_s = limit_s
        members = [(name, network.nodes[name].rpc_url) for name in network.manifest.names]
        self._urls = [url for _, url in members]
        nobody = Load(LoadMode.CLOSED, clients=0, rate_per_s=1, readers=0)
        self._sender = Clients(client, members, nobody, Recorder(), Random(0))
        """Sends the same bytes to one node after the other until they are final, as payers do."""
        self._council = asyncio.Lock()
        """One call of the council at a time: its nonces have an order."""

    async def join(self, node: Node) -> None:
        """Start a bank that is not in genesis, have it approved, let it catch up and wait until it is in the set.

        Raises: MembershipFailed.
        """
        node.start()
        operator = operator_account(node.name)
        address = checksum_address(operator.address)
        endpoint = self._network.endpoint_of(node.name)
        await self._call(operator, "join", "--home", str(node.home.root), "--operator", address, "--endpoint", endpoint)
        async with self._council:
            await self._call(GOVERNOR, "council", "--home", str(node.home.root), "approve", address)
        goal = await self._ask(lambda url: read_height(self._client, url))
        await self._until(f"{node.name} reaches height {goal}", lambda: self._has_height(node, goal))
        await self._call(operator, "ready", "--home", str(node.home.root))
        await self._until(f"{node.name} is in the set", lambda: self._is_in_set(node.name))

    async def leave(self, node: Node) -> None:
        """Ask to leave and wait until the set is without the bank, which runs on. Raises: MembershipFailed."""
        await self._call(operator_account(node.name), "leave", "--home", str(node.home.root))
        await self._until(f"{node.name} is out of the set", lambda: self._is_out_of_set(node.name))

    async def rotate(self, node: Node) -> None:
        """Make new keys, register them and wait until they are in force. Raises: MembershipFailed."""
        operator = operator_account(node.name)
        before = (await self._keys()).get(node.name)
        await self._command("keys", "rotate", "--home", str(node.home.root), "--development")
        address = checksum_address(operator.address)
        await self._call(operator, "rotate", "--home", str(node.home.root), "--operator", address)

        async def has_other_key() -> bool:
            return (await self._keys()).get(node.name) not in (None, before)

        await self._until(f"{node.name} has its new keys in the set", has_other_key)

    async def _command(self, *arguments: str) -> str:
        done = await asyncio.to_thread(run_command, *arguments, limit_s=COMMAND_LIMIT_S)
        if done.returncode != 0:
            raise MembershipFailed(" ".join(arguments[:2]), (done.stdout + done.stderr)[-300:])
        return done.stdout

    async def _call(self, sender: DevAccount, *arguments: str) -> None:
        """Write a call, sign it for `sender` and send it until it is final. Raises: MembershipFailed."""
        what = f"validator {arguments[0]}"
        call = json.loads(await self._command("validator", *arguments))
        [nonce] = await self._ask(lambda url: read_nonces(self._client, url, [sender.address]))
        raw = sign_dynamic_fee_transaction(
            sender.private_key,
            chain_id=call["chainId"],
            nonce=nonce,
            gas_limit=int(call["gas"], 16),
            to=Address(bytes.fromhex(call["to"][2:])),
            data=bytes.fromhex(call["data"][2:]),
        )
        outgoing = Outgoing(raw="0x" + raw.hex(), hash="0x" + keccak256(raw).hex())
        record = PaymentRecord(outgoing.hash, sender.name, nonce, invoked_us=0)
        try:
            await asyncio.wait_for(self._sender.pay_once(outgoing, record, first=0), self._limit_s)
        except TimeoutError as error:
            raise MembershipFailed(what, f"not final after {self._limit_s:.0f} s") from error
        if record.refused:
            raise MembershipFailed(what, record.refused)

    async def _keys(self) -> dict[str, str]:
        """Return the consensus key of each validator of the running epoch, by name."""
        answer = as_object(await self._ask(lambda url: self._client.result(url, "sycee_getValidators")))
        entries = [as_object(entry) for entry in as_list(answer["validators"])]
        return {str(entry["name"]): str(entry["consensusKey"]) for entry in entries}

    async def _is_in_set(self, name: str) -> bool:
        return name in await self._keys()

    async def _is_out_of_set(self, name: str) -> bool:
        return name not in await self._keys()

    async def _has_height(self, node: Node, height: int) -> bool:
        try:
            return await read_height(self._client, node.rpc_url) >= height
        except (EndpointDown, RpcFailed):
            return False

    async def _ask(self, question: Callable[[str], Awaitable[Answered]]) -> Answered:
        """Return the answer of the first node that gives one. Raises: MembershipFailed."""
        deadline_s = time.monotonic() + self._limit_s
        while time.monotonic() < deadline_s:
            for url in self._urls:
                try:
                    return await question(url)
                except (EndpointDown, RpcFailed):
                    continue  # perturbed; the next one is asked
            await asyncio.sleep(POLL_S)
        raise MembershipFailed("a question", f"no node answered it for {self._limit_s:.0f} s")

    async def _until(self, what: str, condition: Callable[[], Awaitable[bool]]) -> None:
        deadline_s = time.monotonic() + self._limit_s
        while not await condition():
            if time.monotonic() > deadline_s:
                raise MembershipFailed(what, f"not within {self._limit_s:.0f} s")
            await asyncio.sleep(POLL_S)
