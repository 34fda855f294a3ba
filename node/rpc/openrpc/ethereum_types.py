"""Ethereum's objects as this node writes them: closed, so that a member nobody named is a mistake somebody finds.

The public schemas of the execution APIs judge the same answers in the tests; these also say what stays open there.
"""

from typing import Final

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

_DIGIT: Final = "[0-9a-fA-F]"

DATA: Final = named("Data")
ADDRESS: Final = named("Address")
HASH: Final = named("Hash")
WORD: Final = named("Word")
UINT64: Final = named("Uint64")
UINT256: Final = named("Uint256")

SCALARS: Final[dict[str, Schema]] = {
    "Boolean": BOOLEAN,
    "String": STRING,
    "Number": NUMBER,
    "Null": NULL,
    "Data": text(f"0x({_DIGIT}{{2}})*", "Bytes: 0x and two hex digits each; lower case in answers."),
    "Bytes4": text(f"0x{_DIGIT}{{8}}", "4 bytes in hex."),
    "Bytes8": text(f"0x{_DIGIT}{{16}}", "8 bytes in hex."),
    "Bloom": text(f"0x{_DIGIT}{{512}}", "A bloom filter of 256 bytes."),
    "Address": text(f"0x{_DIGIT}{{40}}", "20 bytes in hex; upper and lower case are alike."),
    "Hash": text(f"0x{_DIGIT}{{64}}", "32 bytes in hex."),
    "Word": text(f"0x{_DIGIT}{{64}}", "A storage word of 32 bytes in hex."),
    "Uint64": text(f"0x(0|[1-9a-fA-F]{_DIGIT}{{0,15}})", "A quantity below 2^64: hex without leading zeros."),
    "Uint256": text(f"0x(0|[1-9a-fA-F]{_DIGIT}{{0,63}})", "A quantity below 2^256: hex without leading zeros."),
}

_HEADER: Final[dict[str, Schema]] = {
    "hash": HASH,
    "parentHash": HASH,
    "sha3Uncles": HASH,
    "miner": ADDRESS,
    "stateRoot": HASH,
    "transactionsRoot": HASH,
    "receiptsRoot": HASH,
    "logsBloom": named("Bloom"),
    "difficulty": UINT64,
    "number": UINT64,
    "gasLimit": UINT64,
    "gasUsed": UINT64,
    "timestamp": UINT64,
    "extraData": DATA,
    "mixHash": HASH,
    "nonce": named("Bytes8"),
    "baseFeePerGas": UINT256,
    "withdrawalsRoot": HASH,
    "blobGasUsed": UINT64,
    "excessBlobGas": UINT64,
    "parentBeaconBlockRoot": HASH,
    "requestsHash": HASH,
}

_NONE_OF: Final[Schema] = {"type": "array", "maxItems": 0}

BLOCK: Final[dict[str, Schema]] = {
    **_HEADER,
    "size": UINT64,
    "transactions": one_of(listed(HASH), listed(named("Transaction"))),
    "withdrawals": {**_NONE_OF},
    "uncles": {**_NONE_OF},
}

_PENDING_NULLS: Final = ("hash", "miner", "nonce")
"""What nobody knows of a block that is not sealed."""

TRANSACTION: Final[dict[str, Schema]] = {
    "blockHash": nullable(HASH),
    "blockNumber": nullable(UINT64),
    "blockTimestamp": nullable(UINT64),
    "transactionIndex": nullable(UINT64),
    "hash": HASH,
    "type": UINT64,
    "chainId": UINT64,
    "nonce": UINT64,
    "from": ADDRESS,
    "to": nullable(ADDRESS),
    "gas": UINT64,
    "value": UINT256,
    "input": DATA,
    "gasPrice": UINT256,
    "r": UINT256,
    "s": UINT256,
    "v": UINT256,
}

_BY_TYPE: Final[dict[str, Schema]] = {
    "yParity": UINT64,
    "accessList": named("AccessList"),
    "maxFeePerGas": UINT256,
    "maxPriorityFeePerGas": UINT256,
    "authorizationList": listed(named("Authorization")),
}

RECEIPT: Final[dict[str, Schema]] = {
    "type": UINT64,
    "transactionHash": HASH,
    "transactionIndex": UINT64,
    "blockHash": HASH,
    "blockNumber": UINT64,
    "from": ADDRESS,
    "to": nullable(ADDRESS),
    "cumulativeGasUsed": UINT64,
    "gasUsed": UINT64,
    "contractAddress": nullable(ADDRESS),
    "logs": listed(named("Log")),
    "logsBloom": named("Bloom"),
    "status": UINT64,
    "effectiveGasPrice": UINT256,
}

_KEPT: Final[dict[str, Schema]] = {"disabled": BOOLEAN, "oldestBlock": UINT64}

_SIMULATED_CALL: Final = record(
    {"returnData": DATA, "logs": listed(named("Log")), "gasUsed": UINT64, "status": UINT64},
    optional={"error": record({"code": {"type": "integer"}, "message": STRING}, optional={"data": DATA})},
)

_POOL: Final = table(named("Address"), table(text("[0-9]+", "A nonce."), named("Transaction")))
_POOL_OF_ONE: Final = table(text("[0-9]+", "A nonce."), named("Transaction"))
_POOL_IN_WORDS: Final = table(named("Address"), table(text("[0-9]+", "A nonce."), STRING))

ETHEREUM_TYPES: Final[dict[str, Schema]] = {
    **SCALARS,
    "Header": record(_HEADER),
    "Block": record(BLOCK, description="A final block; `transactions` are hashes, or whole if that was asked for."),
    "PendingBlock": record(
        {**without(BLOCK, _PENDING_NULLS), **dict.fromkeys(_PENDING_NULLS, NULL)},
        description="The block after the last final one as this node's pending transactions would make it.",
    ),
    "AnyBlock": one_of(named("Block"), named("PendingBlock")),
    "Transaction": record(
        TRANSACTION, optional=_BY_TYPE, description="A transaction; the members of its place are null while pending."
    ),
    "AccessList": listed(record({"address": ADDRESS, "storageKeys": listed(HASH)})),
    "Authorization": record(
        {"chainId": UINT256, "address": ADDRESS, "nonce": UINT64, "yParity": UINT64, "r": UINT256, "s": UINT256},
        description="An account that lets code act for it (EIP-7702).",
    ),
    "Receipt": record(RECEIPT),
    "Log": record(
        {
            "removed": {"const": False},
            "logIndex": UINT64,
            "transactionIndex": UINT64,
            "transactionHash": HASH,
            "blockHash": HASH,
            "blockNumber": UINT64,
            "blockTimestamp": UINT64,
            "address": ADDRESS,
            "data": DATA,
            "topics": listed(HASH, maximum=4),
        },
        description="A final log. `removed` is always false: nothing final is undone.",
    ),
    "Syncing": one_of(
        {"const": False}, record({"startingBlock": UINT64, "currentBlock": UINT64, "highestBlock": UINT64})
    ),
    "FeeHistory": record(
        {
            "oldestBlock": UINT64,
            "baseFeePerGas": listed(UINT256),
            "gasUsedRatio": listed({"type": "number", "minimum": 0, "maximum": 1}),
            "baseFeePerBlobGas": listed(UINT256),
            "blobGasUsedRatio": listed({"type": "number", "minimum": 0, "maximum": 1}),
        },
        optional={"reward": listed(listed(UINT256))},
    ),
    "AccountProof": record(
        {
            "address": ADDRESS,
            "accountProof": listed(DATA),
            "balance": UINT256,
            "codeHash": HASH,
            "nonce": UINT64,
            "storageHash": HASH,
            "storageProof": listed(
                record({"key": named("Slot"), "value": UINT256, "proof": listed(DATA)}),
            ),
        },
        description="An account and slots with their Merkle paths (EIP-1186).",
    ),
    "Slot": text(f"0x{_DIGIT}{{1,64}}", "A storage slot: up to 32 bytes in hex, leading zeros or not."),
    "SlotsByAddress": table(ADDRESS, listed(named("Slot"), maximum=1_024)),
    "WordsByAddress": table(ADDRESS, listed(WORD)),
    "AccessListResult": record({"accessList": named("AccessList"), "gasUsed": UINT64}, optional={"error": STRING}),
    "FilterChanges": one_of(listed(HASH), listed(named("Transaction")), listed(named("Log"))),
    "SimulatedBlock": record({**BLOCK, "calls": listed(_SIMULATED_CALL)}),
    "NodeConfig": record(
        {
            "current": record(
                {
                    "activationTime": NUMBER,
                    "blobSchedule": record({"baseFeeUpdateFraction": NUMBER, "max": NUMBER, "target": NUMBER}),
                    "chainId": UINT64,
                    "forkId": named("Bytes4"),
                    "precompiles": table(STRING, ADDRESS),
                    "systemContracts": table(STRING, ADDRESS),
                }
            ),
            "next": NULL,
            "last": NULL,
        },
        description="The rules in force (EIP-7910); this network has no fork that a time would begin.",
    ),
    "Capabilities": record(
        {
            "head": record({"number": UINT64, "hash": HASH}),
            **dict.fromkeys(("state", "tx", "logs", "receipts", "blocks"), record(_KEPT)),
            "stateproofs": record(
                {
                    **_KEPT,
                    "deleteStrategy": record({"type": {"const": "window"}, "retentionBlocks": UINT64}),
                }
            ),
        },
        description="From which height on this node can answer what.",
    ),
    "PoolStatus": record({"pending": UINT64, "queued": UINT64}),
    "PoolContent": record({"pending": _POOL, "queued": _POOL}),
    "PoolContentOfSender": record({"pending": _POOL_OF_ONE, "queued": _POOL_OF_ONE}),
    "PoolInspection": record({"pending": _POOL_IN_WORDS, "queued": _POOL_IN_WORDS}),
}
