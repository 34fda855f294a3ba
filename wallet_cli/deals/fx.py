"""`sycee fx`: exchange at a price that a bank has signed and anybody, or one customer, may take.

A quote is a file: the terms and the bank's signature over them. Whoever takes it computes the digest again from the
terms that are shown, so that what is signed and what is seen cannot differ.
"""

import json
import math
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import click

from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.amounts import Currency, find_currency, parse_amount
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.deals.desk import Desk, Money, allow, open_desk
from wallet_cli.deals.steps import Fields, answer, movement, name_of, show_deal, take_step
from wallet_cli.errors import ProofInvalid, UsageRefused
from wallet_cli.files import read_small, write_private
from wallet_cli.moments import instant_text, parse_instant
from wallet_cli.session import Session
from wallet_cli.typed_structs import KEY_SIGNATURE_BYTES, TypedStruct
from wallet_cli.unlocking import open_key

VALID_DEFAULT: Final = "10min"
"""How long a price stands unless something else is said."""

RATE_MAX: Final = 2**128 - 1
_AMOUNT_MAX: Final = 2**128 - 1
_SCHEMA: Final = "sycee-quote/1"
_RATE: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,18}))?")
_FIELDS: Final = (
    ("address", "bank"),
    ("address", "customer"),
    ("address", "sold"),
    ("address", "bought"),
    ("uint128", "rateNumerator"),
    ("uint128", "rateDenominator"),
    ("uint128", "amountMin"),
    ("uint128", "amountMax"),
    ("uint64", "validUntil"),
    ("uint256", "nonce"),
)
"""The struct that a bank signs, as in the contract."""

_BOTH: Final = (Need.NETWORK, Need.KEY)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a bank offers: it sells one currency for another."""

    bank: Address
    customer: Address
    """Who alone may take it; zero: everybody."""
    sold: Address
    bought: Address
    rate_numerator: int
    """Smallest units of what the bank gets, for `rate_denominator` of what it sells."""
    rate_denominator: int
    amount_min: int
    """Smallest units of what the bank sells, in one taking."""
    amount_max: int
    """In all."""
    valid_until_s: int
    number: int
    """By which the bank can cancel it."""

    def values(self) -> tuple[AbiValue, ...]:
        """Return the quote as the contract takes it."""
        return (
            self.bank,
            self.customer,
            self.sold,
            self.bought,
            self.rate_numerator,
            self.rate_denominator,
            self.amount_min,
            self.amount_max,
            self.valid_until_s,
            self.number,
        )

    def price_of(self, units: int) -> int:
        """Return what so much of the currency sold costs; the fraction of a unit stays with the customer."""
        # Rounded down, as in the contract.
        return units * self.rate_numerator // self.rate_denominator


@wallet_command(
    "quote",
    needs=_BOTH,
    examples=('sycee fx quote "1000.00 EUR" JPY 161.20 --valid 10min --out quote.json --yes',
              'sycee fx quote "1000.00 EUR" JPY 161.20 --customer bob --dry-run'),
)  # fmt: skip
@click.argument("amount", metavar="AMOUNT")
@click.argument("currency", metavar="CURRENCY")
@click.argument("rate", metavar="RATE")
@click.option("--min", "least", metavar="AMOUNT", help="The least of one taking; one smallest unit if not given.")
@click.option("--customer", metavar="WHO", help="Who alone may take it; everybody if not given.")
@click.option("--valid", default=VALID_DEFAULT, metavar="TIME", help="30s, 10min or 2026-12-01T12:00 (default 10min).")
@click.option("--out", default="quote.json", metavar="FILE", help="Where the signed quote goes (quote.json).")
def quote(
    session: Session,
    amount: str,
    currency: str,
    rate: str,
    least: str | None,
    customer: str | None,
    valid: str,
    out: str,
) -> None:
    """Offer to sell up to AMOUNT for CURRENCY, RATE of it for one: allow FxDesk to take AMOUNT, and sign the price."""
    if Path(out).exists():
        raise UsageRefused(
            f"{out} is there already",
            why="it may be a quote that somebody is to take",
            next_step="name another file with --out, or remove it",
            code="FILE_EXISTS",
        )
    desk = open_desk(session, "FxDesk")
    sold = parse_amount(amount, desk.currencies)
    bought = find_currency(currency, desk.currencies)
    numerator, denominator = _parse_rate(rate, sold.currency, bought)
    offer = Quote(
        bank=desk.actor.address,
        customer=ZERO_ADDRESS if customer is None else session.resolve(customer)[1],
        sold=sold.currency.address,
        bought=bought.address,
        rate_numerator=numerator,
        rate_denominator=denominator,
        amount_min=1 if least is None else parse_amount(least, desk.currencies, code=sold.currency.code).units,
        amount_max=sold.units,
        valid_until_s=parse_instant(valid, session.settings.now_ms()),
        # Random, so that two quotes never share a number by accident; 64 bits are enough for any bank.
        number=secrets.randbits(64),
    )
    money = Money(sold.currency.address, sold.units, sold.currency)
    if not allow(desk, desk.screen("Sign a price", _fields(desk, offer)), money, record=_record(desk, offer)):
        return
    from wallet_cli.signing import sign_struct

    signature = sign_struct(open_key(session, desk.actor), _typed(desk, offer))
    document = {"schema": _SCHEMA, "chainId": session.network.chain_id, **_record(desk, offer)}
    document["signature"] = f"0x{signature.hex()}"
    write_private(Path(out), (json.dumps(document, indent=1) + "\n").encode())
    told = f"{out}: the customer takes it with: sycee fx take {out} AMOUNT"
    session.output.result({"file": out, **_record(desk, offer)}, told, proof=desk.head.proof)


@wallet_command(
    "take",
    needs=_BOTH,
    examples=(
        'sycee fx take quote.json "10.00 EUR" --from bob --yes',
        'sycee fx take quote.json "10.00 EUR" --from bob --dry-run',
    ),
)
@click.argument("file", metavar="FILE")
@click.argument("amount", metavar="AMOUNT")
def take(session: Session, file: str, amount: str) -> None:
    """Buy AMOUNT at the price that a bank signed in FILE."""
    desk = open_desk(session, "FxDesk")
    offer, signature = _read(desk, file)
    money = parse_amount(amount, desk.currencies)
    if money.currency.address != offer.sold or not offer.amount_min <= money.units <= offer.amount_max:
        raise UsageRefused(
            f"{amount} is not what this quote sells",
            why=f"it sells {desk.money(offer.sold, offer.amount_min)} to {desk.money(offer.sold, offer.amount_max)}",
            next_step=f"sycee fx show {file}",
            code="QUOTE_AMOUNT",
        )
    got = desk.money(offer.sold, money.units)
    paid = desk.money(offer.bought, offer.price_of(money.units))
    own = desk.actor.address
    fields: Fields = [movement(desk, paid, own, offer.bank), movement(desk, got, offer.bank, own)]
    fields += _terms_fields(desk, offer)
    values = (offer.values(), money.units, signature)
    done = take_step(desk, "Exchange", fields, "take", *values, record=_record(desk, offer), paid=[paid])
    if done is not None:
        answer(desk, done, _record(desk, offer), f"bought {got} for {paid}")


@wallet_command(
    "cancel", needs=_BOTH, examples=("sycee fx cancel quote.json --yes", "sycee fx cancel quote.json --dry-run")
)
@click.argument("file", metavar="FILE")
def cancel(session: Session, file: str) -> None:
    """Cancel a quote of one's own, whatever is left of it; the bank's step."""
    desk = open_desk(session, "FxDesk")
    offer, _ = _read(desk, file)
    if desk.actor.address != offer.bank:
        raise UsageRefused(
            f"this quote is {name_of(desk, offer.bank)}'s",
            why="a bank cancels its own quotes only",
            next_step="repeat with --from NAME of the bank",
            code="OTHER_PARTY",
        )
    done = take_step(desk, "Cancel a price", _fields(desk, offer), "cancelQuote", offer.number)
    if done is not None:
        answer(desk, done, _record(desk, offer), "cancelled; nobody can take it any more")


@wallet_command("show", needs=(Need.NETWORK,), examples=("sycee fx show quote.json", "sycee fx show quote.json --json"))
@click.argument("file", metavar="FILE")
def show(session: Session, file: str) -> None:
    """Show a quote: the signature is checked here; how much of it is left is one node's word."""
    desk = open_desk(session, "FxDesk", is_reading=True)
    offer, _ = _read(desk, file)
    left = desk.money(offer.sold, cast(int, desk.ask("leftOf", offer.values())[0]))
    fields: Fields = [*_fields(desk, offer), ("signed by", desk.who(offer.bank)), ("left", f"{left}  UNVERIFIED")]
    show_deal(desk, "quote", fields, {**_record(desk, offer), "left": str(left), "left_units": str(left.units)})


fx = WalletGroup(
    "fx",
    table={
        "quote": ("wallet_cli.deals.fx:quote", "sign a price, as a bank"),
        "take": ("wallet_cli.deals.fx:take", "buy at a signed price"),
        "cancel": ("wallet_cli.deals.fx:cancel", "cancel one's own price"),
        "show": ("wallet_cli.deals.fx:show", "show a signed price"),
    },
    help="Exchange at a price that a bank has signed.",
)


def _parse_rate(text: str, sold: Currency, bought: Currency) -> tuple[int, int]:
    """Return smallest units bought for smallest units sold, for a rate in whole ones."""
    written = _RATE.fullmatch(text)
    digits = "" if written is None else written.group(1) + (written.group(2) or "")
    if written is None or not int(digits):
        raise UsageRefused(
            f"{text!r} is no rate",
            why=f"a rate says how many {bought.code} one {sold.code} costs",
            next_step="type it like 161.20: digits, optional point",
            code="RATE_INVALID",
        )
    numerator = int(digits) * 10**bought.decimals
    denominator = 10 ** (len(written.group(2) or "") + sold.decimals)
    common = math.gcd(numerator, denominator)
    # No remainder: it divides both.
    numerator, denominator = numerator // common, denominator // common
    if max(numerator, denominator) > RATE_MAX:
        raise UsageRefused(
            f"{text} cannot be written as a rate of these currencies",
            why="numerator and denominator have 128 bits each",
            next_step="type fewer digits",
            code="RATE_INVALID",
        )
    return numerator, denominator


def _typed(desk: Desk, offer: Quote) -> TypedStruct:
    """Return what the bank signs. Source: EIP-712, contracts/src/FxDesk.vy."""
    message = {name: value for (_, name), value in zip(_FIELDS, offer.values(), strict=True)}
    return TypedStruct("FxDesk", "1", desk.session.network.chain_id, desk.address, "Quote", _FIELDS, message)


def _read(desk: Desk, file: str) -> tuple[Quote, bytes]:
    """Return the quote in a file and the bank's signature, checked. Raises: UsageRefused, ProofInvalid."""
    try:
        document: dict[str, Any] = parse_json(read_small(Path(file)))
        if document["schema"] != _SCHEMA or document["chainId"] != desk.session.network.chain_id:
            raise ValueError(f"it is {document['schema']} of network {document['chainId']}")
        offer = Quote(
            bank=parse_address(document["bank"])[0],
            customer=parse_address(document["customer"])[0] if document["customer"] else ZERO_ADDRESS,
            sold=parse_address(document["sold"])[0],
            bought=parse_address(document["bought"])[0],
            rate_numerator=_whole(document["rateNumerator"]),
            rate_denominator=_whole(document["rateDenominator"]),
            amount_min=_whole(document["amountMin"]),
            amount_max=_whole(document["amountMax"]),
            valid_until_s=_whole(document["validUntil"]),
            number=_whole(document["nonce"]),
        )
        if not offer.rate_denominator or max(offer.amount_max, offer.rate_numerator) > _AMOUNT_MAX:
            raise ValueError("a number in it is out of range")
        signature = bytes.fromhex(document["signature"].removeprefix("0x"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageRefused(
            f"{file} is no quote of this network: {error}",
            why="a price is taken only as its bank signed it",
            next_step="ask the bank for the file that sycee fx quote wrote",
            code="QUOTE_INVALID",
        ) from error
    _validate_signature(desk, offer, signature)
    return offer, signature


def _validate_signature(desk: Desk, offer: Quote, signature: bytes) -> None:
    from wallet_cli.signing import struct_signer

    # A bank that is a contract signs in its own way, which only the ledger can judge: the trial before signing does.
    if len(signature) != KEY_SIGNATURE_BYTES:
        return
    signer = struct_signer(_typed(desk, offer), signature)
    if signer != offer.bank:
        raise ProofInvalid(
            f"{name_of(desk, offer.bank)} did not sign this quote",
            why="terms or signature were changed",
            next_step="ask the bank for a new quote",
            code="QUOTE_FORGED",
        )


def _whole(value: object) -> int:
    number = int(str(value))
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number


def _fields(desk: Desk, offer: Quote) -> Fields:
    most = desk.money(offer.sold, offer.amount_max)
    at_most = desk.money(offer.bought, offer.price_of(offer.amount_max))
    fields: Fields = [
        ("sells", f"up to {most}"),
        ("gets", f"up to {at_most}"),
    ]
    if offer.amount_min > 1:
        fields.append(("at least", f"{desk.money(offer.sold, offer.amount_min)} in one taking"))
    return [*fields, *_terms_fields(desk, offer)]


def _terms_fields(desk: Desk, offer: Quote) -> Fields:
    whom = "anybody" if offer.customer == ZERO_ADDRESS else desk.who(offer.customer)
    return [
        ("bank", desk.who(offer.bank)),
        ("for", whom),
        ("valid", f"until {instant_text(offer.valid_until_s)}"),
    ]


def _record(desk: Desk, offer: Quote) -> dict[str, object]:
    return {
        "bank": checksum_address(offer.bank),
        "customer": "" if offer.customer == ZERO_ADDRESS else checksum_address(offer.customer),
        "sold": checksum_address(offer.sold),
        "bought": checksum_address(offer.bought),
        "rateNumerator": str(offer.rate_numerator),
        "rateDenominator": str(offer.rate_denominator),
        "amountMin": str(offer.amount_min),
        "amountMax": str(offer.amount_max),
        "amount": str(desk.money(offer.sold, offer.amount_max)),
        "validUntil": offer.valid_until_s,
        "nonce": str(offer.number),
    }
