"""Reads what a client wants executed: the call, and what it shall believe of accounts and of its block."""

from collections.abc import Mapping, Sequence

from consensus.chain.errors import WrongChainId
from consensus.chain.transaction import AccessList, Authorization
from consensus.primitives.scalars import ZERO_ADDRESS, Address, Height, TimestampMs
from node.execution.calls import AccountOverride, BlockOverride, CallRequest
from node.rpc.errors import InvalidParameter, NotSupported
from node.rpc.parameters import (
    UINT256_MAX,
    read_address,
    read_data,
    read_hash,
    read_object,
    read_quantity,
    read_sequence,
    read_slot,
)

_IGNORED = frozenset({"gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "nonce", "type"})
"""Members clients send that change nothing here: gas has no price, and a call has no place in a sender's order."""

_CALL = _IGNORED | {"from", "to", "gas", "value", "data", "input", "chainId", "accessList", "authorizationList"}

_BLOBS = frozenset({"blobs", "blobVersionedHashes", "maxFeePerBlobGas", "commitments", "proofs"})

_ACCOUNT = frozenset({"nonce", "code", "balance", "state", "stateDiff", "movePrecompileToAddress"})

_BLOCK = frozenset(
    {
        "number",
        "time",
        "gasLimit",
        "feeRecipient",
        "coinbase",
        "prevRandao",
        "random",
        "baseFeePerGas",
        "blobBaseFee",
        "difficulty",
    }
)

_ENTRY = frozenset({"address", "storageKeys"})

_AUTHORIZATION = frozenset({"chainId", "address", "nonce", "yParity", "v", "r", "s"})

SECONDS_MAX = 2**53 // 1000
"""Timestamps that stay exact in milliseconds."""


def read_call(value: object, name: str, call_gas_max: int, chain_id: int) -> CallRequest:
    """Return the call, its gas limit capped at `call_gas_max`.

    Raises: InvalidParameter, NotSupported, WrongChainId.
    """
    members = read_object(value, name, _CALL | _BLOBS)
    for blob in sorted(_BLOBS & members.keys()):
        raise NotSupported(f"{name}.{blob}")
    if "chainId" in members:
        found = read_quantity(members["chainId"], f"{name}.chainId", UINT256_MAX)
        if found != chain_id:
            raise WrongChainId(found=found, expected=chain_id)
    gas_limit = read_quantity(members["gas"], f"{name}.gas") if "gas" in members else call_gas_max
    return CallRequest(
        sender=read_address(members["from"], f"{name}.from") if "from" in members else ZERO_ADDRESS,
        to=read_address(members["to"], f"{name}.to") if "to" in members else None,
        gas_limit=min(gas_limit, call_gas_max),
        value=read_quantity(members["value"], f"{name}.value", UINT256_MAX) if "value" in members else 0,
        data=_read_call_data(members, name),
        access_list=_read_access_list(members.get("accessList", []), f"{name}.accessList"),
        authorizations=tuple(
            _read_authorization(entry, f"{name}.authorizationList")
            for entry in read_sequence(members.get("authorizationList", []), f"{name}.authorizationList")
        ),
    )


def read_account_overrides(value: object | None, name: str) -> Mapping[Address, AccountOverride]:
    """Return what a call shall believe of accounts. Raises: InvalidParameter, NotSupported."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidParameter(name, expected="an object of accounts by address", actual=value)
    return {read_address(key, name): _read_account_override(member, name) for key, member in value.items()}


def read_block_overrides(value: object | None, name: str) -> BlockOverride:
    """Return what a call shall believe of its block. Raises: InvalidParameter."""
    if value is None:
        return BlockOverride()
    members = read_object(value, name, _BLOCK)

    def quantity(member: str, maximum: int) -> int | None:
        return read_quantity(members[member], f"{name}.{member}", maximum) if member in members else None

    height = quantity("number", 2**63)
    seconds = quantity("time", SECONDS_MAX)
    leader = members.get("feeRecipient", members.get("coinbase"))
    randao = members.get("prevRandao", members.get("random"))
    return BlockOverride(
        height=None if height is None else Height(height),
        timestamp_ms=None if seconds is None else TimestampMs(1000 * seconds),
        gas_limit=quantity("gasLimit", 2**63),
        leader=None if leader is None else read_address(leader, f"{name}.feeRecipient"),
        randao=None if randao is None else read_hash(randao, f"{name}.prevRandao"),
        base_fee=quantity("baseFeePerGas", UINT256_MAX),
        blob_base_fee=quantity("blobBaseFee", UINT256_MAX),
    )


def _read_call_data(members: Mapping[str, object], name: str) -> bytes:
    """Return the call data, which has two names; both may be given if they are equal."""
    given = [read_data(members[member], f"{name}.{member}") for member in ("input", "data") if member in members]
    if len(given) == 2 and given[0] != given[1]:
        raise InvalidParameter(f"{name}.data", expected=f"the same bytes as {name}.input", actual=members["data"])
    return given[0] if given else b""


def _read_access_list(value: object, name: str) -> AccessList:
    entries = [read_object(entry, name, _ENTRY) for entry in read_sequence(value, name)]
    return tuple(
        (
            read_address(entry.get("address"), f"{name}.address"),
            _read_slots(read_sequence(entry.get("storageKeys", []), f"{name}.storageKeys"), name),
        )
        for entry in entries
    )


def _read_slots(keys: Sequence[object], name: str) -> tuple[int, ...]:
    return tuple(read_slot(key, f"{name}.storageKeys") for key in keys)


def _read_authorization(value: object, name: str) -> Authorization:
    members = read_object(value, name, _AUTHORIZATION)

    def quantity(member: str, maximum: int = UINT256_MAX) -> int:
        return read_quantity(members.get(member, "0x0"), f"{name}.{member}", maximum)

    return Authorization(
        chain_id=quantity("chainId"),
        address=read_address(members.get("address"), f"{name}.address"),
        nonce=quantity("nonce", 2**64 - 1),
        y_parity=quantity("yParity" if "yParity" in members else "v", 255),
        r=quantity("r"),
        s=quantity("s"),
    )


def _read_account_override(value: object, name: str) -> AccountOverride:
    members = read_object(value, name, _ACCOUNT)
    if "movePrecompileToAddress" in members:
        raise NotSupported(f"{name}.movePrecompileToAddress")
    if "state" in members and "stateDiff" in members:
        raise InvalidParameter(name, expected="either state or stateDiff", actual="both")

    def quantity(member: str, maximum: int) -> int | None:
        return read_quantity(members[member], f"{name}.{member}", maximum) if member in members else None

    return AccountOverride(
        nonce=quantity("nonce", 2**64 - 1),
        code=read_data(members["code"], f"{name}.code") if "code" in members else None,
        balance=quantity("balance", UINT256_MAX),
        state=_read_words(members["state"], f"{name}.state") if "state" in members else None,
        state_diff=_read_words(members.get("stateDiff", {}), f"{name}.stateDiff"),
    )


def _read_words(value: object, name: str) -> Mapping[int, int]:
    if not isinstance(value, dict):
        raise InvalidParameter(name, expected="an object of 32-byte words by slot", actual=value)
    return {read_slot(key, name): int.from_bytes(read_hash(word, name), "big") for key, word in value.items()}
