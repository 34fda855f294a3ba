"""What the ledger says of one account after one block, read by the very functions the ledger decides with.

Amounts are decimal strings of the minor unit; a limit that does not exist is null.
"""

from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address, Height
from contracts.addresses import ACCOUNT_REGISTRY
from contracts.native.accounts import MAY_DEPLOY, MAY_SEND, AccountStatus, bank_of, record_of, sponsor_of
from contracts.native.hold_records import HoldStatus, has_hold, read_hold
from contracts.native.read_context import ReadContext
from contracts.native.redemptions import RedemptionStatus, redemption_count, redemption_of
from contracts.native.transfer_rules import limits_enabled, limits_of
from node.chain.index_reader import IndexReader
from node.chain.reservations import HOLD, Reservation, ReservationRole
from node.rpc.backend import CurrencyInfo, LedgerReads
from node.rpc.currencies import currency_object
from node.rpc.encoding import Json, JsonObject, data_hex
from node.rpc.positions import position_amounts

_STATUS_WORDS: Final = {
    AccountStatus.ACTIVE: "active",
    AccountStatus.SUSPENDED_BY_SPONSOR: "suspended_by_sponsor",
    AccountStatus.SUSPENDED_BY_GOVERNOR: "suspended_by_governor",
}
_PERMISSION_WORDS: Final = {MAY_SEND: "send", MAY_DEPLOY: "deploy"}
_LIMIT_FIELDS: Final = (
    "perTransferMax",
    "balanceMax",
    "dailyOutMax",
    "outToday",
    "outLeft",
    "dailyInMax",
    "inToday",
    "inLeft",
)


def read_context(reads: LedgerReads, height: Height, chain_id: int) -> ReadContext:
    """Return the state after the block at `height`, in that block's second, at the AccountRegistry.

    Raises: Pruned.
    """
    # Whole seconds, as contracts see them.
    timestamp_s = reads.header(height).header.timestamp_ms // 1_000
    state = reads.state_at(height)
    return ReadContext(state.storage, ACCOUNT_REGISTRY, height=height, timestamp_s=timestamp_s, chain_id=chain_id)


def registration_object(context: ReadContext, account: Address) -> JsonObject | None:
    """Return bank, tier, status and permissions of an account; None if no bank registered it."""
    registry = context.at(ACCOUNT_REGISTRY)
    sponsor_id, tier, status, permissions, registered_at_s = record_of(registry, account)
    if not status:
        return None
    bank = sponsor_of(registry, account)
    bank_object: JsonObject = {"id": sponsor_id, "address": data_hex(bank)}
    if bank != ZERO_ADDRESS:
        _, name, bic, _ = bank_of(registry, bank)
        bank_object |= {"name": name, "bic": bic}
    return {
        "bank": bank_object,
        "tier": tier,
        "status": _STATUS_WORDS[status],
        "permissions": [word for bit, word in _PERMISSION_WORDS.items() if permissions & bit],
        "registeredAt": registered_at_s,
    }


def balance_object(context: ReadContext, currency: CurrencyInfo, account: Address) -> JsonObject | None:
    """Return position and limits of an account in a currency; None if it has nothing there and moved nothing today."""
    there = context.at(currency.address)
    amounts = position_amounts(there.get_slot, account)
    tier, *values = limits_of(there, account)
    limits = dict(zip(_LIMIT_FIELDS, values, strict=True))
    if not any((*amounts.values(), limits["outToday"], limits["inToday"])):
        return None
    told: JsonObject = {"enabled": limits_enabled(there), "tier": tier}
    for name, units in limits.items():
        limit_name = {"outLeft": "dailyOutMax", "inLeft": "dailyInMax"}.get(name, name)
        is_absent = not name.endswith("Today") and not limits[limit_name]
        told[name] = None if is_absent else str(units)
    return {
        "currency": currency_object(currency),
        **{name: str(units) for name, units in amounts.items()},
        "limits": told,
    }


def reservation_object(context: ReadContext, currency: CurrencyInfo, entry: Reservation) -> JsonObject | None:
    """Return a hold or redemption as it was in this state; None if it was not open there."""
    there = context.at(currency.address)
    if entry.kind == HOLD:
        return _hold_object(there, currency, entry)
    return _redemption_object(there, currency, entry)


def _hold_object(context: ReadContext, currency: CurrencyInfo, entry: Reservation) -> JsonObject | None:
    if not has_hold(context, entry.id):
        return None
    hold = read_hold(context, entry.id)
    if hold.status is not HoldStatus.OPEN:
        return None
    roles: list[Json] = [str(role.name).lower() for role in ReservationRole if entry.roles & role]
    return {
        "currency": currency_object(currency),
        "id": data_hex(hold.id),
        "roles": roles,
        "payer": data_hex(hold.payer),
        "to": data_hex(hold.payee),
        "notary": None if hold.notary == ZERO_ADDRESS else data_hex(hold.notary),
        "amount": str(hold.amount),
        "remaining": str(hold.remaining),
        "expiresAt": hold.expires_at_s,
        "expired": context.block_timestamp_s > hold.expires_at_s,
        "consentedUntil": hold.consented_until_s or None,
        "memo": data_hex(hold.memo),
    }


def _redemption_object(context: ReadContext, currency: CurrencyInfo, entry: Reservation) -> JsonObject | None:
    number = int.from_bytes(entry.id, "big")
    if number > redemption_count(context):
        return None
    found = redemption_of(context, number)
    if found.status is not RedemptionStatus.REQUESTED:
        return None
    return {
        "currency": currency_object(currency),
        "id": number,
        "amount": str(found.amount),
        "requestedAt": found.requested_at,
        "memo": data_hex(found.memo),
    }


def open_reservations(
    context: ReadContext, reads: LedgerReads, indexes: IndexReader, account: Address, *, after: bytes, entries_max: int
) -> tuple[list[Json], list[Json], bytes | None]:
    """Return open holds, open redemptions, and where the list goes on if more than `entries_max` were looked at."""
    currencies = {currency.address: currency for currency in reads.currencies()}
    holds: list[Json] = []
    redemptions: list[Json] = []
    last = b""
    found = indexes.reservations(account, Height(context.block_number), after=after)
    for looked_at, entry in enumerate(found):
        if looked_at == entries_max:
            return holds, redemptions, last
        last = entry.place
        told = reservation_object(context, currencies[entry.currency], entry)
        if told is not None:
            (holds if entry.kind == HOLD else redemptions).append(told)
    return holds, redemptions, None
