"""The parameters of all methods by name: one name means one thing wherever it stands.

A schema says what the readers of `node.rpc.parameters` and its siblings accept at most; a test feeds every method wrong
values of every parameter and holds the two together.
"""

from dataclasses import dataclass
from typing import Final

from node.rpc.block_tags import FINAL_TAGS
from node.rpc.errors import BlockNotFound, Pruned
from node.rpc.openrpc.ethereum_types import ADDRESS, DATA, HASH, UINT64, UINT256, WORD
from node.rpc.openrpc.schema import (
    BOOLEAN,
    NULL,
    STRING,
    Schema,
    listed,
    named,
    one_of,
    record,
    table,
    whole,
    word_of,
)

JSON_INTEGER_MAX: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of any number of methods."""

    schema: Schema
    description: str
    errors: tuple[type[Exception], ...] = ()
    """What may be wrong with a value of the right type."""


def _count(maximum: int = JSON_INTEGER_MAX, *, minimum: int = 0) -> Schema:
    """Return a JSON number or a quantity; clients write both for counts and durations."""
    return one_of(whole(maximum, minimum=minimum), UINT64)


def _some(members: dict[str, Schema], description: str) -> Schema:
    """Return an object that may leave out any of its members, or have them null."""
    return record(
        {}, optional={name: one_of(NULL, schema) for name, schema in members.items()}, description=description
    )


_ANY: Final[Schema] = {}
_BLOCK: Final = named("BlockId")
_MISSING: Final = (BlockNotFound, Pruned)

_CALL: Final[dict[str, Schema]] = {
    "from": ADDRESS,
    "to": ADDRESS,
    "gas": UINT64,
    "value": UINT256,
    "data": DATA,
    "input": DATA,
    "chainId": UINT256,
    "accessList": listed(_some({"address": ADDRESS, "storageKeys": listed(named("Slot"))}, "Slots of an account.")),
    "authorizationList": listed(
        _some(
            {
                "chainId": UINT256,
                "address": ADDRESS,
                "nonce": UINT64,
                "yParity": UINT256,
                "v": UINT256,
                "r": UINT256,
                "s": UINT256,
            },
            "An account that lets code act for it (EIP-7702).",
        )
    ),
    **dict.fromkeys(("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "nonce", "type"), _ANY),
}

_BLOCK_OVERRIDES: Final[dict[str, Schema]] = {
    **dict.fromkeys(("number", "time", "gasLimit"), UINT64),
    **dict.fromkeys(("feeRecipient", "coinbase"), ADDRESS),
    **dict.fromkeys(("prevRandao", "random"), WORD),
    **dict.fromkeys(("baseFeePerGas", "blobBaseFee"), UINT256),
    "difficulty": _ANY,
}

_TRACE: Final[dict[str, Schema]] = {
    "tracer": word_of("", "callTracer", "prestateTracer", "4byteTracer", "noopTracer"),
    "tracerConfig": _some(
        {
            **dict.fromkeys(("onlyTopCall", "withLog", "diffMode"), BOOLEAN),
            **dict.fromkeys(("disableCode", "disableStorage", "includeEmpty"), _ANY),
        },
        "What a named tracer shows.",
    ),
    **dict.fromkeys(("disableStack", "enableMemory", "disableStorage", "enableReturnData"), BOOLEAN),
    "limit": _count(2**31),
    **dict.fromkeys(("disableMemory", "disableReturnData", "debug", "timeout", "reexec"), _ANY),
}

PARAMETER_TYPES: Final[dict[str, Schema]] = {
    "BlockId": one_of(
        word_of(*sorted(FINAL_TAGS), "pending", "earliest"),
        UINT64,
        HASH,
        record({"blockHash": HASH}, optional={"requireCanonical": one_of(NULL, BOOLEAN), "blockNumber": NULL}),
        record({"blockNumber": UINT64}, optional={"requireCanonical": one_of(NULL, BOOLEAN), "blockHash": NULL}),
    ),
    "Call": _some(_CALL, "What to execute. Fees and, outside simulations, the nonce change nothing: gas has no price."),
    "AccountOverrides": table(
        ADDRESS,
        _some(
            {
                "nonce": UINT64,
                "code": DATA,
                "balance": UINT256,
                "state": table(named("Slot"), WORD),
                "stateDiff": table(named("Slot"), WORD),
            },
            "What to believe of an account; either `state` or `stateDiff`.",
        ),
    ),
    "BlockOverrides": _some(_BLOCK_OVERRIDES, "What to believe of the block."),
    "LogFilter": _some(
        {
            "fromBlock": _BLOCK,
            "toBlock": _BLOCK,
            "blockHash": HASH,
            "address": one_of(ADDRESS, listed(ADDRESS, maximum=1_000)),
            "topics": listed(
                one_of(NULL, HASH, listed(one_of(NULL, HASH), maximum=1_000)),
                maximum=4,
            ),
        },
        "Which logs: any of the addresses, and for each place any of the topics; `blockHash` or a range.",
    ),
    "TraceConfig": _some(_TRACE, "Which tracer, and what it shows."),
    "CallTraceConfig": _some(
        {
            **_TRACE,
            "stateOverrides": named("AccountOverrides"),
            "blockOverrides": named("BlockOverrides"),
            "txIndex": _ANY,
        },
        "Which tracer, what it shows, and what to believe of accounts and block.",
    ),
    "SimulationPayload": _some(
        {
            "blockStateCalls": listed(
                _some(
                    {
                        "blockOverrides": named("BlockOverrides"),
                        "stateOverrides": named("AccountOverrides"),
                        "calls": listed(named("Call"), maximum=5_000),
                    },
                    "One block.",
                ),
            ),
            **dict.fromkeys(("traceTransfers", "validation", "returnFullTransactions"), BOOLEAN),
        },
        "Blocks to simulate, one on the other.",
    ),
}

PARAMETERS: Final[dict[str, Parameter]] = {
    "account": Parameter(ADDRESS, "Whose."),
    "address": Parameter(ADDRESS, "Account or contract."),
    "block": Parameter(
        _BLOCK, "A height, a block's hash, a tag, or an object (EIP-1898); `latest` if left out.", _MISSING
    ),
    "blockCount": Parameter(_count(1_024), "How many blocks."),
    "blockHash": Parameter(HASH, "Hash of a final block."),
    "blockNumber": Parameter(_count(), "A height."),
    "blockOrHeight": Parameter(one_of(_BLOCK, whole(JSON_INTEGER_MAX)), "As `block`, or a height as a JSON number."),
    "blockOverrides": Parameter(named("BlockOverrides"), "What the call shall believe of its block."),
    "call": Parameter(named("Call"), "What to execute; nothing is signed and nothing stays."),
    "callConfig": Parameter(named("CallTraceConfig"), "Which tracer, and what the call shall believe."),
    "config": Parameter(named("TraceConfig"), "Which tracer, and what it shows; every opcode if left out."),
    "currency": Parameter(STRING, "Code or address of a currency."),
    "cursor": Parameter(one_of(DATA, ADDRESS), "`nextCursor` of the answer before."),
    "data": Parameter(DATA, "Bytes."),
    "filter": Parameter(named("LogFilter"), "Which logs."),
    "filterId": Parameter(UINT256, "What opening the filter answered."),
    "attested": Parameter(
        _some(
            {"kind": word_of("lock", "purse", "revocations"), "id": HASH, "height": _count()},
            "What to attest, and after which block; `id` is left out for revocations.",
        ),
        "What to attest.",
    ),
    "attestedHeight": Parameter(_count(), "At most 256 below the last final block, which is meant if it is left out."),
    "fromEpoch": Parameter(_count(), "First epoch."),
    "fromHeight": Parameter(_count(), "First height; 0 if left out."),
    "fullTransactions": Parameter(BOOLEAN, "True for whole transactions, false for their hashes."),
    "index": Parameter(UINT64, "Place in the block, from 0."),
    "kind": Parameter(STRING, "What to be told of."),
    "limit": Parameter(_count(minimum=1), "Most entries in one answer."),
    "message": Parameter(DATA, "What to sign."),
    "newestBlock": Parameter(_BLOCK, "Last block of the range.", _MISSING),
    "nonce": Parameter(_count(), "Nonce of the transaction."),
    "options": Parameter(one_of(BOOLEAN, {"type": "object"}), "What else the kind of subscription takes."),
    "pageNumber": Parameter(_count(1_000_000), "Page, from 0."),
    "pageSize": Parameter(_count(1_000), "Entries in a page."),
    "payload": Parameter(named("SimulationPayload"), "The blocks to simulate."),
    "proof": Parameter(BOOLEAN, "True for the Merkle paths, too."),
    "requests": Parameter(named("SlotsByAddress"), "Slots by address; at most 1 024 together."),
    "rewardPercentiles": Parameter(
        listed({"type": "number", "minimum": 0, "maximum": 100}, maximum=100), "Rising percentages of gas."
    ),
    "sender": Parameter(ADDRESS, "Who signed."),
    "slot": Parameter(named("Slot"), "Storage slot."),
    "stateOverrides": Parameter(named("AccountOverrides"), "What the call shall believe of accounts."),
    "storageKeys": Parameter(listed(named("Slot"), maximum=1_024), "Storage slots."),
    "subscriptionId": Parameter(UINT256, "What subscribing answered."),
    "timeout_ms": Parameter(_count(30_000), "How long to wait for finality, milliseconds."),
    "toHeight": Parameter(_count(), "Last height; the head if left out."),
    "transaction": Parameter(DATA, "A signed transaction as bytes (EIP-2718)."),
    "transactionHash": Parameter(HASH, "Hash of a transaction."),
}
