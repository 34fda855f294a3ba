"""Whose gas a transaction uses, and how much of one block a bank may fill: part of block validity.

The gas limits of a block's transactions of one bank, its sponsored customers' among them, are together at most what the
bank may send in a minute. Sponsors and quotas are read from the state before the block, so the order of transactions
and what they change decide nothing. It must never bound the governor, so that nobody can lock the network out of its
own administration. Source: ledger.md §8.
"""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.primitives.scalars import Address
from contracts.addresses import ACCOUNT_REGISTRY, PROTOCOL_CONFIG
from contracts.layout import (
    ACCOUNT_SPONSOR_BITS,
    BANK_QUOTA_OFFSET_BITS,
    PROTOCOL_PARAMETER_SLOTS,
    AccountRegistrySlots,
    ProtocolConfigSlots,
    account_slot,
    bank_slot,
    read_packed,
)
from node.execution.errors import BankShareExceeded

UNSPONSORED_GAS_SLOT = PROTOCOL_PARAMETER_SLOTS["unsponsored_gas_per_minute"]
"""Where ProtocolConfig keeps the quota that all accounts without a sponsor share."""

UNSPONSORED_BANK_ID = 0
"""Stands for all accounts without a sponsor; banks are numbered from 1."""

GOVERNOR_BANK_ID = 1 << ACCOUNT_SPONSOR_BITS
"""Stands for the governor: no bank has this number, so its transactions have turns of their own."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Whose quota a sender uses, and how large it is."""

    bank_id: int = UNSPONSORED_BANK_ID
    """Number of the sponsoring bank; 0 for accounts without one."""
    gas_per_minute: int | None = None
    """Gas limits admitted a minute, and at most of one block; None where nothing is counted."""


UNMETERED = Quota()
"""Of every sender on a network without banks."""

GOVERNOR_QUOTA = Quota(GOVERNOR_BANK_ID)
"""Of the governor, whoever sponsors it."""


def read_quota(get_slot: Callable[[Address, int], int], sender: Address) -> Quota:
    """Return the quota that `sender` uses on the state that `get_slot` reads.

    Nothing is counted on a network without banks, for a bank whose quota is 0, and for the governor.
    """
    if not get_slot(ACCOUNT_REGISTRY, AccountRegistrySlots.BANK_COUNT):
        return UNMETERED
    if get_slot(PROTOCOL_CONFIG, ProtocolConfigSlots.GOVERNOR) == int.from_bytes(sender, "big"):
        return GOVERNOR_QUOTA
    bank_id = read_packed(get_slot(ACCOUNT_REGISTRY, account_slot(sender)), offset_bits=0, bits=ACCOUNT_SPONSOR_BITS)
    if bank_id:
        gas_per_minute = get_slot(ACCOUNT_REGISTRY, bank_slot(bank_id)) >> BANK_QUOTA_OFFSET_BITS
    else:
        gas_per_minute = get_slot(PROTOCOL_CONFIG, UNSPONSORED_GAS_SLOT)
    return Quota(bank_id, gas_per_minute or None)


class BlockShares:
    """What each bank has used of one block. Owned by whoever executes it."""

    __slots__ = ("_get_slot", "_has_banks", "_quotas", "_used")

    def __init__(self, get_slot: Callable[[Address, int], int]) -> None:
        """Count from nothing; `get_slot` reads the state before the block."""
        self._get_slot = get_slot
        self._has_banks = get_slot(ACCOUNT_REGISTRY, AccountRegistrySlots.BANK_COUNT) != 0
        self._quotas: dict[Address, Quota] = {}
        """Of every sender seen: as many as the block has."""
        self._used: dict[int, int] = {}
        """Gas limits by bank number."""

    def validate(self, sender: Address, gas_limit: int) -> None:
        """Raise BankShareExceeded if a transaction would put its bank above its share of the block."""
        if not self._has_banks:
            return
        quota = self._quotas.get(sender)
        if quota is None:
            quota = self._quotas[sender] = read_quota(self._get_slot, sender)
        share = quota.gas_per_minute
        if share is None:
            return
        used = self._used.get(quota.bank_id, 0)
        if used + gas_limit > share:
            raise BankShareExceeded(bank_id=quota.bank_id, gas_limit=gas_limit, used=used, share=share)

    def charge(self, sender: Address, gas_limit: int) -> None:
        """Count a transaction that passed `validate` and is in the block."""
        quota = self._quotas.get(sender)
        if quota is not None:
            self._used[quota.bank_id] = self._used.get(quota.bank_id, 0) + gas_limit

    def filled_banks(self) -> tuple[int, ...]:
        """Return the banks that used half of their share or more: what they still wait for may not have fitted."""
        shares = {quota.bank_id: quota.gas_per_minute for quota in self._quotas.values()}
        filled = []
        for bank_id, used in self._used.items():
            share = shares[bank_id]
            if share is not None and 2 * used >= share:
                filled.append(bank_id)
        return tuple(filled)
