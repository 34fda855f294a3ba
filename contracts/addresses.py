"""Where the system contracts are.

An address alone tells what stands there; nothing in this module reads state. Source: ledger.md §2.
"""

from typing import Final

from consensus.primitives.scalars import Address

SYSTEM_PREFIX: Final = bytes.fromhex("5cee") + bytes(17)
"""First 19 bytes of a system contract; the last byte is its number. Numbers not yet given out are
system addresses all the same, so that no money is parked where a contract will stand later."""

CURRENCY_PREFIX: Final = bytes.fromhex("5cee1000") + bytes(12)
"""First 16 bytes of a currency; the last four are its id, big-endian."""

CURRENCY_ID_MAX: Final = 2**32 - 1
"""Largest currency id: it has four bytes of the address."""

_PREFIXES: Final = (SYSTEM_PREFIX, CURRENCY_PREFIX)
_ADDRESS_BYTES: Final = 20


class InvalidCurrencyId(ValueError):
    """A number that is not the id of any currency."""

    def __init__(self, currency_id: int) -> None:
        self.currency_id = currency_id
        super().__init__(f"currency ids are 1 to {CURRENCY_ID_MAX}, found {currency_id}")


class NotACurrency(ValueError):
    """An address outside the range of currencies."""

    def __init__(self, address: bytes) -> None:
        self.address = address
        super().__init__(f"0x{address.hex()} is not a currency: those begin with 0x{CURRENCY_PREFIX.hex()}")


def _system_address(number: int) -> Address:
    return Address(SYSTEM_PREFIX + bytes((number,)))


CURRENCY_REGISTRY: Final = _system_address(1)
POLICY_REGISTRY: Final = _system_address(2)
ACCOUNT_REGISTRY: Final = _system_address(3)
VALIDATOR_REGISTRY: Final = _system_address(4)
PROTOCOL_CONFIG: Final = _system_address(5)
BATCH: Final = _system_address(6)
OFFLINE_LOCKS: Final = _system_address(7)


def currency_address(currency_id: int) -> Address:
    """Return the address of the currency numbered `currency_id`.

    Raises: InvalidCurrencyId if it is not 1 to 2^32 - 1.
    """
    if not 1 <= currency_id <= CURRENCY_ID_MAX:
        raise InvalidCurrencyId(currency_id)
    return Address(CURRENCY_PREFIX + currency_id.to_bytes(4, "big"))


def is_currency(address: bytes) -> bool:
    """Tell whether `address` is in the range of currencies; whether one was created there is on the ledger."""
    return address.startswith(CURRENCY_PREFIX) and len(address) == _ADDRESS_BYTES


def currency_id(address: bytes) -> int:
    """Return the id in a currency's address.

    Raises: NotACurrency if the address is outside the range, or has the id 0 that is never given out.
    """
    number = int.from_bytes(address[16:], "big")
    if number == 0 or not is_currency(address):
        raise NotACurrency(address)
    return number


def is_system_address(address: bytes) -> bool:
    """Tell whether calls to `address` (20 bytes) go to native code: it is in one of the two ranges."""
    return address.startswith(_PREFIXES)
