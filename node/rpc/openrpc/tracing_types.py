"""What debug_* and ots_* answer: traces in the formats that tools know, and Otterscan's views of blocks."""

from typing import Final

from node.rpc.openrpc.ethereum_types import ADDRESS, BLOCK, DATA, HASH, RECEIPT, UINT64, UINT256, WORD
from node.rpc.openrpc.schema import (
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    Schema,
    listed,
    named,
    nullable,
    one_of,
    record,
    table,
    text,
    without,
)

_STORAGE: Final = table(WORD, WORD)

_CALL_TRACE: Final = record(
    {"from": ADDRESS, "gas": UINT64, "gasUsed": UINT64, "to": ADDRESS, "input": DATA, "type": STRING},
    optional={
        "value": UINT256,
        "output": DATA,
        "error": STRING,
        "revertReason": STRING,
        "calls": listed(named("CallTrace")),
        "logs": listed(record({"address": ADDRESS, "topics": listed(HASH), "data": DATA, "position": UINT64})),
        "nativeCall": STRING,
    },
    description="callTracer. `nativeCall` is a call to a system contract in words, with its arguments by name.",
)

_STEP: Final = record(
    {"pc": NUMBER, "op": STRING, "gas": NUMBER, "gasCost": NUMBER, "depth": NUMBER, "refund": NUMBER},
    optional={
        "stack": listed(UINT256),
        "memory": listed(WORD),
        "returnData": DATA,
        "storage": _STORAGE,
        "error": STRING,
    },
)

_ACCOUNT: Final = record(
    {}, optional={"balance": UINT256, "nonce": NUMBER, "code": DATA, "codeHash": HASH, "storage": _STORAGE}
)
_ACCOUNTS: Final = table(ADDRESS, _ACCOUNT)

_LISTED_BLOCK: Final[dict[str, Schema]] = {
    **without(BLOCK, ("transactions",)),
    "logsBloom": NULL,
    "transactionCount": NUMBER,
}

_LISTED_RECEIPT: Final = record({**RECEIPT, "logs": NULL, "logsBloom": NULL, "timestamp": NUMBER})

TRACING_TYPES: Final[dict[str, Schema]] = {
    "CallTrace": _CALL_TRACE,
    "StepTrace": record(
        {"gas": NUMBER, "failed": BOOLEAN, "returnValue": DATA, "structLogs": listed(_STEP)},
        description="The default tracer: every opcode.",
    ),
    "Prestate": one_of(_ACCOUNTS, record({"pre": _ACCOUNTS, "post": _ACCOUNTS})),
    "SelectorCounts": table(text("0x[0-9a-f]{8}-[0-9]+", "A selector and the bytes of its arguments."), NUMBER),
    "Trace": one_of(named("CallTrace"), named("StepTrace"), named("Prestate"), named("SelectorCounts")),
    "TransactionTrace": record({"txHash": HASH, "result": named("Trace")}),
    "NoBadBlocks": {"type": "array", "maxItems": 0, "description": "A block that is not valid never becomes final."},
    "OtsBlockDetails": record(
        {
            "block": record(_LISTED_BLOCK),
            "issuance": record(dict.fromkeys(("blockReward", "uncleReward", "issuance"), UINT256)),
            "totalFees": UINT256,
        }
    ),
    "OtsBlockTransactions": record(
        {
            "fullblock": record({**_LISTED_BLOCK, "transactions": listed(named("Transaction"))}),
            "receipts": listed(_LISTED_RECEIPT),
        }
    ),
    "OtsTransactionPage": record(
        {
            "txs": listed(named("Transaction")),
            "receipts": listed(_LISTED_RECEIPT),
            "firstPage": BOOLEAN,
            "lastPage": BOOLEAN,
        }
    ),
    "OtsCreation": record({"hash": HASH, "creator": ADDRESS}),
    "OtsOperation": record({"type": NUMBER, "from": ADDRESS, "to": ADDRESS, "value": UINT256}),
    "OtsCall": record(
        {
            "type": STRING,
            "depth": NUMBER,
            "from": ADDRESS,
            "to": ADDRESS,
            "value": nullable(UINT256),
            "input": DATA,
            "output": DATA,
        }
    ),
}
