"""Money, counted a second time by the plainest of models: what each block must have done to every balance."""

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Height
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.layout import balance_slot
from tests.simulator.disk import Disk
from tests.simulator.world import Broken

REPORT_SELECTOR = keccak256(b"reportEvidence(bytes,bytes)")[:4]

TOTAL_SUPPLY_SLOT = 1


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as its sender meant it."""

    raw: bytes
    sender: Address
    nonce: int
    to: Address
    amount_minor: int
    may_revert: bool = False
    """A call that moves no money, of which the model does not know what comes of it."""


def _is_report(raw: bytes) -> bool:
    transaction = decode_transaction(raw)
    return transaction.to == VALIDATOR_REGISTRY and transaction.data.startswith(REPORT_SELECTOR)


class LedgerModel:
    """Balances after every height, and where each payment is."""

    def __init__(self, currency: Address, opening: dict[Address, int]) -> None:
        self._currency = currency
        self.submitted: dict[bytes, Payment] = {}
        self._included: dict[bytes, int] = {}
        self._nonces: dict[Address, int] = {}
        self._balances: list[dict[Address, int]] = [dict(opening)]
        self._supply = sum(opening.values())

    def apply(self, height: int, transactions: Sequence[bytes], outcomes: Sequence[bool]) -> None:
        """Execute the payments of a block. Raises: Broken."""
        balances = dict(self._balances[-1])
        for raw, succeeded in zip(transactions, outcomes, strict=True):
            payment = self.submitted.get(raw)
            if payment is None and _is_report(raw):
                # Validators report contradictions themselves; whom they blame is judged by what they signed.
                continue
            if payment is None:
                if self._is_strangers(raw):
                    # A liar's bytes that happen to have a sender. Who has no money moves none: the supply shows it.
                    continue
                raise Broken("exactly_once", f"height {height} holds a transaction that nobody submitted")
            if raw in self._included:
                raise Broken("exactly_once", f"a transaction is at heights {self._included[raw]} and {height}")
            expected = self._nonces.get(payment.sender, 0)
            if payment.nonce != expected:
                raise Broken("exactly_once", f"height {height}: nonce {payment.nonce}, expected {expected}")
            self._included[raw] = height
            self._nonces[payment.sender] = expected + 1
            has_funds = balances.get(payment.sender, 0) >= payment.amount_minor
            if succeeded != has_funds and not payment.may_revert:
                raise Broken("conservation", f"height {height}: payment says {succeeded}, the model {has_funds}")
            if has_funds and payment.amount_minor:
                balances[payment.sender] -= payment.amount_minor
                balances[payment.to] = balances.get(payment.to, 0) + payment.amount_minor
        self._balances.append(balances)

    def _is_strangers(self, raw: bytes) -> bool:
        sender = recover_sender(decode_transaction(raw))
        opened = self._balances[0]
        return sender not in opened and all(sender != payment.sender for payment in self.submitted.values())

    def check_state(self, index: int, height: int, disk: Disk) -> None:
        """Compare a node's state after a height with the model. Raises: Broken."""
        chain = disk.chain
        state = chain.state_at(Height(height))
        supply = state.storage(self._currency, TOTAL_SUPPLY_SLOT)
        balances = self._balances[height]
        found = {owner: state.storage(self._currency, balance_slot(owner)) for owner in balances}
        if supply != self._supply or sum(found.values()) != supply:
            raise Broken(
                "conservation",
                f"validator {index}, height {height}: supply {supply}, balances {sum(found.values())}, "
                f"expected {self._supply}",
            )
        if found != balances:
            raise Broken("conservation", f"validator {index}, height {height}: balances {found}, model {balances}")

    def final_height_of(self, raw: bytes) -> int | None:
        """Return at which height a payment is final anywhere."""
        return self._included.get(raw)
