"""What a node says of an account beside its balances: bank, limits, open holds and redemptions.

Told, not proven: which holds there are is one node's word. What each of them is can be proven (`holds.py`), that none
is missing cannot.
"""

from dataclasses import dataclass
from typing import Any, Final

from consensus.primitives.scalars import Address
from wallet_cli.answers import read_bytes, read_count
from wallet_cli.session import Session
from wallet_cli.verified import Head, ask_at, proof_failed

PAGES_MAX: Final = 1_000
"""Pages read of one account's holds: half a million; a node that never comes to an end is broken."""


@dataclass(frozen=True, slots=True)
class ToldReservation:
    """A hold or redemption a node names."""

    currency: Address
    id: bytes
    """32 bytes."""
    roles: tuple[str, ...]
    """What the account is to it: payer, payee, notary; of a redemption its owner, and nothing here."""


@dataclass(frozen=True, slots=True)
class ToldLimits:
    """An account's limits in one currency; None where there is none."""

    currency: Address
    is_enabled: bool
    transfer_max: int | None
    balance_max: int | None
    out_max: int | None
    out_left: int | None
    in_max: int | None
    in_left: int | None


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Everything told of an account after one block."""

    bank: str
    """Name and BIC, or the bank's address; empty if no bank registered the account."""
    tier: int | None
    status: str
    permissions: tuple[str, ...]
    limits: tuple[ToldLimits, ...]
    holds: tuple[ToldReservation, ...]
    redemptions: tuple[ToldReservation, ...]
    is_indexed: bool
    """False if the node keeps no index of addresses: then it names no holds and redemptions."""


def read_account_facts(session: Session, head: Head, account: Address) -> AccountFacts:
    """Return what the endpoint of `head` says of an account at its height. Raises: NetworkUnreachable, ProofInvalid."""
    endpoint, height = head.endpoint, hex(head.final.header.height)
    cursor: str | None = None
    holds: dict[tuple[bytes, bytes], ToldReservation] = {}
    redemptions: dict[tuple[bytes, bytes], ToldReservation] = {}
    for _ in range(PAGES_MAX):
        answer = ask_at(session.client, endpoint, "sycee_getAccount", f"0x{account.hex()}", height, cursor)
        try:
            for found, rows in ((holds, answer["holds"]), (redemptions, answer["redemptions"])):
                told = [_reservation(row) for row in rows or ()]
                # One that closes between two pages is told twice.
                found.update({(entry.currency, entry.id): entry for entry in told})
            cursor = answer["nextCursor"]
            if cursor is None:
                return _facts(answer, tuple(holds.values()), tuple(redemptions.values()))
        except (ValueError, KeyError, TypeError) as error:
            raise proof_failed(endpoint, error) from error
    raise proof_failed(endpoint, ValueError(f"the holds of an account do not end after {PAGES_MAX} pages"))


def _facts(answer: Any, holds: tuple[ToldReservation, ...], redemptions: tuple[ToldReservation, ...]) -> AccountFacts:
    registration = answer["registration"]
    bank, status = "", ""
    tier: int | None = None
    permissions: tuple[str, ...] = ()
    if registration is not None:
        told = registration["bank"]
        bank = f"{told['name']} ({told['bic']})" if "name" in told else str(told["address"])
        tier, status = int(registration["tier"]), str(registration["status"])
        permissions = tuple(str(word) for word in registration["permissions"])
    return AccountFacts(
        bank=bank,
        tier=tier,
        status=status,
        permissions=permissions,
        limits=tuple(_limits(row) for row in answer["balances"]),
        holds=holds,
        redemptions=redemptions,
        is_indexed=answer["holds"] is not None,
    )


def _limits(row: Any) -> ToldLimits:
    told = row["limits"]

    def units(name: str) -> int | None:
        return None if told[name] is None else read_count(told[name])

    return ToldLimits(
        currency=_currency(row),
        is_enabled=told["enabled"] is True,
        transfer_max=units("perTransferMax"),
        balance_max=units("balanceMax"),
        out_max=units("dailyOutMax"),
        out_left=units("outLeft"),
        in_max=units("dailyInMax"),
        in_left=units("inLeft"),
    )


def _reservation(row: Any) -> ToldReservation:
    name = row["id"]
    identifier = read_count(name).to_bytes(32, "big") if isinstance(name, int) else read_bytes(name, 32)
    return ToldReservation(_currency(row), identifier, tuple(str(role) for role in row.get("roles", ())))


def _currency(row: Any) -> Address:
    return Address(read_bytes(row["currency"]["address"], 20))
