"""What the functions of OfflineLocks cost: gas, and work in units of about a microsecond.

Part of the protocol, as the prices of dispatch.py: work is what was measured, and 20 for every slot. Source: offline.md
§5, EIP-7951, performance.md.
"""

from typing import Final

from contracts.native.dispatch import GAS_HOLD, GAS_ISSUE, GAS_ROLE, Charge
from contracts.offline.device_signatures import P256

GAS_OPEN: Final = 21_000
"""A hold and its record's number."""
GAS_TOP_UP: Final = GAS_ISSUE
GAS_EXTEND: Final = GAS_ISSUE
GAS_REFUND: Final = GAS_ISSUE
GAS_REDEEM: Final = GAS_HOLD
"""One signature and two balances; a claim against a purse likewise."""
GAS_TWO_SIGNATURES: Final = 24_000
"""A release, and the proof of a double spend."""
GAS_CLASS: Final = GAS_ROLE
GAS_CLASS_MEMBER: Final = 5_000
GAS_FLAG: Final = GAS_ROLE
GAS_P256: Final = 6_900
"""Beside the price, for every P-256 signature (EIP-7951)."""

WORK_OPEN: Final = 160
"""Six slots: the word, the number, two balances, a day's counter; and its event."""
WORK_TOP_UP: Final = 120
WORK_EXTEND: Final = 60
WORK_REFUND: Final = 120
WORK_REDEEM: Final = 190
"""One recovery (50), the word, two balances, the payee's counter of the day."""
WORK_RELEASE: Final = 260
"""Two recoveries, three balances."""
WORK_CLAIM: Final = 280
"""As a redeemed voucher, with what a payee got and the mark that the spend was paid."""
WORK_PROVE: Final = 290
"""Two recoveries, flags, blacklist, two revocations."""
WORK_OPEN_PURSE: Final = 210
"""As a lock, with fourteen values of terms."""
WORK_CLOSE_PURSE: Final = 120
WORK_FLAG: Final = 90
WORK_CLEAR: Final = 50
WORK_CLASS: Final = 50
WORK_CLASS_MEMBER: Final = 24
WORK_P256: Final = 50
"""One P-256 signature more than a recovery."""


def spend_for_signatures(charge: Charge, sig_alg: int, *, count: int) -> None:
    """Count what `count` signatures in this algorithm cost beyond recoveries. Reverts with OutOfGas."""
    if sig_alg == P256:
        charge.spend(gas=count * GAS_P256, work=count * WORK_P256)
