"""Holds as a wallet sees them: found with a node's help, proven slot by slot, named by the first digits of their id."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address, AmountMinor
from contracts.abi import AbiDecodeError
from contracts.declarations import FunctionDeclaration, decoder_of, encode_call
from contracts.layout import HoldWords, hold_slot
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from contracts.native.hold_records import Hold, HoldStatus, has_hold
from contracts.native.hold_records import read_hold as read_hold_record
from wallet_cli.account_facts import read_account_facts
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, Currency, amount_record
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import EMPTY_MEMO, memo_text
from wallet_cli.moments import instant_text
from wallet_cli.outbox import Intent
from wallet_cli.proven_reads import proven_context
from wallet_cli.session import Session
from wallet_cli.verified import Head

HOLD_ID_BYTES: Final = 32
PREFIX_DIGITS_MIN: Final = 4
"""Fewest hexadecimal digits that name a hold on the command line: a person has tens open, not thousands."""
SHORT_DIGITS: Final = 12
"""Digits of an id on screens."""

_WORDS: Final = (
    HoldWords.PAYER,
    HoldWords.PAYEE,
    HoldWords.NOTARY,
    HoldWords.AMOUNTS,
    HoldWords.MEMO,
)
_ID: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{4,64})")


@dataclass(frozen=True, slots=True)
class ProvenHold:
    """A hold with its currency, proven under the state root of one final block."""

    hold: Hold
    currency: Currency

    def amount(self, units: int) -> Amount:
        """Return some of it as money."""
        return Amount(AmountMinor(units), self.currency)

    @property
    def remaining(self) -> Amount:
        """Return what is neither paid nor given back."""
        return self.amount(self.hold.remaining)

    @property
    def short_id(self) -> str:
        """Return the id's first digits."""
        return short_hold_id(self.hold.id)

    def has_expired(self, now_s: int) -> bool:
        """Tell whether it can only be released in second `now_s` since the epoch."""
        return now_s > self.hold.expires_at_s

    def status_words(self, now_s: int) -> str:
        """Return where it stands."""
        if self.hold.status is HoldStatus.OPEN:
            return "expired, to be released" if self.has_expired(now_s) else "open"
        return "paid" if self.hold.status is HoldStatus.EXECUTED else "closed, the rest given back"

    def record(self, now_s: int) -> dict[str, object]:
        """Return it as `--json` shows it."""
        hold = self.hold
        return {
            "id": f"0x{hold.id.hex()}",
            "status": self.status_words(now_s),
            "payer": checksum_address(hold.payer),
            "to": checksum_address(hold.payee),
            "notary": checksum_address(hold.notary) if any(hold.notary) else None,
            "amount": amount_record(self.amount(hold.amount)),
            "remaining": amount_record(self.remaining),
            "expires": instant_text(hold.expires_at_s),
            "expires_at_s": hold.expires_at_s,
            "consented_until_s": hold.consented_until_s or None,
            "memo": "" if hold.memo == EMPTY_MEMO else memo_text(hold.memo),
        }


def new_hold_id() -> bytes:
    """Return a fresh id: 32 random bytes, so that nobody can take it first or guess what it pays."""
    return secrets.token_bytes(HOLD_ID_BYTES)


def short_hold_id(hold_id: bytes) -> str:
    """Return the first digits of an id, which name it to this wallet."""
    return "0x" + hold_id.hex()[:SHORT_DIGITS]


def hold_call(name: str, *values: bytes | int) -> bytes:
    """Return the calldata of a function about holds."""
    return encode_call(_function(name), *values)


def read_hold(session: Session, head: Head, currency: Currency, hold_id: bytes) -> ProvenHold | None:
    """Return a hold, open or closed, proven; None, proven too, if there never was one.

    Raises: ProofInvalid, NetworkUnreachable.
    """
    first = hold_slot(hold_id)
    slots = [first + word for word in _WORDS]
    _, words = session.verifier.read_account(head, currency.address, slots)
    kept = dict(zip(slots, words, strict=True))
    context = proven_context(session, head, currency.address, lambda _address, slot: kept[slot])
    return ProvenHold(read_hold_record(context, hold_id), currency) if has_hold(context, hold_id) else None


def open_holds(
    session: Session, head: Head, account: Address, currencies: Sequence[Currency]
) -> list[tuple[ProvenHold, tuple[str, ...]]]:
    """Return the open holds an account has to do with, each proven, with its roles; the soonest to expire first.

    That none is missing is one node's word. Raises: UsageRefused if the node keeps no index, ProofInvalid.
    """
    facts = read_account_facts(session, head, account)
    if not facts.is_indexed:
        raise UsageRefused(
            f"{head.endpoint} cannot say which holds an account has",
            why="it keeps no index of addresses",
            next_step="name another node with --rpc URL, or the hold with its whole id",
            code="INDEX_MISSING",
        )
    by_address = {currency.address: currency for currency in currencies}
    found = []
    with session.output.progress("proving holds", len(facts.holds)) as advance:
        for told in facts.holds:
            currency = by_address.get(told.currency)
            proven = None if currency is None else read_hold(session, head, currency, told.id)
            if proven is not None and proven.hold.status is HoldStatus.OPEN:
                found.append((proven, told.roles))
            advance()
    return sorted(found, key=lambda entry: (entry[0].hold.expires_at_s, entry[0].hold.id))


def find_hold(session: Session, head: Head, account: Address, currencies: Sequence[Currency], text: str) -> ProvenHold:
    """Return the hold that `text` names: its whole id, or the first digits of one that is open for `account`.

    Raises: UsageRefused.
    """
    written = _ID.fullmatch(text)
    if written is None:
        raise _unknown(text, f"an id is {2 * HOLD_ID_BYTES} hexadecimal digits, of which {PREFIX_DIGITS_MIN} may do")
    digits = written.group(1).lower()
    if len(digits) == 2 * HOLD_ID_BYTES:
        for currency in currencies:
            proven = read_hold(session, head, currency, bytes.fromhex(digits))
            if proven is not None:
                return proven
        raise _unknown(text, "no currency of this network ever had a hold with this id, proven")
    matching = [
        proven
        for proven, _ in open_holds(session, head, account, currencies)
        if proven.hold.id.hex().startswith(digits)
    ]
    if len(matching) == 1:
        return matching[0]
    detail = "none that is open begins so" if not matching else f"{len(matching)} begin so: {_names(matching)}"
    raise _unknown(text, detail)


def is_same_hold(intent: Intent, wanted: Intent) -> bool:
    """Tell whether two intents make the same hold: all but the random id and the time it was asked at agree."""
    if (intent.sender, intent.to) != (wanted.sender, wanted.to):
        return False
    first, second = _creation(intent.data), _creation(wanted.data)
    return first is not None and first == second


def _creation(data: bytes) -> tuple[object, ...] | None:
    """Return payee, notary, amount and memo of a createHold; None for another call."""
    function = _function("createHold")
    if data[:4] != function.selector:
        return None
    try:
        _, payee, notary, amount, _, memo = decoder_of(function.parameters)(data, 4)
    except AbiDecodeError:
        return None
    return payee, notary, amount, memo


def _function(name: str) -> FunctionDeclaration:
    return find_function(CURRENCY, name)


def _names(holds: Sequence[ProvenHold]) -> str:
    return ", ".join(proven.short_id for proven in holds)


def _unknown(text: str, detail: str) -> UsageRefused:
    return UsageRefused(
        f"{text!r} names no hold: {detail}",
        why="a hold is named by its id, or by enough of its first digits",
        next_step="sycee hold list",
        code="HOLD_UNKNOWN",
    )
