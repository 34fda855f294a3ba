"""Addresses as people see them: EIP-55 checksums and short forms."""

import re
from typing import Final

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from wallet_cli.errors import UsageRefused

_HEX_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def checksum_address(address: bytes) -> str:
    """Return the address in mixed case, so that a slipped digit shows (EIP-55)."""
    digits = address.hex()
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in zip(digits, digest))


def short_address(address: bytes) -> str:
    """Return `0x70F3…a91C` for screens."""
    text = checksum_address(address)
    return f"{text[:6]}…{text[-4:]}"


def looks_like_address(text: str) -> bool:
    """Tell whether `text` is 0x and forty hexadecimal digits."""
    return _HEX_ADDRESS.fullmatch(text) is not None


def parse_address(text: str) -> tuple[Address, bool]:
    """Return the address and whether its case carried a checksum.

    Raises: UsageRefused if it is no address, or mixed case that is not its checksum.
    """
    if not looks_like_address(text):
        raise UsageRefused(
            f"{text!r} is neither a known name nor an address",
            why="an address is 0x and forty hexadecimal digits",
            next_step=f"sycee contacts add {text if text.isalnum() else 'NAME'} ADDRESS",
            code="ADDRESS_INVALID",
        )
    address = Address(bytes.fromhex(text[2:]))
    digits = text[2:]
    if digits in (digits.lower(), digits.upper()):
        return address, False
    if checksum_address(address) != text:
        raise UsageRefused(
            f"{text} fails its checksum: the same digits are written {checksum_address(address)}",
            why="mixed case carries a checksum (EIP-55), so a digit or a letter's case is wrong",
            next_step="copy the address again from its owner",
            code="ADDRESS_CHECKSUM",
        )
    return address, True
