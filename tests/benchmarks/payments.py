"""Signed payments for benchmarks: many senders with keys from a seed, each paying others one minor unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from consensus.primitives.signatures import address_of_private_key
from contracts.addresses import currency_address
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from node.cli.network_plan import DEVNET_CHAIN_ID

EUR = currency_address(2)
TRANSFER = find_function(CURRENCY, "transfer")
GAS_LIMIT = 80_000


@dataclass(frozen=True, slots=True)
class Sender:
    """An account that pays."""

    private_key: bytes
    address: Address


@dataclass(frozen=True, slots=True)
class SignedPayment:
    """A payment ready to be sent."""

    raw: bytes
    hash: Hash32


def make_senders(count: int) -> list[Sender]:
    """Return `count` accounts, the same ones every time."""
    keys = [keccak256(b"benchmark sender %d" % index) for index in range(count)]
    return [Sender(key, address_of_private_key(key)) for key in keys]


def sign_payment(private_key: bytes, nonce: int, to: Address, units: int, token: Address = EUR) -> SignedPayment:
    """Return a signed transfer of a currency, or of a contract that is called alike."""
    raw = sign_dynamic_fee_transaction(
        private_key,
        chain_id=DEVNET_CHAIN_ID,
        nonce=nonce,
        gas_limit=GAS_LIMIT,
        to=token,
        data=encode_call(TRANSFER, to, units),
    )
    return SignedPayment(raw, keccak256(raw))


def sign_rounds(
    senders: Sequence[Sender], rounds: int, *, nonce_first: int = 0, token: Address = EUR
) -> list[list[SignedPayment]]:
    """Return for each sender `rounds` payments to changing recipients, by ascending nonce."""
    count = len(senders)
    return [
        [
            sign_payment(sender.private_key, nonce_first + turn, senders[(place + turn + 1) % count].address, 1, token)
            for turn in range(rounds)
        ]
        for place, sender in enumerate(senders)
    ]
