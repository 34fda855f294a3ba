"""Requests for money as links: `sycee:ADDRESS@CHAIN?currency=EUR&amount=12.34&memo=INV-2041`.

A link says what its sender wants and proves nothing; whoever opens it is shown the payment and asked.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from consensus.primitives.scalars import Address
from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.errors import UsageRefused

LINK_CHARACTERS_MAX: Final = 512
"""Longest link read; one with every field and the longest memo has less than 200."""

LINK_START: Final = "sycee:"

_LINK: Final = re.compile(r"sycee:(0x[0-9a-fA-F]{40})@([1-9][0-9]{0,18})\?([ -~]*)")
_FIELDS: Final = ("currency", "amount", "memo")


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """What somebody asks for."""

    address: Address
    """Who wants to be paid."""
    chain_id: int
    currency: str
    """Its code; the currencies of the network say whether there is one."""
    amount: str
    """As people type it, without the code."""
    memo: str
    """Empty for none."""


def encode_link(link: PaymentLink) -> str:
    """Return the link's text."""
    fields = {"currency": link.currency, "amount": link.amount}
    if link.memo:
        fields["memo"] = link.memo
    query = urlencode(fields, quote_via=quote)
    return f"sycee:{checksum_address(link.address)}@{link.chain_id}?{query}"


def decode_link(text: str) -> PaymentLink:
    """Return what a link asks for. Raises: UsageRefused if a field is missing, unknown or there twice."""
    found = _LINK.fullmatch(text) if len(text) <= LINK_CHARACTERS_MAX else None
    if found is None:
        raise _refused(text, "it does not read sycee:ADDRESS@CHAIN?currency=CODE&amount=DIGITS")
    address, has_checksum = parse_address(found.group(1))
    if not has_checksum:
        raise _refused(text, "its address has no checksum")
    try:
        pairs = parse_qsl(found.group(3), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise _refused(text, str(error)) from error
    fields = dict(pairs)
    if len(fields) != len(pairs) or not {"currency", "amount"} <= fields.keys() <= set(_FIELDS):
        raise _refused(text, f"its fields are {', '.join(name for name, _ in pairs)}; known are {', '.join(_FIELDS)}")
    return PaymentLink(address, int(found.group(2)), fields["currency"], fields["amount"], fields.get("memo", ""))


def _refused(text: str, detail: str) -> UsageRefused:
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return UsageRefused(
        f"{shown!r} is no request for money: {detail}",
        why="a payment is never guessed from a link that can be read in two ways",
        next_step="ask the payee for the link again",
        code="LINK_INVALID",
    )
