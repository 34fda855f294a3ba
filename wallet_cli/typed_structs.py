"""A struct that people sign and a contract checks: EIP-712 with a flat message. Data only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue

KEY_SIGNATURE_BYTES: Final = 65
"""Length of a signature by a key: r, s, v."""


@dataclass(frozen=True, slots=True)
class TypedStruct:
    """One struct of one contract on one network."""

    domain_name: str
    domain_version: str
    chain_id: int
    contract: Address
    name: str
    """Of the struct."""
    fields: Sequence[tuple[str, str]]
    """ABI type and name of each, in order."""
    message: Mapping[str, AbiValue]
