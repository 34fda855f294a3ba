"""Quotes of FxDesk as a bank writes and signs them."""

from dataclasses import dataclass

from eth_account.messages import SignableMessage

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from tests.contracts.settlement.typed_data import message, sign
from tests.contracts.settlement.world import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CAROL,
    CAROL_KEY,
    CNY,
    EUR,
    Contract,
)

KEYS = {ALICE: ALICE_KEY, BOB: BOB_KEY, CAROL: CAROL_KEY}
FIELDS = [
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
]


@dataclass(frozen=True)
class Quote:
    """Alice sells up to 1 000.00 yuan for euros, 7.8 yuan for a euro."""

    bank: Address = ALICE
    customer: Address = ZERO_ADDRESS
    sold: bytes = CNY
    bought: bytes = EUR
    rate_numerator: int = 10
    rate_denominator: int = 78
    amount_min: int = 100
    amount_max: int = 100_000
    valid_until: int = 0
    nonce: int = 5

    @property
    def values(self) -> tuple[AbiValue, ...]:
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    def signable(self, desk: Contract) -> SignableMessage:
        return message(desk, "Quote", {"Quote": FIELDS}, {name: value for (_, name), value in zip(FIELDS, self.values)})

    def sign(self, desk: Contract) -> bytes:
        return sign(self.signable(desk), KEYS[self.bank])
