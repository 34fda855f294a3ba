"""Signatures of typed data, made by eth-account, which shares no code with the contracts that check them."""

from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Hash32
from tests.contracts.settlement.world import Contract
from tests.node.execution.ledger import CHAIN_ID

Fields = list[tuple[str, str]]
"""Type and name of each field of a struct."""


def message(
    contract: Contract, primary: str, structs: dict[str, Fields], values: dict[str, Any], **domain: Any
) -> SignableMessage:
    """Return typed data for a contract whose domain has its own name and version 1, except for changes in `domain`."""
    types = {name: [{"type": kind, "name": field} for kind, field in fields] for name, fields in structs.items()}
    types["EIP712Domain"] = [
        {"type": "string", "name": "name"},
        {"type": "string", "name": "version"},
        {"type": "uint256", "name": "chainId"},
        {"type": "address", "name": "verifyingContract"},
    ]
    plain = {"name": contract.name, "version": "1", "chainId": CHAIN_ID, "verifyingContract": contract.address}
    document = {"types": types, "primaryType": primary, "domain": plain | domain, "message": values}
    return encode_typed_data(full_message=document)


def digest_of(signable: SignableMessage) -> Hash32:
    """Return the 32 bytes that are signed."""
    return keccak256(b"\x19" + signable.version + signable.header + signable.body)


def sign(signable: SignableMessage, private_key: bytes) -> bytes:
    """Return r, s and v."""
    return bytes(Account.sign_message(signable, private_key).signature)
