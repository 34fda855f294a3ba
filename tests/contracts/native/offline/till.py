"""A ledger with a payer, two payees and a device that signs, at a time that the test sets."""

from dataclasses import astuple, dataclass, field, replace

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from consensus.primitives.signatures import address_of_private_key
from contracts.abi import AbiValue
from contracts.addresses import ACCOUNT_REGISTRY, OFFLINE_LOCKS, POLICY_REGISTRY
from contracts.native.genesis import AccountAmount
from contracts.native.roles import ENFORCER_ROLE, FREEZER_ROLE, LIMIT_ROLE, POLICY_ROLE
from contracts.offline.device_signatures import P256, SECP256K1
from contracts.offline.purse_rules import class_id
from contracts.offline.typed_data import (
    Hop,
    LockTerms,
    PurseTerms,
    domain_separator,
    hop_digest,
    lock_id,
    purse_id,
    release_digest,
    voucher_digest,
)
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    CAROL,
    EUR,
    GOVERNOR,
    DictionaryContext,
    Ledger,
    Outcome,
    euro,
    genesis,
)
from tests.wallet_cli.offline.builders import key_of, p256_address, sign, sign_p256

DAY_S = 86_400
NOW_S = DictionaryContext.block_timestamp_s
SPEND_UNTIL_S = NOW_S + 7 * DAY_S
CLAIM_UNTIL_S = NOW_S + 14 * DAY_S
OPENING_MINOR = 100_000
DEPOSIT = 5_000

PAYEE = address_of_private_key(key_of("payee"))
SECOND = address_of_private_key(key_of("second payee"))
DEVICE = address_of_private_key(key_of("device"))
SEPARATOR = domain_separator(DictionaryContext.chain_id)
INVOICE = bytes(range(8))
BANK = Address(b"\xba" * 20)

TERMS = LockTerms(ALICE, PAYEE, ZERO_ADDRESS, EUR, DEVICE, SECP256K1, 0)
P256_TERMS = replace(TERMS, signer=p256_address("device"), sig_alg=P256)
MEMBERS = tuple(sorted((PAYEE, SECOND)))
CLASS = class_id(MEMBERS)
PURSE = PurseTerms(
    owner=ALICE,
    currency=EUR,
    signer=DEVICE,
    sig_alg=SECP256K1,
    signer_class=0,
    open_nonce=0,
    value=3_000,
    collateral=1_000,
    per_payee=2_000,
    max_hops=1,
    settle_delay_s=0,
    accept_class=CLASS,
    spend_until_s=SPEND_UNTIL_S,
    claim_until_s=CLAIM_UNTIL_S,
)
PURSE_ID = purse_id(SEPARATOR, PURSE)


def terms_of(terms: LockTerms | PurseTerms) -> tuple[AbiValue, ...]:
    """Return terms as the ABI has them."""
    return astuple(terms)


def voucher(cumulative: int, terms: LockTerms = TERMS, *, invoice: bytes = INVOICE, key: str = "device") -> bytes:
    """Return a voucher's signature by the lock's device, or by another key."""
    digest = voucher_digest(SEPARATOR, lock=lock_id(SEPARATOR, terms), cumulative=cumulative, invoice=invoice)
    return sign_p256(key, digest) if terms.sig_alg == P256 else sign(key_of(key), digest)


def released(cumulative: int, terms: LockTerms = TERMS, *, key: str = "payee") -> bytes:
    """Return the payee's signature of a release."""
    return sign(key_of(key), release_digest(SEPARATOR, lock=lock_id(SEPARATOR, terms), cumulative=cumulative))


def hop(lo: int, hi: int, to: Address = PAYEE, *, purse: Hash32 = PURSE_ID, invoice: bytes = INVOICE) -> Hop:
    """Return a spend of some units."""
    return Hop(purse, lo, hi, to, invoice)


def hop_tuple(spend: Hop) -> tuple[AbiValue, ...]:
    """Return a spend as the ABI has it."""
    return spend.purse_id, spend.parent, spend.lo, spend.hi, spend.to, spend.invoice


def signed(spend: Hop, *, key: str = "device", sig_alg: int = SECP256K1) -> bytes:
    """Return the signature of a spend."""
    digest = hop_digest(SEPARATOR, spend)
    return sign_p256(key, digest) if sig_alg == P256 else sign(key_of(key), digest)


@dataclass
class Till:
    """The ledger, its time, and what the tests do with it."""

    patch: pytest.MonkeyPatch
    ledger: Ledger = field(
        default_factory=lambda: Ledger(genesis(euro(balances=(AccountAmount(ALICE, OPENING_MINOR),))))
    )

    def at(self, now_s: int) -> "Till":
        """Let it be a certain second."""
        self.patch.setattr(DictionaryContext, "block_timestamp_s", now_s)
        return self

    def does(self, caller: Address, name: str, *values: AbiValue) -> Outcome:
        """Call OfflineLocks."""
        return self.ledger.call(caller, OFFLINE_LOCKS, name, *values)

    def in_euro(self, caller: Address, name: str, *values: AbiValue) -> None:
        """Call the currency, which must succeed."""
        assert self.ledger.call(caller, EUR, name, *values).error is None

    def opened(self, terms: LockTerms = TERMS, deposit: int = DEPOSIT) -> "Till":
        """Open a lock, which must succeed."""
        outcome = self.does(terms.payer, "open", terms_of(terms), deposit, SPEND_UNTIL_S, CLAIM_UNTIL_S)
        assert outcome.error is None, outcome.error
        return self

    def with_purse(self, terms: PurseTerms = PURSE) -> "Till":
        """Create the class and open a purse, which must succeed."""
        assert self.does(CAROL, "createClass", MEMBERS).error is None
        outcome = self.does(terms.owner, "openPurse", terms_of(terms))
        assert outcome.error is None, outcome.error
        return self

    def redeems(self, cumulative: int, terms: LockTerms = TERMS, *, key: str = "device") -> Outcome:
        """Redeem a voucher by a stranger."""
        signature = voucher(cumulative, terms, key=key)
        return self.does(CAROL, "redeem", terms_of(terms), cumulative, INVOICE, signature)

    def claims(self, spend: Hop, terms: PurseTerms = PURSE, *, key: str = "device") -> Outcome:
        """Claim a spend by a stranger."""
        signature = signed(spend, sig_alg=terms.sig_alg, key=key)
        return self.does(CAROL, "claim", terms_of(terms), hop_tuple(spend), signature)

    def proves(self, first: Hop, second: Hop, terms: PurseTerms = PURSE) -> Outcome:
        """Show two spends, both signed by the device."""
        shown = (hop_tuple(first), signed(first), hop_tuple(second), signed(second))
        return self.does(CAROL, "prove", terms_of(terms), *shown)

    def balance(self, account: Address) -> int:
        """Return what somebody has, minor units."""
        found = self.ledger.read(EUR, "balanceOf", account)
        assert isinstance(found, int)
        return found

    def held(self, account: Address) -> int:
        """Return what waits for somebody, minor units."""
        found = self.ledger.read(OFFLINE_LOCKS, "heldOf", EUR, account)
        assert isinstance(found, int)
        return found

    def word(self, terms: LockTerms = TERMS) -> tuple[AbiValue, ...]:
        """Return a lock's word."""
        return self.does(CAROL, "lockOf", lock_id(SEPARATOR, terms)).values

    def purse_word(self) -> tuple[AbiValue, ...]:
        """Return the purse's word."""
        return self.does(CAROL, "purseOf", PURSE_ID).values

    def money(self) -> tuple[int, int, int, int]:
        """Return what payer, both payees and the contract have; together it never changes."""
        found = tuple(self.balance(who) for who in (ALICE, PAYEE, SECOND, OFFLINE_LOCKS))
        assert sum(found) == OPENING_MINOR
        return found[0], found[1], found[2], found[3]

    def paused(self) -> "Till":
        """Stop the currency."""
        return self._by_role("PAUSER_ROLE", "pause")

    def unpaused(self) -> "Till":
        """Let it go on."""
        return self._by_role("UNPAUSER_ROLE", "unpause")

    def _by_role(self, role: str, name: str) -> "Till":
        self.in_euro(ADMIN, "grantRole", self.ledger.read(EUR, role), ADMIN)
        self.in_euro(ADMIN, name)
        return self

    def denying(self, *accounts: Address) -> "Till":
        """Let the currency refuse some accounts."""
        policy = self.ledger.call(ADMIN, POLICY_REGISTRY, "createPolicy", 2, ADMIN).values[0]
        assert self.ledger.call(ADMIN, POLICY_REGISTRY, "modify", policy, accounts, True).error is None
        self.in_euro(ADMIN, "grantRole", POLICY_ROLE, ADMIN)
        self.in_euro(ADMIN, "setTransferPolicyId", policy)
        return self

    def with_limits(self, *, out: int = 0, incoming: int = 0) -> "Till":
        """Turn limits on, with a daily limit for everybody no bank sponsors, minor units."""
        self.in_euro(ADMIN, "grantRole", LIMIT_ROLE, ADMIN)
        self.in_euro(ADMIN, "setTierLimits", 255, 0, out, incoming, 0)
        self.in_euro(ADMIN, "setLimitsEnabled", True)
        return self

    def suspending(self, account: Address) -> "Till":
        """Register a bank and its customer, and suspend it."""
        call = self.ledger.call
        assert call(GOVERNOR, ACCOUNT_REGISTRY, "registerBank", BANK, "Bank", "BANKFRPP", 0).error is None
        assert call(BANK, ACCOUNT_REGISTRY, "registerAccount", account, 1).error is None
        assert call(BANK, ACCOUNT_REGISTRY, "suspend", account, ZERO_HASH).error is None
        return self

    def with_enforcer(self) -> "Till":
        """Give the administrator the roles of the law."""
        self.in_euro(ADMIN, "grantRole", ENFORCER_ROLE, ADMIN)
        self.in_euro(ADMIN, "grantRole", FREEZER_ROLE, ADMIN)
        return self
