"""Amounts as people write them, and as the ledger counts them.

`12.34 EUR` is parsed once to an integer of minor units and formatted back exactly. The only module that holds a
Decimal; nothing is ever rounded.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from consensus.primitives.scalars import Address, AmountMinor
from wallet_cli.errors import UsageRefused

AMOUNT_MINOR_MAX: Final = 2**128 - 1
"""Largest supply of any currency, in minor units (ledger.md §9)."""

DIGITS_MAX: Final = 40
"""Digits read before the point or behind it: 2^128 has 39. More is never money."""

_AMOUNT: Final = re.compile(r"([0-9]{1,40})(?:\.([0-9]{1,40}))?")
_CODE: Final = re.compile(r"[A-Z0-9.]{3,12}")
_MINUS: Final = "−"

_UNIT_WORDS: Final = {
    "CNY": ("yuan", "fen"),
    "EUR": ("euro", "cent"),
    "GBP": ("pounds", "pence"),
    "HKD": ("dollars", "cents"),
    "JPY": ("yen", ""),
    "KWD": ("dinars", "fils"),
    "SGD": ("dollars", "cents"),
    "USD": ("dollars", "cents"),
}
"""How the major and the minor unit are called in the confirmation; other currencies use their code and fractions."""

_ONES: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES: Final = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
_WORDS_BELOW: Final = 10**15
"""Amounts from here on are not spelled: nobody compares such words."""


@dataclass(frozen=True, slots=True)
class Currency:
    """What the wallet must know of a currency to show and pay it."""

    id: int
    """Number on the ledger, from 1."""
    address: Address
    code: str
    """3–12 characters A–Z, 0–9 and the dot."""
    name: str
    decimals: int
    """Digits of the minor unit, 0 to 18."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Money of one currency."""

    units: AmountMinor
    currency: Currency


def parse_amount(text: str, currencies: Sequence[Currency], *, code: str | None = None) -> Amount:
    """Return the amount in `text`: digits, an optional point, then the code unless `code` gives it.

    Raises: UsageRefused naming the form to type.
    """
    number, _, code_in_text = text.strip().partition(" ")
    if code_in_text and code and code_in_text.strip() != code:
        raise _refused(text, f"it names {code_in_text.strip()} and the next argument {code}", currencies)
    match = _AMOUNT.fullmatch(number)
    if match is None:
        raise _refused(
            text, "it is not digits with at most one point: no sign, exponent, comma or grouping", currencies
        )
    currency = _currency_of(text, code_in_text.strip() or code, currencies)
    whole, fraction = match.group(1), match.group(2) or ""
    if len(fraction) > currency.decimals:
        detail = (
            f"{currency.code} has {currency.decimals} decimals and {number} has {len(fraction)}; nothing is rounded"
        )
        raise _refused(text, detail, currencies)
    with localcontext(prec=2 * DIGITS_MAX + 2):
        units = int(Decimal(f"{whole}.{fraction or '0'}").scaleb(currency.decimals))
    if units > AMOUNT_MINOR_MAX:
        raise _refused(text, "it is more than any currency can have", currencies)
    return Amount(AmountMinor(units), currency)


def format_units(units: int, decimals: int) -> str:
    """Return an integer of minor units as people write it, with exactly `decimals` digits behind the point."""
    digits = str(abs(units)).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return _MINUS + text if units < 0 else text


def format_amount(amount: Amount) -> str:
    """Return `12.34 EUR`."""
    return f"{format_units(amount.units, amount.currency.decimals)} {amount.currency.code}"


def amount_record(amount: Amount) -> dict[str, str]:
    """Return the amount as `--json` shows it: every number a string, so that no reader rounds it."""
    return {
        "amount": format_units(amount.units, amount.currency.decimals).replace(_MINUS, "-"),
        "units": str(int(amount.units)),
        "currency": amount.currency.code,
    }


def amount_words(amount: Amount) -> str:
    """Return the amount spelled, such as `twelve euro and thirty-four cent`, to catch a slipped point."""
    currency = amount.currency
    scale = 10**currency.decimals
    # The quotient is whole units, the remainder the minor units behind the point.
    whole, minor = divmod(int(amount.units), scale)
    if whole >= _WORDS_BELOW:
        return "an amount too large to spell"
    major_word, minor_word = _UNIT_WORDS.get(currency.code, (currency.code, ""))
    if currency.decimals == 0 or minor == 0:
        return f"{_spell(whole)} {major_word}"
    if minor_word and currency.decimals <= 3:
        return f"{_spell(whole)} {major_word} and {_spell(minor)} {minor_word}"
    return f"{_spell(whole)} {major_word} and {minor}/{scale}"


def find_currency(code: str, currencies: Sequence[Currency]) -> Currency:
    """Return the currency with `code`. Raises: UsageRefused naming those there are."""
    for currency in currencies:
        if currency.code == code:
            return currency
    known = ", ".join(currency.code for currency in currencies) or "none"
    raise UsageRefused(
        f"there is no currency {code!r} on this network",
        why=f"its currencies are: {known}",
        next_step="type one of these codes, in capitals",
        code="CURRENCY_UNKNOWN",
    )


def _currency_of(text: str, code: str | None, currencies: Sequence[Currency]) -> Currency:
    if code is not None:
        if not _CODE.fullmatch(code):
            raise _refused(text, f"{code!r} is no currency code: capitals, digits and the dot", currencies)
        return find_currency(code, currencies)
    if len(currencies) == 1:
        return currencies[0]
    raise _refused(text, f"it names no currency and this network has {len(currencies)}", currencies)


def _refused(text: str, detail: str, currencies: Sequence[Currency]) -> UsageRefused:
    example = currencies[0] if currencies else Currency(1, Address(bytes(20)), "EUR", "Euro", 2)
    form = format_amount(Amount(AmountMinor(1234), example))
    return UsageRefused(
        f"{text!r} is not an amount: {detail}",
        why="an amount that could be read in two ways is never paid",
        next_step=f'type it like "{form}"',
        code="AMOUNT_INVALID",
    )


def _spell(number: int) -> str:
    for scale, word in _SCALES:
        if number >= scale:
            # The quotient counts the scale; the remainder is spelled behind it.
            count, rest = divmod(number, scale)
            head = f"{_spell(count)} {word}"
            return f"{head} {_spell(rest)}" if rest else head
    if number >= 100:
        count, rest = divmod(number, 100)
        head = f"{_ONES[count]} hundred"
        return f"{head} and {_spell(rest)}" if rest else head
    if number < 20:
        return _ONES[number]
    count, rest = divmod(number, 10)
    return f"{_TENS[count]}-{_ONES[rest]}" if rest else _TENS[count]
