"""The banks of a payments file as senders on a development network: an account each, registered, its payments signed.

Keys are derived from the public development mnemonic: for demonstration only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from contracts.addresses import ACCOUNT_REGISTRY
from contracts.declarations import encode_call
from contracts.native.accounts import ACCOUNT_REGISTRY as REGISTRY
from contracts.native.dispatch import find_function
from node.cli.currency_calls import GAS_LIMIT, encode_mint, encode_transfer
from node.cli.network_plan import BANK_QUOTA_GAS
from node.cli.payments_file import Payment
from node.cli.submitter import Outgoing
from node.dev_accounts import DevAccount, derived_account

FUNDING_REFERENCE = "demo funding"


@dataclass(frozen=True, slots=True)
class SigningContext:
    """What every transaction of one replay shares."""

    chain_id: int
    currency: Address


def bank_account(bic: str) -> DevAccount:
    """Return the development account of the bank with this BIC."""
    return derived_account(f"bank/{bic}")


def sign_payments(
    context: SigningContext,
    payments: Sequence[Payment],
    *,
    banks: Mapping[str, DevAccount],
    nonces: Mapping[str, int],
) -> list[list[Outgoing]]:
    """Return one lane per paying bank, its payments in the order of the file, signed from `nonces` (bank to next)."""
    lanes: dict[str, list[Outgoing]] = {}
    for payment in payments:
        lane = lanes.setdefault(payment.payer, [])
        data = encode_transfer(banks[payment.payee].address, payment.amount_minor, payment.memo)
        lane.append(_sign(context, banks[payment.payer], nonce=nonces[payment.payer] + len(lane), data=data))
    return list(lanes.values())


def sign_funding(
    context: SigningContext, issuer: DevAccount, amounts: Mapping[Address, int], *, nonce: int, memo: bytes
) -> list[Outgoing]:
    """Return the mints by which `issuer` gives each address its amount in minor units; nothing for an amount of 0."""
    funded = [(address, amount) for address, amount in amounts.items() if amount > 0]
    return [
        _sign(context, issuer, nonce=nonce + place, data=encode_mint(address, amount, memo))
        for place, (address, amount) in enumerate(funded)
    ]


def sign_registrations(
    context: SigningContext, governor: DevAccount, banks: Mapping[str, Address], *, nonce: int
) -> list[Outgoing]:
    """Return the calls by which `governor` registers each bank (BIC to address) under its BIC."""
    register = find_function(REGISTRY, "registerBank")
    return [
        _sign(
            context,
            governor,
            nonce=nonce + place,
            data=encode_call(register, address, bic, bic, BANK_QUOTA_GAS),
            to=ACCOUNT_REGISTRY,
        )
        for place, (bic, address) in enumerate(banks.items())
    ]


def _sign(
    context: SigningContext, sender: DevAccount, *, nonce: int, data: bytes, to: Address | None = None
) -> Outgoing:
    """Sign a call of the replay's currency, or of another contract."""
    raw = sign_dynamic_fee_transaction(
        sender.private_key,
        chain_id=context.chain_id,
        nonce=nonce,
        gas_limit=GAS_LIMIT,
        to=context.currency if to is None else to,
        data=data,
    )
    return Outgoing(raw="0x" + raw.hex(), hash="0x" + keccak256(raw).hex())
