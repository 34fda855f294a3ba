"""eth_*: the network, its fees, and accounts at one height."""

from collections.abc import Sequence

from consensus.primitives.scalars import Height
from node.rpc.backend import LedgerReads
from node.rpc.block_tags import resolve_block
from node.rpc.encoding import Json, data_hex, proof_object, syncing_object, word_hex
from node.rpc.errors import InvalidParameter
from node.rpc.methods import Answer, Context, Method
from node.rpc.parameters import optional, read_address, read_count, read_sequence, read_slot

FEE_HISTORY_BLOCKS_MAX = 1_024
"""Heights in one fee history, as other nodes answer; 20 ms of reading headers."""

HEADERS_AT_ONCE_MAX = 64
"""Up to so many headers are read on the loop thread: about 1 ms. More go to the calls thread."""

PERCENTILES_MAX = 100

SLOTS_MAX = 1_024
"""Storage slots in one eth_getProof or eth_getStorageValues: 30 ms and 4 MB of proof; twice as many would hold the
calls thread longer than most calls."""


def chain_id(context: Context, parameters: Sequence[object]) -> Json:
    """Return the chain id (EIP-695)."""
    return hex(context.backend.chain_id)


def block_number(context: Context, parameters: Sequence[object]) -> Json:
    """Return the last final height."""
    return hex(context.backend.head().height)


def syncing(context: Context, parameters: Sequence[object]) -> Json:
    """Return false while in step, else how far this node has come."""
    progress = context.backend.syncing()
    if progress is None:
        return False
    return syncing_object(progress)


def zero_price(context: Context, parameters: Sequence[object]) -> Json:
    """Return 0, the price of gas, priority and blobs on this network."""
    return "0x0"


def fee_history(context: Context, parameters: Sequence[object]) -> Answer:
    """Return the fees of past blocks, all 0, with how full the blocks were.

    Raises: InvalidParameter, BlockNotFound.
    """
    count = read_count(parameters[0], "blockCount", FEE_HISTORY_BLOCKS_MAX)
    newest = resolve_block(parameters[1], context.backend, "newestBlock").height
    percentile_count = _read_percentiles(optional(parameters, 2))
    count = min(count, newest + 1)
    heights = range(newest - count + 1, newest + 1)

    def build() -> Json:
        return _fee_history_object(context.backend, heights, percentile_count)

    return build() if count <= HEADERS_AT_ONCE_MAX else context.encode_aside(build)


def get_balance(context: Context, parameters: Sequence[object]) -> Json:
    """Return the native balance in wei; currencies are contracts with balances of their own."""
    address = read_address(parameters[0], "address")
    height = resolve_block(optional(parameters, 1), context.backend).height
    account = context.backend.state_at(height).account(address)
    return "0x0" if account is None else hex(account.balance)


def get_transaction_count(context: Context, parameters: Sequence[object]) -> Json:
    """Return the nonce of an account; at `pending` with its gapless pending transactions."""
    address = read_address(parameters[0], "address")
    block = resolve_block(optional(parameters, 1), context.backend)
    if block.is_pending:
        return hex(context.backend.pending_nonce(address))
    account = context.backend.state_at(block.height).account(address)
    return "0x0" if account is None else hex(account.nonce)


def get_code(context: Context, parameters: Sequence[object]) -> Json:
    """Return the code of an account."""
    address = read_address(parameters[0], "address")
    height = resolve_block(optional(parameters, 1), context.backend).height
    state = context.backend.state_at(height)
    account = state.account(address)
    return "0x" if account is None else data_hex(state.code(account.code_hash))


def get_storage_at(context: Context, parameters: Sequence[object]) -> Json:
    """Return the word in a storage slot."""
    address = read_address(parameters[0], "address")
    slot = read_slot(parameters[1], "slot")
    height = resolve_block(optional(parameters, 2), context.backend).height
    return word_hex(context.backend.state_at(height).storage(address, slot))


def get_storage_values(context: Context, parameters: Sequence[object]) -> Json:
    """Return the words in many storage slots of many accounts, read at one height.

    Raises: InvalidParameter, also for more than 1 024 slots together; BlockNotFound, Pruned.
    """
    wanted = parameters[0]
    if not isinstance(wanted, dict):
        raise InvalidParameter("requests", expected="an object of addresses with lists of slots", actual=wanted)
    height = resolve_block(optional(parameters, 1), context.backend).height
    state = context.backend.state_at(height)
    slots_left = SLOTS_MAX
    values: dict[str, Json] = {}
    for written, keys in wanted.items():
        address = read_address(written, "requests")
        slots = [read_slot(key, "requests") for key in read_sequence(keys, "requests", slots_left)]
        slots_left -= len(slots)
        values[written] = [word_hex(state.storage(address, slot)) for slot in slots]
    return values


async def get_proof(context: Context, parameters: Sequence[object]) -> Json:
    """Return account and slots with their Merkle paths (EIP-1186).

    Raises: InvalidParameter, BlockNotFound, ProofPruned, CallsOverloaded.
    """
    address = read_address(parameters[0], "address")
    keys = read_sequence(parameters[1], "storageKeys", SLOTS_MAX)
    slots = [read_slot(key, "storageKeys") for key in keys]
    height = resolve_block(optional(parameters, 2), context.backend).height
    return proof_object(await context.backend.proof(address, slots, height), [str(key) for key in keys])


def _fee_history_object(reads: LedgerReads, heights: range, percentile_count: int | None) -> Json:
    headers = [reads.header(Height(height)).header for height in heights]
    zeros: list[Json] = ["0x0"] * len(heights)
    history: dict[str, Json] = {
        "oldestBlock": hex(heights.start),
        # One more than blocks: the last is the price of the next block.
        "baseFeePerGas": [*zeros, "0x0"],
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        "baseFeePerBlobGas": [*zeros, "0x0"],
        "blobGasUsedRatio": [0.0] * len(heights),
    }
    if percentile_count is not None:
        history["reward"] = [["0x0"] * percentile_count for _ in headers]
    return history


def _read_percentiles(value: object | None) -> int | None:
    """Return how many reward percentiles are asked for; their values do not matter where all rewards are 0."""
    if value is None:
        return None
    percentiles = read_sequence(value, "rewardPercentiles", PERCENTILES_MAX)
    previous: int | float = 0
    for percentile in percentiles:
        is_bool = isinstance(percentile, bool)
        if isinstance(percentile, int | float) and not is_bool and previous <= percentile <= 100:
            previous = percentile
        else:
            raise InvalidParameter("rewardPercentiles", expected="ascending numbers from 0 to 100", actual=percentile)
    return len(percentiles)


METHODS = {
    "eth_chainId": Method(chain_id, 0, 0, "", "Uint64"),
    "eth_blockNumber": Method(block_number, 0, 0, "", "Uint64"),
    "eth_syncing": Method(syncing, 0, 0, "", "Syncing"),
    "eth_gasPrice": Method(zero_price, 0, 0, "", "Uint256"),
    "eth_maxPriorityFeePerGas": Method(zero_price, 0, 0, "", "Uint256"),
    "eth_baseFee": Method(zero_price, 0, 0, "", "Uint256"),
    "eth_blobBaseFee": Method(zero_price, 0, 0, "", "Uint256"),
    "eth_feeHistory": Method(fee_history, 2, 3, "blockCount newestBlock rewardPercentiles", "FeeHistory"),
    "eth_getBalance": Method(get_balance, 1, 2, "address block", "Uint256"),
    "eth_getTransactionCount": Method(get_transaction_count, 1, 2, "address block", "Uint64"),
    "eth_getCode": Method(get_code, 1, 2, "address block", "Data"),
    "eth_getStorageAt": Method(get_storage_at, 2, 3, "address slot block", "Word"),
    "eth_getStorageValues": Method(get_storage_values, 1, 2, "requests block", "WordsByAddress"),
    "eth_getProof": Method(get_proof, 2, 3, "address storageKeys block", "AccountProof"),
}
