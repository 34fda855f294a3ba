"""How ledger values look in JSON: the hex rules and the standard objects, with standard fields only.

Source: Ethereum execution-apis, schemas of block, transaction, receipt and log (Prague).
"""

from collections.abc import Sequence
from typing import TypeAlias, Union

import orjson

from consensus.chain.block import Block, block_bytes
from consensus.chain.header import EMPTY_UNCLES_HASH, Header
from consensus.chain.merkle import EMPTY_TRIE_ROOT, ordered_list_root
from consensus.chain.receipt import Log, bloom_bytes, bloom_of
from consensus.chain.transaction import Transaction, TransactionType, created_address, decode_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import decode, read_bytes, read_list
from consensus.primitives.scalars import ZERO_HASH, Address, Hash32
from node.mempool.pool import PooledTransaction
from node.rpc.backend import AccountProof, BlockReceipts, Certificate, FinalHeader, HeadInfo, SyncProgress

Json: TypeAlias = Union[  # noqa: UP007  # an alias that names itself must be written like this
    bool, int, float, str, Sequence["Json"], dict[str, "Json"], orjson.Fragment, None
]
"""What orjson writes; a Fragment is already written."""

JsonObject: TypeAlias = dict[str, Json]

_EMPTY_BLOOM = "0x" + "00" * 256
_EMPTY_LIST_ROOT = "0x" + EMPTY_TRIE_ROOT.hex()
_NO_UNCLES = "0x" + EMPTY_UNCLES_HASH.hex()
_ZERO_HASH = "0x" + ZERO_HASH.hex()
_ZERO_NONCE = "0x0000000000000000"
_EXTRA_DATA_AT = 12
"""Position of extraData among the header's RLP items."""


def data_hex(value: bytes) -> str:
    """Return bytes as 0x and two digits each."""
    return f"0x{value.hex()}"


def word_hex(value: int) -> str:
    """Return a storage word as 0x and 64 digits."""
    return f"0x{value:064x}"


def timestamp_quantity(header: Header) -> str:
    """Return the seconds of a header's time; the division drops the milliseconds, which extraData keeps."""
    return hex(header.timestamp_ms // 1000)


def block_object(block: Block, senders: Sequence[Address] | None) -> JsonObject:
    """Return a final block: with full transactions if `senders` are given, else with their hashes."""
    if senders is None:
        transactions: list[Json] = [data_hex(keccak256(raw)) for raw in block.transactions]
    else:
        transactions = [
            final_transaction_object(decode_transaction(raw), sender, block.header, block.block_hash, index)
            for index, (raw, sender) in enumerate(zip(block.transactions, senders, strict=True))
        ]
    return {
        **header_object(block.header, block.header_rlp, block.block_hash),
        "size": hex(block_bytes(block)),
        "transactions": transactions,
        "withdrawals": [],
        "uncles": [],
    }


def header_object(header: Header, header_rlp: bytes, block_hash: Hash32) -> JsonObject:
    """Return a final header, as a new head is told."""
    extra_data = read_bytes(read_list(decode(header_rlp))[_EXTRA_DATA_AT])
    return {
        "hash": data_hex(block_hash),
        "parentHash": data_hex(header.parent_hash),
        "sha3Uncles": _NO_UNCLES,
        "miner": data_hex(header.leader),
        "stateRoot": data_hex(header.state_root),
        "transactionsRoot": data_hex(header.transactions_root),
        "receiptsRoot": data_hex(header.receipts_root),
        "logsBloom": data_hex(header.logs_bloom),
        "difficulty": "0x0",
        "number": hex(header.height),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": timestamp_quantity(header),
        "extraData": data_hex(extra_data),
        "mixHash": data_hex(header.previous_randao),
        "nonce": _ZERO_NONCE,
        "baseFeePerGas": "0x0",
        "withdrawalsRoot": _EMPTY_LIST_ROOT,
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": _ZERO_HASH,
        "requestsHash": data_hex(header.requests_hash),
    }


def pending_block_object(
    head: HeadInfo, parent: FinalHeader, pending: Sequence[PooledTransaction], *, full: bool
) -> JsonObject:
    """Return the unsealed block over the last final one: hash, nonce and miner are null, nothing is executed."""
    raws = [pooled.transaction.raw for pooled in pending]
    transactions: list[Json] = [
        pending_transaction_object(pooled.transaction, pooled.sender) if full else data_hex(pooled.transaction.hash)
        for pooled in pending
    ]
    header = parent.header
    return {
        "hash": None,
        "parentHash": data_hex(head.block_hash),
        "sha3Uncles": _NO_UNCLES,
        "miner": None,
        "stateRoot": data_hex(header.state_root),
        "transactionsRoot": data_hex(ordered_list_root(raws)),
        "receiptsRoot": _EMPTY_LIST_ROOT,
        "logsBloom": _EMPTY_BLOOM,
        "difficulty": "0x0",
        "number": hex(head.height + 1),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": "0x0",
        "timestamp": timestamp_quantity(header),
        "extraData": "0x",
        "mixHash": data_hex(keccak256(head.block_hash)),
        "nonce": None,
        "baseFeePerGas": "0x0",
        "withdrawalsRoot": _EMPTY_LIST_ROOT,
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": _ZERO_HASH,
        "requestsHash": data_hex(header.requests_hash),
        "size": hex(len(parent.header_rlp) + sum(map(len, raws))),
        "transactions": transactions,
        "withdrawals": [],
        "uncles": [],
    }


def final_transaction_object(
    transaction: Transaction, sender: Address, header: Header, block_hash: Hash32, index: int
) -> JsonObject:
    """Return a final transaction."""
    return {
        "blockHash": data_hex(block_hash),
        "blockNumber": hex(header.height),
        "blockTimestamp": timestamp_quantity(header),
        "transactionIndex": hex(index),
        **_signed_fields(transaction, sender, gas_price=0),
    }


def pending_transaction_object(transaction: Transaction, sender: Address) -> JsonObject:
    """Return a pending transaction: its block fields are null."""
    return {
        "blockHash": None,
        "blockNumber": None,
        "blockTimestamp": None,
        "transactionIndex": None,
        **_signed_fields(transaction, sender, gas_price=transaction.max_fee_per_gas),
    }


def receipt_object(
    transaction: Transaction, header: Header, block_hash: Hash32, receipts: BlockReceipts, index: int
) -> JsonObject:
    """Return the receipt of the transaction at `index` of a final block."""
    receipt = receipts.receipts[index]
    sender = receipts.senders[index]
    gas_before = receipts.receipts[index - 1].cumulative_gas_used if index else 0
    created = None if transaction.to is not None else data_hex(created_address(sender, transaction.nonce))
    return {
        "type": hex(receipt.type),
        "transactionHash": data_hex(transaction.hash),
        "transactionIndex": hex(index),
        "blockHash": data_hex(block_hash),
        "blockNumber": hex(header.height),
        "from": data_hex(sender),
        "to": None if transaction.to is None else data_hex(transaction.to),
        "cumulativeGasUsed": hex(receipt.cumulative_gas_used),
        "gasUsed": hex(receipt.cumulative_gas_used - gas_before),
        "contractAddress": created,
        "logs": log_objects(
            receipt.logs, header, block_hash, transaction.hash, index, log_index_first=receipts.log_index_first[index]
        ),
        "logsBloom": data_hex(bloom_bytes(bloom_of(receipt.logs))),
        "status": "0x1" if receipt.succeeded else "0x0",
        "effectiveGasPrice": "0x0",
    }


def receipt_objects(block: Block, receipts: BlockReceipts) -> list[Json]:
    """Return all receipts of a final block."""
    return [
        receipt_object(decode_transaction(raw), block.header, block.block_hash, receipts, index)
        for index, raw in enumerate(block.transactions)
    ]


def log_objects(
    logs: Sequence[Log],
    header: Header,
    block_hash: Hash32,
    transaction_hash: Hash32,
    transaction_index: int,
    *,
    log_index_first: int,
) -> list[Json]:
    """Return the logs of one final transaction; `log_index_first` is the first one's position in the block."""
    return [
        log_object(log, header, block_hash, transaction_hash, transaction_index, log_index=log_index_first + offset)
        for offset, log in enumerate(logs)
    ]


def log_object(
    log: Log,
    header: Header,
    block_hash: Hash32,
    transaction_hash: Hash32,
    transaction_index: int,
    *,
    log_index: int,
) -> JsonObject:
    """Return a final log; `removed` is always false, because nothing final is ever undone."""
    return {
        "removed": False,
        "logIndex": hex(log_index),
        "transactionIndex": hex(transaction_index),
        "transactionHash": data_hex(transaction_hash),
        "blockHash": data_hex(block_hash),
        "blockNumber": hex(header.height),
        "blockTimestamp": timestamp_quantity(header),
        "address": data_hex(log.address),
        "data": data_hex(log.data),
        "topics": [data_hex(topic) for topic in log.topics],
    }


def proof_object(proof: AccountProof, keys: Sequence[str]) -> JsonObject:
    """Return an account proof; `keys` are the slots as the client wrote them, and come back unchanged."""
    return {
        "address": data_hex(proof.address),
        "accountProof": [data_hex(node) for node in proof.nodes],
        "balance": hex(proof.balance),
        "codeHash": data_hex(proof.code_hash),
        "nonce": hex(proof.nonce),
        "storageHash": data_hex(proof.storage_root),
        "storageProof": [
            {"key": key, "value": hex(slot.value), "proof": [data_hex(node) for node in slot.nodes]}
            for key, slot in zip(keys, proof.storage, strict=True)
        ],
    }


def syncing_object(progress: SyncProgress) -> JsonObject:
    """Return how far a node that catches up has come."""
    return {
        "startingBlock": hex(progress.height_start),
        "currentBlock": hex(progress.height_current),
        "highestBlock": hex(progress.height_highest),
    }


def certificate_object(certificate: Certificate) -> JsonObject:
    """Return why a height is final; heights, epochs, views and indices are numbers."""
    return {
        "height": certificate.height,
        "hash": data_hex(certificate.block_hash),
        "header": data_hex(certificate.header_rlp),
        "linkingHeaders": [data_hex(header) for header in certificate.linking_headers],
        "finalization": data_hex(certificate.finalization),
        "epoch": certificate.epoch,
        "view": certificate.view,
        "signers": list(certificate.signers),
        "validatorCount": certificate.validator_count,
    }


def _signed_fields(transaction: Transaction, sender: Address, *, gas_price: int) -> JsonObject:
    """Return what the sender signed; `gas_price` is the effective one for a dynamic-fee transaction."""
    fields: JsonObject = {
        "hash": data_hex(transaction.hash),
        "type": hex(transaction.type),
        "chainId": hex(transaction.chain_id),
        "nonce": hex(transaction.nonce),
        "from": data_hex(sender),
        "to": None if transaction.to is None else data_hex(transaction.to),
        "gas": hex(transaction.gas_limit),
        "value": hex(transaction.value),
        "input": data_hex(transaction.data),
        "gasPrice": hex(transaction.max_fee_per_gas),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if transaction.type == TransactionType.LEGACY:
        fields["v"] = hex(35 + 2 * transaction.chain_id + transaction.y_parity)
        return fields
    fields["v"] = fields["yParity"] = hex(transaction.y_parity)
    fields["accessList"] = [
        {"address": data_hex(address), "storageKeys": [word_hex(slot) for slot in slots]}
        for address, slots in transaction.access_list
    ]
    if transaction.type in (TransactionType.DYNAMIC_FEE, TransactionType.SET_CODE):
        fields["gasPrice"] = hex(gas_price)
        fields["maxFeePerGas"] = hex(transaction.max_fee_per_gas)
        fields["maxPriorityFeePerGas"] = hex(transaction.max_priority_fee_per_gas)
    if transaction.type == TransactionType.SET_CODE:
        fields["authorizationList"] = [
            {
                "chainId": hex(authorization.chain_id),
                "address": data_hex(authorization.address),
                "nonce": hex(authorization.nonce),
                "yParity": hex(authorization.y_parity),
                "r": hex(authorization.r),
                "s": hex(authorization.s),
            }
            for authorization in transaction.authorizations
        ]
    return fields
