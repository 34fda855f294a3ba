"""What an account has in a currency at one height."""

from collections.abc import Callable
from typing import Final

from consensus.primitives.scalars import Address, Height
from contracts.layout import CurrencySlots, address_mapping_slot
from node.rpc.backend import CurrencyInfo, LedgerReads
from node.rpc.encoding import JsonObject, data_hex

_SLOTS: Final = {
    "balance": CurrencySlots.BALANCES,
    "held": CurrencySlots.HELD,
    "frozen": CurrencySlots.FROZEN,
    "parked": CurrencySlots.PARKED,
}


def position_slots(account: Address) -> list[int]:
    """Return the slots of balance, held, frozen and parked amount, which prove a position."""
    return [address_mapping_slot(account, slot) for slot in _SLOTS.values()]


def position_amounts(get_slot: Callable[[int], int], account: Address) -> dict[str, int]:
    """Return balance, held, frozen, parked and spendable amount from a currency's slots, in minor units."""
    amounts = dict(zip(_SLOTS, map(get_slot, position_slots(account)), strict=True))
    return {**amounts, "spendable": max(amounts["balance"] - amounts["frozen"], 0)}


def position_object(reads: LedgerReads, currency: CurrencyInfo, account: Address, height: Height) -> JsonObject:
    """Return a position after the block at `height`; amounts are decimal strings of the minor unit.

    Raises: Pruned.
    """
    state = reads.state_at(height)
    amounts = position_amounts(lambda slot: state.storage(currency.address, slot), account)
    return {
        "height": height,
        "hash": data_hex(reads.header(height).block_hash),
        "currency": currency.code,
        "address": data_hex(currency.address),
        "decimals": currency.decimals,
        "account": data_hex(account),
        **{name: str(amount) for name, amount in amounts.items()},
    }
