"""eth_*: what this network and this node are, for tools that ask first, and what a node without keys refuses."""

import zlib
from collections.abc import Sequence

from consensus.primitives.scalars import Height
from contracts import addresses
from node.execution.engine import SYCEE
from node.execution.system_steps import HISTORY_ADDRESS
from node.rpc.encoding import Json, JsonObject, data_hex
from node.rpc.methods import Context, Method

PRECOMPILE_NAMES = {
    0x01: "ECREC",
    0x02: "SHA256",
    0x03: "RIPEMD160",
    0x04: "ID",
    0x05: "MODEXP",
    0x06: "BN254_ADD",
    0x07: "BN254_MUL",
    0x08: "BN254_PAIRING",
    0x09: "BLAKE2F",
    0x0A: "KZG_POINT_EVALUATION",
    0x0B: "BLS12_G1ADD",
    0x0C: "BLS12_G1MSM",
    0x0D: "BLS12_G2ADD",
    0x0E: "BLS12_G2MSM",
    0x0F: "BLS12_PAIRING_CHECK",
    0x10: "BLS12_MAP_FP_TO_G1",
    0x11: "BLS12_MAP_FP2_TO_G2",
    0x100: "P256VERIFY",
}
"""By number. Source: EIP-7910, EIP-7951."""

SYSTEM_CONTRACTS = {
    "ACCOUNT_REGISTRY": addresses.ACCOUNT_REGISTRY,
    "BATCH": addresses.BATCH,
    "CURRENCY_REGISTRY": addresses.CURRENCY_REGISTRY,
    "HISTORY_STORAGE_ADDRESS": HISTORY_ADDRESS,
    "OFFLINE_LOCKS": addresses.OFFLINE_LOCKS,
    "POLICY_REGISTRY": addresses.POLICY_REGISTRY,
    "PROTOCOL_CONFIG": addresses.PROTOCOL_CONFIG,
    "VALIDATOR_REGISTRY": addresses.VALIDATOR_REGISTRY,
}

NO_BLOBS: JsonObject = {"baseFeeUpdateFraction": 5_007_716, "max": 0, "target": 0}
"""Blobs are refused. The fraction is that of Prague: clients divide by it, so it is not 0."""


def config(context: Context, parameters: Sequence[object]) -> Json:
    """Return the rules in force since genesis; nothing else is scheduled (EIP-7910)."""
    genesis_hash = context.backend.header(Height(0)).block_hash
    precompiles = sorted((int.from_bytes(address, "big"), address) for address in SYCEE.precompiles)
    current: JsonObject = {
        "activationTime": 0,
        "blobSchedule": NO_BLOBS,
        "chainId": hex(context.backend.chain_id),
        # No fork has followed genesis, so the hash of the forks is that of genesis alone (EIP-2124).
        "forkId": data_hex(zlib.crc32(genesis_hash).to_bytes(4, "big")),
        "precompiles": {PRECOMPILE_NAMES[number]: data_hex(address) for number, address in precompiles},
        "systemContracts": {name: data_hex(address) for name, address in SYSTEM_CONTRACTS.items()},
    }
    return {"current": current, "next": None, "last": None}


def capabilities(context: Context, parameters: Sequence[object]) -> Json:
    """Return what this node keeps and from which height on it proves state."""
    backend = context.backend
    head = backend.head()
    window = backend.proof_window_blocks
    kept: JsonObject = {"disabled": False, "oldestBlock": hex(backend.earliest_height())}
    proved: JsonObject = {
        "disabled": False,
        "oldestBlock": hex(max(backend.earliest_height(), head.height - window)),
        "deleteStrategy": {"type": "window", "retentionBlocks": hex(window)},
    }
    return {
        "head": {"number": hex(head.height), "hash": data_hex(head.block_hash)},
        "state": kept,
        "tx": kept,
        "logs": kept,
        "receipts": kept,
        "blocks": kept,
        "stateproofs": proved,
    }


METHODS = {
    "eth_config": Method(config, 0, 0, "", "NodeConfig"),
    "eth_capabilities": Method(capabilities, 0, 0, "", "Capabilities"),
}
