"""The state trace: what a transaction found in every account and slot it read, and what it left there.

Nothing watches opcodes here: a transaction runs on an overlay of its own, which remembers what was read from below.
"""

from typing import Final

from consensus.primitives.hashing import KECCAK_EMPTY
from consensus.primitives.scalars import Address
from node.rpc.encoding import Json, JsonObject, data_hex, word_hex
from node.state.overlay import Overlay
from node.state.reader import Account, StateReader

_ABSENT: Final[JsonObject] = {"balance": "0x0"}
"""What is shown of an account that is not there."""


def prestate_object(overlay: Overlay, below: StateReader) -> Json:
    """Return every account and slot that was read, as it was before; nothing of accounts that were not there."""
    before: JsonObject = {}
    for address, account in overlay.accounts_read().items():
        slots = overlay.slots_read().get(address, {})
        if account is None and not any(slots.values()):
            continue
        shown = _account_object(account, below)
        storage: JsonObject = {word_hex(slot): word_hex(value) for slot, value in slots.items()}
        if storage:
            shown["storage"] = storage
        before[data_hex(address)] = shown
    return before


def state_difference_object(overlay: Overlay, below: StateReader) -> Json:
    """Return what changed: before with all members of an account, after with those that differ."""
    before: JsonObject = {}
    after: JsonObject = {}
    for address in {**overlay.accounts, **overlay.slots}:
        old = _full_object(address, overlay.accounts_read().get(address), overlay, below, is_after=False)
        new = _full_object(address, overlay.account(address), overlay, overlay, is_after=True)
        if old == new:
            continue
        if old != _ABSENT:
            before[data_hex(address)] = old
        if overlay.account(address) is not None:
            after[data_hex(address)] = {name: member for name, member in new.items() if member != old.get(name)}
    return {"pre": before, "post": after}


def _full_object(
    address: Address, account: Account | None, overlay: Overlay, state: StateReader, *, is_after: bool
) -> JsonObject:
    shown = _account_object(account, state)
    storage: JsonObject = {}
    for slot, value in overlay.slots.get(address, {}).items():
        known = value if is_after else overlay.slots_read().get(address, {}).get(slot, 0)
        if known:
            storage[word_hex(slot)] = word_hex(known)
    if storage:
        shown["storage"] = storage
    return shown


def _account_object(account: Account | None, state: StateReader) -> JsonObject:
    if account is None:
        return dict(_ABSENT)
    shown: JsonObject = {"balance": hex(account.balance)}
    if account.nonce:
        shown["nonce"] = account.nonce
    if account.code_hash != KECCAK_EMPTY:
        shown["code"] = data_hex(state.code(account.code_hash))
        shown["codeHash"] = data_hex(account.code_hash)
    return shown
