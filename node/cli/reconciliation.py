"""Compare what a payments file says with what the ledger holds. Arithmetic only: facts come in, findings go out.

Nothing here asks a node or trusts one: the caller reads logs, balances and roots and hands them over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consensus.primitives.scalars import Address
from node.cli.payments_file import Payment, PaymentsFile

DIFFERENCES_SHOWN_MAX = 10
"""Differences named one by one; the rest are counted."""


@dataclass(frozen=True, slots=True)
class LedgerPayment:
    """One payment as the ledger's events tell it."""

    transaction_hash: str
    height: int
    payer: Address
    payee: Address
    amount_minor: int
    memo: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the reconciliation: what was compared, whether it agrees, and how."""

    name: str
    agrees: bool
    text: str
    differences: tuple[str, ...] = ()


def reconcile_references(
    file: PaymentsFile, found: Sequence[LedgerPayment], addresses: Mapping[str, Address]
) -> Finding:
    """Check that every reference of `file` is on the ledger exactly once, with payer, payee and amount as written."""
    by_memo: dict[bytes, list[LedgerPayment]] = {}
    for entry in found:
        by_memo.setdefault(entry.memo, []).append(entry)
    differences: list[str] = []
    for payment in file.payments:
        difference = _difference(payment, by_memo.pop(payment.memo, []), addresses)
        if difference:
            differences.append(f"{payment.reference}: {difference}")
    surplus = sum(len(entries) for entries in by_memo.values())
    differences.extend(f"{_text(memo)}: on the ledger and not in the file" for memo in by_memo)
    exact = len(file.payments) - (len(differences) - len(by_memo))
    text = f"{exact:,} of {len(file.payments):,} found exactly once"
    return Finding(
        name="references",
        agrees=not differences,
        text=text + (f", {surplus} that are not in the file" if surplus else ""),
        differences=tuple(differences),
    )


def expected_balances(file: PaymentsFile, opening: Mapping[str, int]) -> dict[str, int]:
    """Return what each bank holds after `file`: opening balance minus what it paid plus what it was paid."""
    balances = {bank: opening[bank] for bank in file.banks}
    for payment in file.payments:
        balances[payment.payer] -= payment.amount_minor
        balances[payment.payee] += payment.amount_minor
    return balances


def reconcile_balances(expected: Mapping[str, int], found: Mapping[str, int]) -> Finding:
    """Check that every bank holds what the arithmetic says."""
    differences = tuple(
        f"{bank}: expected {amount}, on the ledger {found.get(bank)}"
        for bank, amount in expected.items()
        if found.get(bank) != amount
    )
    agreed = len(expected) - len(differences)
    return Finding("balances", not differences, f"{agreed} of {len(expected)} banks to the minor unit", differences)


def reconcile_roots(roots: Mapping[str, str], height: int) -> Finding:
    """Check that all validators (name to state root) have one state root at `height`."""
    differences = tuple(f"{name}: {root}" for name, root in roots.items()) if len(set(roots.values())) > 1 else ()
    shown = next(iter(roots.values()), "none")
    text = f"{shown[:10]}… on {len(roots)} validators at height {height}" if not differences else "they differ"
    return Finding("state root", bool(roots) and not differences, text, differences)


def percentile(values: Sequence[float], hundredths: int) -> float:
    """Return the smallest of `values` that at least `hundredths` per cent do not exceed; 0.0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    # The rank is rounded up: p50 of four values is the second.
    rank = -(-len(ordered) * hundredths // 100)
    return ordered[max(rank, 1) - 1]


def _difference(payment: Payment, entries: Sequence[LedgerPayment], addresses: Mapping[str, Address]) -> str:
    if not entries:
        return "not on the ledger"
    if len(entries) > 1:
        return f"on the ledger {len(entries)} times"
    entry = entries[0]
    if (entry.payer, entry.payee) != (addresses[payment.payer], addresses[payment.payee]):
        return f"between 0x{entry.payer.hex()} and 0x{entry.payee.hex()}, not {payment.payer} and {payment.payee}"
    if entry.amount_minor != payment.amount_minor:
        return f"amount {entry.amount_minor}, in the file {payment.amount_minor}"
    return ""


def _text(memo: bytes) -> str:
    return memo.rstrip(b"\x00").decode(errors="replace") or "an empty memo"
