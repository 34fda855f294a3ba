"""Read from running validators what a reconciliation needs: payments by their events, balances, state roots."""

from collections.abc import Mapping, Sequence

from consensus.primitives.scalars import Address
from contracts.addresses import ACCOUNT_REGISTRY
from contracts.layout import account_slot
from node.cli.currency_calls import MEMO_TOPIC, TRANSFER_TOPIC, encode_balance_of
from node.cli.errors import CommandError
from node.cli.json_rpc import Call, JsonValue, RpcClient, RpcFailed, as_int, as_list, as_object
from node.cli.reconciliation import LedgerPayment

LOGS_BLOCKS_START = 256
"""Heights of the first question for logs; halved whenever the answer would be too large."""


class UnreadableLedger(CommandError):
    """A validator's answer cannot be what the ledger holds."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the validator's answer makes no sense: {what}")


async def read_payments(
    client: RpcClient, url: str, *, currency: Address, height_first: int, height_last: int
) -> list[LedgerPayment]:
    """Return every transfer with a memo in `currency` from `height_first` to `height_last`, minting not included.

    Raises: EndpointDown, RpcFailed, UnreadableLedger.
    """
    payments: list[LedgerPayment] = []
    height = height_first
    span = LOGS_BLOCKS_START
    while height <= height_last:
        last = min(height + span - 1, height_last)
        try:
            logs = await _logs(client, url, currency, height, last)
        except RpcFailed:
            if span == 1:
                raise
            span //= 2  # half as many heights, rounded down; one is the least
            continue
        payments.extend(decode_payments(logs))
        height = last + 1
    return payments


async def read_balances(
    client: RpcClient, url: str, *, currency: Address, accounts: Mapping[str, Address], height: int
) -> dict[str, int]:
    """Return the balance of each account (name to address) at `height`, in minor units.

    Raises: EndpointDown, RpcFailed.
    """
    calls: list[Call] = [
        ("eth_call", [{"to": _hex(currency), "data": _hex(encode_balance_of(address))}, hex(height)])
        for address in accounts.values()
    ]
    return dict(zip(accounts, (as_int(value) for value in await client.results(url, calls))))


async def read_state_root(client: RpcClient, url: str, *, height: int) -> str:
    """Return the state root in the header at `height`.

    Raises: EndpointDown, RpcFailed, UnreadableLedger when there is no such block yet.
    """
    block = await client.result(url, "eth_getBlockByNumber", hex(height), False)
    if block is None:
        raise UnreadableLedger(f"{url} has no block at height {height}")
    return str(as_object(block)["stateRoot"])


async def read_height(client: RpcClient, url: str) -> int:
    """Return the last final height of one validator.

    Raises: EndpointDown, RpcFailed.
    """
    return as_int(await client.result(url, "eth_blockNumber"))


async def read_nonces(client: RpcClient, url: str, addresses: Sequence[Address]) -> list[int]:
    """Return how many transactions each address has sent that are final.

    Raises: EndpointDown, RpcFailed.
    """
    calls: list[Call] = [("eth_getTransactionCount", [_hex(address), "latest"]) for address in addresses]
    return [as_int(value) for value in await client.results(url, calls)]


async def read_registered(client: RpcClient, url: str, addresses: Sequence[Address]) -> list[bool]:
    """Tell of each address whether the AccountRegistry knows it.

    Raises: EndpointDown, RpcFailed.
    """
    calls: list[Call] = [
        ("eth_getStorageAt", [_hex(ACCOUNT_REGISTRY), hex(account_slot(address)), "latest"]) for address in addresses
    ]
    return [as_int(value) != 0 for value in await client.results(url, calls)]


def decode_payments(logs: Sequence[JsonValue]) -> list[LedgerPayment]:
    """Return the payments told by `logs`: a Transfer and a Memo of one transaction belong together; mints are left out.

    Raises: UnreadableLedger when a memo stands without its transfer.
    """
    transfers: dict[str, tuple[Address, Address, int, int]] = {}
    memos: dict[str, bytes] = {}
    for entry in logs:
        log = as_object(entry)
        topics = [str(topic) for topic in as_list(log["topics"])]
        digest = str(log["transactionHash"])
        if topics[0] == TRANSFER_TOPIC:
            amount = as_int(log["data"])
            transfers[digest] = (_address(topics[1]), _address(topics[2]), amount, as_int(log["blockNumber"]))
        elif topics[0] == MEMO_TOPIC:
            memos[digest] = bytes.fromhex(topics[-1][2:])
    payments: list[LedgerPayment] = []
    for digest, memo in memos.items():
        if digest not in transfers:
            raise UnreadableLedger(f"transaction {digest} has a memo and no transfer")
        payer, payee, amount, height = transfers[digest]
        if any(payer):
            payments.append(LedgerPayment(digest, height, payer, payee, amount, memo))
    return payments


async def _logs(client: RpcClient, url: str, currency: Address, first: int, last: int) -> list[JsonValue]:
    wanted: dict[str, JsonValue] = {
        "address": _hex(currency),
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "topics": [[TRANSFER_TOPIC, MEMO_TOPIC]],
    }
    return as_list(await client.result(url, "eth_getLogs", wanted))


def _address(topic: str) -> Address:
    return Address(bytes.fromhex(topic[-40:]))


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
