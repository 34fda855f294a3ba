"""The currencies of a network: named by a node, proven from the ledger, then pinned."""

from collections.abc import Sequence
from typing import Any, Final

from consensus.primitives.scalars import Address
from contracts.addresses import CURRENCY_ID_MAX, CURRENCY_REGISTRY, currency_address
from contracts.layout import (
    DECIMALS_OFFSET_BITS,
    CurrencyRegistrySlots,
    CurrencySlots,
    currency_id_slot,
    encode_text,
    read_packed,
)
from wallet_cli.amounts import Currency
from wallet_cli.pinned_currencies import pinned_currencies
from wallet_cli.session import Session
from wallet_cli.verified import Head, ask_at, proof_failed

CURRENCIES_MAX: Final = 1_000
"""Currencies proven in one go; a network has tens."""


def load_currencies(session: Session, head: Head | None) -> list[Currency]:
    """Return the pinned currencies, proving and pinning those that came since.

    Raises: ProofInvalid if a node's list is not what the ledger holds, UsageRefused if nothing can be proven.
    """
    if head is None:
        return pinned_currencies(session)
    pinned = session.trust_store.load_currencies()
    _, words = session.verifier.read_account(head, CURRENCY_REGISTRY, [CurrencyRegistrySlots.COUNT])
    count = words[0]
    if count <= len(pinned):
        return pinned
    with session.output.progress("proving currencies", count - len(pinned)) as advance:
        known = {currency.id for currency in pinned}
        found = []
        for entry in _ask(session, head, count):
            if entry.id not in known:
                found.append(_prove(session, head, entry))
                advance()
    if len(found) + len(pinned) != count:
        detail = f"it lists {len(found) + len(pinned)} currencies, the ledger has {count}"
        raise proof_failed(head.endpoint, ValueError(detail))
    if head.proof.level != "unverified":
        session.trust_store.save_currencies(found)
    return sorted([*pinned, *found], key=lambda currency: currency.id)


def _ask(session: Session, head: Head, count: int) -> list[Currency]:
    answer = ask_at(session.client, head.endpoint, "sycee_getCurrencies")
    try:
        if not isinstance(answer, list) or len(answer) > min(count, CURRENCIES_MAX):
            raise ValueError(f"currencies are no list of at most {count}")
        entries = [_decode(entry) for entry in answer]
        if len({entry.id for entry in entries}) != len(entries):
            raise ValueError("a currency is listed twice")
        return entries
    except (ValueError, KeyError, TypeError) as error:
        raise proof_failed(head.endpoint, error) from error


def _decode(entry: Any) -> Currency:
    number, code, name = int(entry["id"]), str(entry["code"]), str(entry["name"])
    if not 1 <= number <= CURRENCY_ID_MAX or not name.isprintable():
        raise ValueError(f"currency {number} has an impossible id or name")
    address = Address(bytes.fromhex(str(entry["address"]).removeprefix("0x")))
    return Currency(number, address, code, name, int(entry["decimals"]))


def _prove(session: Session, head: Head, entry: Currency) -> Currency:
    """Compare a listed currency with the ledger: id by code, decimals, code and name. Raises: ProofInvalid."""
    if entry.address != currency_address(entry.id):
        raise proof_failed(head.endpoint, ValueError(f"currency {entry.id} cannot be at 0x{entry.address.hex()}"))
    _, ids = session.verifier.read_account(head, CURRENCY_REGISTRY, [currency_id_slot(entry.code.encode())])
    expected = {
        **encode_text(entry.code.encode(), CurrencySlots.SYMBOL),
        **encode_text(entry.name.encode(), CurrencySlots.NAME),
    }
    slots: Sequence[int] = [CurrencySlots.FLAGS, *expected]
    _, words = session.verifier.read_account(head, entry.address, slots)
    decimals = read_packed(words[0], offset_bits=DECIMALS_OFFSET_BITS, bits=8)
    if ids[0] != entry.id or decimals != entry.decimals or words[1:] != list(expected.values()):
        detail = (
            f"it says currency {entry.id} is {entry.code} with {entry.decimals} decimals; "
            f"the ledger has id {ids[0]} and {decimals} decimals, or another name"
        )
        raise proof_failed(head.endpoint, ValueError(detail))
    return entry
