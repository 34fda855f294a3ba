"""Currencies as parameters and in answers: by code, as people know them, or by address."""

from node.rpc.backend import CurrencyInfo, LedgerReads
from node.rpc.encoding import JsonObject, data_hex
from node.rpc.errors import InvalidParameter

CODES_SHOWN_MAX = 8
"""The codes of a network are few; an error that named hundreds would help nobody."""


def read_currency(value: object, reads: LedgerReads) -> CurrencyInfo:
    """Return the currency that an address or a code names. Raises: InvalidParameter."""
    currencies = reads.currencies()
    for currency in currencies:
        if value == currency.code or (isinstance(value, str) and value.lower() == data_hex(currency.address)):
            return currency
    known = ", ".join(currency.code for currency in currencies[:CODES_SHOWN_MAX])
    raise InvalidParameter("currency", expected=f"a currency's code or address (such as {known})", actual=value)


def currency_object(currency: CurrencyInfo) -> JsonObject:
    """Return what names a currency in an answer."""
    return {"address": data_hex(currency.address), "code": currency.code, "decimals": currency.decimals}
