"""Redemptions as a wallet sees them: found with a node's help, proven slot by slot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.chain.receipt import Receipt
from consensus.primitives.scalars import Address, AmountMinor
from contracts.declarations import encode_call
from contracts.layout import CurrencySlots, RedemptionWords, redemption_slot
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from contracts.native.redemptions import (
    REDEMPTION_REQUESTED,
    Redemption,
    RedemptionStatus,
    redemption_count,
    redemption_of,
)
from wallet_cli.account_facts import read_account_facts
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, Currency, amount_record
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import EMPTY_MEMO, memo_text
from wallet_cli.moments import instant_text
from wallet_cli.proven_reads import proven_context
from wallet_cli.session import Session
from wallet_cli.verified import Head

STATUS_WORDS: Final = {
    RedemptionStatus.REQUESTED: "waits for the issuer",
    RedemptionStatus.COMPLETED: "paid out by the issuer",
    RedemptionStatus.REJECTED: "rejected, given back",
    RedemptionStatus.CANCELLED: "cancelled, given back",
}


@dataclass(frozen=True, slots=True)
class ProvenRedemption:
    """A redemption with its number and currency, proven under the state root of one final block."""

    number: int
    redemption: Redemption
    currency: Currency

    @property
    def amount(self) -> Amount:
        """Return what is, or was, to be redeemed."""
        return Amount(AmountMinor(self.redemption.amount), self.currency)

    @property
    def memo(self) -> str:
        """Return the owner's reference, empty if there is none."""
        return "" if self.redemption.memo == EMPTY_MEMO else memo_text(self.redemption.memo)

    def record(self) -> dict[str, object]:
        """Return it as `--json` shows it."""
        return {
            "id": self.number,
            **amount_record(self.amount),
            "owner": checksum_address(self.redemption.owner),
            "status": STATUS_WORDS[self.redemption.status],
            "requested": instant_text(self.redemption.requested_at),
            "memo": self.memo,
        }


def redemption_call(name: str, *values: bytes | int) -> bytes:
    """Return the calldata of a function about redemptions."""
    return encode_call(find_function(CURRENCY, name), *values)


def read_redemption(session: Session, head: Head, currency: Currency, number: int) -> ProvenRedemption | None:
    """Return a redemption, open or closed, proven; None, proven too, if there is none with this number.

    Raises: ProofInvalid, NetworkUnreachable.
    """
    first = redemption_slot(number)
    words = (RedemptionWords.OWNER, RedemptionWords.AMOUNT, RedemptionWords.MEMO)
    slots = [CurrencySlots.REDEMPTION_COUNT, *(first + word for word in words)]
    _, found = session.verifier.read_account(head, currency.address, slots)
    kept = dict(zip(slots, found, strict=True))
    context = proven_context(session, head, currency.address, lambda _address, slot: kept[slot])
    if not 1 <= number <= redemption_count(context):
        return None
    return ProvenRedemption(number, redemption_of(context, number), currency)


def require_redemption(session: Session, head: Head, currency: Currency, number: int) -> ProvenRedemption:
    """Return the redemption with a number. Raises: UsageRefused if there is none, proven."""
    proven = read_redemption(session, head, currency, number)
    if proven is None:
        raise UsageRefused(
            f"there is no redemption {number} of {currency.code}",
            why="the ledger counts them from 1, and has not come so far, proven",
            next_step="sycee redemption list",
            code="REDEMPTION_UNKNOWN",
        )
    return proven


def open_redemptions(
    session: Session, head: Head, account: Address, currencies: Sequence[Currency]
) -> list[ProvenRedemption]:
    """Return what an account waits to be paid out, each proven, by currency and number.

    That none is missing is one node's word, but `parked` in `sycee balance` is proven. Raises: UsageRefused if the
    node keeps no index, ProofInvalid.
    """
    facts = read_account_facts(session, head, account)
    if not facts.is_indexed:
        raise UsageRefused(
            f"{head.endpoint} cannot say which redemptions an account has",
            why="it keeps no index of addresses",
            next_step="name another node with --rpc URL, or the redemption with its number",
            code="INDEX_MISSING",
        )
    by_address = {currency.address: currency for currency in currencies}
    found = []
    with session.output.progress("proving redemptions", len(facts.redemptions)) as advance:
        for told in facts.redemptions:
            currency = by_address.get(told.currency)
            number = int.from_bytes(told.id, "big")
            proven = None if currency is None else read_redemption(session, head, currency, number)
            if proven is not None and _is_waiting(proven, account):
                found.append(proven)
            advance()
    return sorted(found, key=lambda proven: (proven.currency.id, proven.number))


def requested_number(receipt: Receipt, currency: Currency) -> int | None:
    """Return the number that the ledger gave a request, from its proven receipt."""
    for log in receipt.logs:
        if log.address == currency.address and log.topics[0] == REDEMPTION_REQUESTED.topic:
            return int.from_bytes(log.topics[1], "big")
    return None


def _is_waiting(proven: ProvenRedemption, account: Address) -> bool:
    return proven.redemption.owner == account and proven.redemption.status is RedemptionStatus.REQUESTED
