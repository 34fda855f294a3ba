"""Random life with offline money: what payers, payees, thieves, cheats and authorities do, one call after the other.

Most calls are what somebody would do; the rest are spoiled in one place, or made by somebody else, or too late.
"""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from consensus.primitives.signatures import SECP256K1_ORDER, address_of_private_key, sign_secp256k1
from contracts.addresses import ACCOUNT_REGISTRY, POLICY_REGISTRY
from node.execution.genesis_state import Genesis
from tests.money.checks import EVERYBODY, check_state
from tests.money.doors import Disagreement, Doors
from tests.money.model.ledger import Order, answer
from tests.money.model.roles import ROLES
from tests.money.model.state import State, Value
from tests.money.world import (
    ADMIN,
    BANKS,
    CHAIN_ID,
    CURRENCIES,
    CUSTOMERS,
    GENESIS_S,
    GOVERNOR,
    PRIVATE_KEYS,
    STRANGER,
    build_world,
    opening_state,
)
from tests.offline.model.ledger import answer_offline
from tests.offline.model.play import (
    DAY_S,
    GRACE_S,
    HOP_TYPE,
    LIFE_S,
    LOCK_TYPE,
    OFFLINE_LOCKS,
    PURSE_TYPE,
    RELEASE_TYPE,
    VOUCHER_TYPE,
    Made,
    Offline,
    Terms,
    digest,
)
from tests.wallet_cli.offline.builders import p256_address, sign_p256

SCENARIO_CALLS = 60
"""Calls of one scenario beside its opening: a lock or two lives and ends in them."""
CONTRACT_DOOR_EVERY = 10
"""One scenario of so many also goes through the contract's door."""
BLOCK_CALLS = 5

EUR = CURRENCIES[0]
PAYERS, PAYEES = CUSTOMERS[:3], CUSTOMERS[3:]
INVOICES = tuple(bytes((number,)) * 8 for number in range(4))
OTHER_NETWORK = CHAIN_ID + 1


@dataclass(slots=True)
class Tally:
    """What a run did."""

    scenarios: int = 0
    calls: int = 0
    calls_through_contract: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By function and error, `ok` for success."""
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.scenarios += other.scenarios
        self.calls += other.calls
        self.calls_through_contract += other.calls_through_contract
        self.counts += other.counts
        self.failures += other.failures


@cache
def world() -> Genesis:
    """Return the world, built once per process."""
    return build_world()


@cache
def device_key(name: str) -> bytes:
    return keccak256(name.encode())


class Life:
    """What is going on in one scenario."""

    def __init__(self, random: Random, state: State, offline: Offline) -> None:
        self.random, self.state, self.offline = random, state, offline
        self.now_s = 0
        self.locks: list[Terms] = []
        self.purses: list[Terms] = []
        self.hops: dict[bytes, list[tuple[Terms, bytes]]] = {}
        """Spends signed of each purse, with their signatures."""
        self.next_lo: dict[bytes, int] = {}
        self.classes: list[tuple[bytes, ...]] = []

    def opening(self) -> list[Order]:
        """Return the calls that give everybody a role."""
        orders = [
            Order(ADMIN, EUR, "grantRole", (ROLES[role], ADMIN))
            for role in ("FREEZER_ROLE", "ENFORCER_ROLE", "POLICY_ROLE", "LIMIT_ROLE")
        ]
        orders.append(Order(ADMIN, POLICY_REGISTRY, "createPolicy", (2, ADMIN)))
        orders.append(Order(GOVERNOR, ACCOUNT_REGISTRY, "registerBank", (BANKS[0], "Bank", "BANKFRPP", 0)))
        orders += [Order(BANKS[0], ACCOUNT_REGISTRY, "registerAccount", (who, 1)) for who in CUSTOMERS[1:5]]
        orders.append(Order(ADMIN, EUR, "setTierLimits", (1, 0, 9_000, self.random.choice((400, 2_500)), 0)))
        # Half of all lives have rules from the start, or nobody would ever be kept from its money.
        orders.append(Order(ADMIN, EUR, "setTransferPolicyId", (self.random.choice((1, 2)),)))
        orders.append(Order(ADMIN, EUR, "setLimitsEnabled", (self.random.choice((False, True)),)))
        for size in (1, 2, 3):
            members = tuple(sorted(PAYEES[:size]))
            self.classes.append(members)
            orders.append(Order(STRANGER_CALLER, OFFLINE_LOCKS, "createClass", (members,)))
        return orders

    def next_order(self) -> Order:
        """Return what somebody does next."""
        kinds = {
            self.open_lock: 9,
            self.open_purse: 7,
            self.use_lock: 34,
            self.use_purse: 30,
            self.authority: 18,
            self.held: 6,
        }
        (kind,) = self.random.choices(list(kinds), list(kinds.values()))
        order = kind()
        caller = order.caller
        if order.target == OFFLINE_LOCKS and self.random.random() < 0.1:
            caller = self.random.choice((*CUSTOMERS, ADMIN))
        # A payee of a lock that cannot be is sometimes nobody, and nobody never calls.
        return replace(order, caller=caller if caller in PRIVATE_KEYS else STRANGER_CALLER)

    # Signatures

    def sign(self, key: bytes, sig_alg: int, name: str, content: bytes) -> bytes:
        """Sign a digest, sometimes badly, and remember what the bytes stand for."""
        luck = self.random.random()
        if luck < 0.06:
            content = keccak256(content)
        if sig_alg == 2:
            signature, signer = sign_p256(name, Hash32(content)), p256_address(name)
        else:
            r, s, y_parity = sign_secp256k1(key, Hash32(content))
            is_high = luck > 0.97
            if is_high:
                s, y_parity = SECP256K1_ORDER - s, 1 - y_parity
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((27 + y_parity,))
            signer = address_of_private_key(key)
            if is_high:
                self.offline.signatures[signature] = Made(signer, content, is_high=True)
                return signature
        self.offline.signatures[signature] = Made(signer, content)
        return signature

    def device(self, name: str, sig_alg: int) -> bytes:
        return p256_address(name) if sig_alg == 2 else address_of_private_key(device_key(name))

    # Locks

    def times(self) -> tuple[int, int]:
        """Return spendUntil and claimUntil, mostly good."""
        pick = self.random.choice
        spend_s = self.now_s + pick((0, 1, *(DAY_S, 5 * DAY_S) * 3))
        return spend_s, spend_s + pick((GRACE_S - 1, *(GRACE_S,) * 6, 7 * DAY_S, LIFE_S))

    def open_lock(self) -> Order:
        pick = self.random.choice
        payer = pick(PAYERS)
        sig_alg = pick((1, 1, 1, 1, 2)) if self.random.random() < 0.97 else 3
        nonce = self.offline.nonces.get(payer, 0) + (self.random.random() < 0.05)
        name = f"device {payer.hex()} {nonce}"
        payee = pick(PAYEES) if self.random.random() < 0.93 else pick((payer, bytes(20), EUR))
        currency = EUR if self.random.random() < 0.95 else pick((STRANGER, EUR[:-1] + b"\x09"))
        signer = bytes(20) if self.random.random() < 0.03 else self.device(name, sig_alg)
        till = pick((bytes(20), STRANGER))
        terms = (payer, payee, till, currency, signer, sig_alg, nonce)
        self.locks.append(terms)
        return Order(payer, OFFLINE_LOCKS, "open", (terms, pick((0, 1, *(500, 1_200, 2_000) * 3)), *self.times()))

    def use_lock(self) -> Order:
        if not self.locks:
            return self.open_lock()
        pick = self.random.choice
        terms = self._pick(self.locks, LOCK_TYPE, self.offline.locks)
        payer, payee = terms[:2]
        name = self._id(LOCK_TYPE, terms)
        word = self.offline.locks.get(name)
        deposit, settled = (word.deposit, word.settled) if word else (2_000, 0)
        cumulative = pick((settled, settled + 1, deposit // 2, deposit, deposit + 1, 0, settled + 300))
        match pick(("redeem", "redeem", "redeem", "redeem", "topUp", "extend", "release", "refund")):
            case "redeem":
                invoice = pick(INVOICES)
                signature = self.voucher(terms, name, cumulative, invoice)
                return Order(
                    pick((payee, STRANGER_CALLER)), OFFLINE_LOCKS, "redeem", (terms, cumulative, invoice, signature)
                )
            case "topUp":
                return Order(payer, OFFLINE_LOCKS, "topUp", (terms, pick((0, 1, 700, 2**96 - 1))))
            case "extend":
                spend_s, claim_s = (word.spend_s, word.claim_s) if word else self.times()
                moved = (spend_s + pick((-1, 0, DAY_S)), claim_s + pick((-1, 0, DAY_S, 3 * DAY_S)))
                return Order(payer, OFFLINE_LOCKS, "extend", (terms, *moved))
            case "release":
                signed = self.sign(
                    PRIVATE_KEYS.get(payee, device_key("nobody")), 1, "", self._digest(RELEASE_TYPE, name, cumulative)
                )
                shown = pick((cumulative, cumulative + 1, 0))
                voucher = self.voucher(terms, name, shown, INVOICES[0])
                caller = pick((payer, payee, STRANGER_CALLER))
                return Order(caller, OFFLINE_LOCKS, "release", (terms, cumulative, signed, shown, INVOICES[0], voucher))
            case _:
                return Order(pick((payer, STRANGER_CALLER)), OFFLINE_LOCKS, "refund", (terms,))

    def voucher(self, terms: Terms, name: bytes, cumulative: int, invoice: bytes) -> bytes:
        key_name = f"device {terms[0].hex()} {terms[6]}"
        if self.random.random() < 0.03:
            key_name = "thief"
        network = OTHER_NETWORK if self.random.random() < 0.02 else CHAIN_ID
        content = digest(network, VOUCHER_TYPE, name, cumulative, invoice)
        return self.sign(device_key(key_name), terms[5] if terms[5] in (1, 2) else 1, key_name, content)

    # Purses

    def open_purse(self) -> Order:
        pick = self.random.choice
        owner = pick(PAYERS)
        members = pick(self.classes)
        sig_alg = pick((1, 1, 1, 1, 2))
        nonce = self.offline.nonces.get(owner, 0) + (self.random.random() < 0.05)
        name = f"purse {owner.hex()} {nonce}"
        value, cap = pick((*((900, 300), (600, 600)) * 4, (300, 301), (0, 1), (400, 0)))
        collateral = max(0, len(members) * cap - value) + pick((0, 0, 50, -1))
        head = (32).to_bytes(32, "big") + len(members).to_bytes(32, "big")
        klass: bytes = keccak256(head + b"".join(member.rjust(32, b"\0") for member in members))
        if self.random.random() < 0.03:
            klass = pick((bytes(32), keccak256(klass)))
        odd = {place: 1 for place in (4, 10) if self.random.random() < 0.02}
        spend_s, claim_s = self.times()
        terms: Terms = (
            owner,
            EUR,
            self.device(name, sig_alg),
            sig_alg,
            odd.get(4, 0),
            nonce,
            value,
            max(collateral, 0),
            cap,
            2 if self.random.random() < 0.02 else 1,
            odd.get(10, 0),
            klass,
            spend_s,
            claim_s,
        )
        self.purses.append(terms)
        return Order(owner, OFFLINE_LOCKS, "openPurse", (terms,))

    def use_purse(self) -> Order:
        if not self.purses:
            return self.open_purse()
        pick = self.random.choice
        terms = self._pick(self.purses, PURSE_TYPE, self.offline.purses)
        owner, name = terms[0], self._id(PURSE_TYPE, terms)
        match pick(("claim",) * 6 + ("again", "prove", "prove", "flagPurse", "closePurse", "createClass")):
            case "claim":
                hop, signature = self.spend(terms, name)
                return Order(pick((hop[4], STRANGER_CALLER)), OFFLINE_LOCKS, "claim", (terms, hop, signature))
            case "again" if self.hops.get(name):
                return Order(STRANGER_CALLER, OFFLINE_LOCKS, "claim", (terms, *pick(self.hops[name])))
            case "prove":
                seen = self.hops.get(name, []) + [self.spend(terms, name) for _ in range(2)]
                first, second = pick(seen), pick(seen)
                return Order(STRANGER_CALLER, OFFLINE_LOCKS, "prove", (terms, *first, *second))
            case "flagPurse":
                return Order(owner, OFFLINE_LOCKS, "flagPurse", (terms,))
            case "createClass":
                members = pick((PAYEES, tuple(sorted(PAYEES)), (), (EUR,), tuple(sorted(PAYEES[:2]))))
                return Order(STRANGER_CALLER, OFFLINE_LOCKS, "createClass", (members,))
            case _:
                return Order(pick((owner, STRANGER_CALLER)), OFFLINE_LOCKS, "closePurse", (terms,))

    def spend(self, terms: Terms, name: bytes) -> tuple[Terms, bytes]:
        """Sign some units away: an honest spend mostly, else one of units spent before, or one that is none."""
        pick = self.random.choice
        value = terms[6]
        lo = self.next_lo.get(name, 0)
        if self.random.random() < 0.3:
            lo = self.random.randrange(max(value, 1))
        hi = lo + pick((1, 50, 150, 300))
        if self.random.random() < 0.9:
            hi = min(hi, value)
        self.next_lo[name] = max(hi, self.next_lo.get(name, 0))
        to = pick(PAYEES) if self.random.random() < 0.95 else STRANGER
        parent = keccak256(name) if self.random.random() < 0.02 else bytes(32)
        purse = keccak256(name) if self.random.random() < 0.02 else name
        hop = (purse, parent, lo, hi, to, pick(INVOICES))
        key_name = f"purse {terms[0].hex()} {terms[5]}" if self.random.random() < 0.97 else "thief"
        signature = self.sign(device_key(key_name), terms[3], key_name, self._digest(HOP_TYPE, *hop))
        self.hops.setdefault(name, []).append((hop, signature))
        return hop, signature

    # Authorities, and what is held

    def authority(self) -> Order:
        pick = self.random.choice
        who = pick(CUSTOMERS)
        choices: list[tuple[bytes, bytes, str, tuple[Value, ...]]] = [
            (ADMIN, EUR, "pause", ()),
            (ADMIN, EUR, "unpause", ()),
            (ADMIN, EUR, "unpause", ()),
            (ADMIN, EUR, "setFrozenTokens", (pick((who, OFFLINE_LOCKS)), pick((0, 0, 5_000)))),
            (ADMIN, EUR, "forcedTransfer", (pick((who, OFFLINE_LOCKS)), pick(CUSTOMERS), pick((1, 300)))),
            (ADMIN, EUR, "setTransferPolicyId", (pick((1, 2)),)),
            (ADMIN, POLICY_REGISTRY, "modify", (2, (who,), pick((False, True)))),
            (ADMIN, EUR, "setLimitsEnabled", (pick((False, True)),)),
            (BANKS[0], ACCOUNT_REGISTRY, "suspend", (who, bytes(32))),
            (BANKS[0], ACCOUNT_REGISTRY, "reinstate", (who,)),
            (BANKS[0], ACCOUNT_REGISTRY, "reinstate", (who,)),
            (who, EUR, "transfer", (pick(CUSTOMERS), pick((0, 40, 700)))),
            (GOVERNOR, OFFLINE_LOCKS, "clear", (pick(PAYERS),)),
        ]
        caller, target, name, arguments = pick(choices)
        return Order(caller, target, name, arguments)

    def held(self) -> Order:
        pick = self.random.choice
        waiting = [key for key, amount in self.offline.held.items() if amount] or [(EUR, pick(CUSTOMERS))]
        currency, account = pick(waiting)
        held = self.offline.held.get((currency, account), 0)
        amount = pick((held, 1, 1, 1, held + 1, 0))
        if self.random.random() < 0.05:
            currency = STRANGER
        if self.random.random() < 0.7:
            return Order(STRANGER_CALLER, OFFLINE_LOCKS, "releaseHeld", (currency, account, amount))
        to = pick((STRANGER, EUR, *CUSTOMERS))
        return Order(pick((ADMIN, account)), OFFLINE_LOCKS, "enforceHeld", (currency, account, to, amount, bytes(32)))

    def _pick(self, made: list[Terms], struct: str, live: Container[bytes]) -> Terms:
        """Return terms that somebody wrote, mostly of something that is there."""
        living = [terms for terms in made if self._id(struct, terms) in live]
        return self.random.choice(living if living and self.random.random() < 0.9 else made[-4:])

    def _id(self, struct: str, terms: Terms) -> bytes:
        return self._digest(struct, *terms)

    def _digest(self, struct: str, *values: int | bytes) -> bytes:
        return digest(CHAIN_ID, struct, *values)


STRANGER_CALLER = BANKS[1]
"""Calls and is no party: what anybody may do, it does."""


def run_scenario(seed: int, scenario: int, *, calls: int = SCENARIO_CALLS, both_doors: bool | None = None) -> Tally:
    """Run one scenario; its failure, if any, is in the tally with what replays it."""
    has_contract_door = scenario % CONTRACT_DOOR_EVERY == 0 if both_doors is None else both_doors
    tally = Tally(scenarios=1)
    try:
        _run(Random(f"{seed}/{scenario}"), calls, has_contract_door, tally)
    except (Disagreement, AssertionError) as failure:
        tally.failures.append(
            f"{failure} after {tally.calls} calls; replay: python -m tests.offline --seed {seed} --scenario {scenario}"
        )
    return tally


def _run(random: Random, calls: int, has_contract_door: bool, tally: Tally) -> None:
    doors = Doors(world(), has_contract_door=has_contract_door)
    state, offline = opening_state(), Offline(CHAIN_ID)
    life = Life(random, state, offline)
    waiting = life.opening()[::-1]
    now_s = GENESIS_S
    while tally.calls < calls or waiting:
        now_s += random.choice((1, 60, 3_600, DAY_S, 3 * DAY_S))
        life.now_s = now_s
        doors.start_block(now_s)
        for _ in range(BLOCK_CALLS):
            order = waiting.pop() if waiting else life.next_order()
            is_own = order.target == OFFLINE_LOCKS
            expected = answer_offline(state, offline, order, now_s) if is_own else answer(state, order, now_s)
            found = doors.make(order)
            tally.calls += 1
            tally.calls_through_contract += has_contract_door
            if found != expected:
                raise Disagreement(f"{order.name} {order.arguments}: ledger {found}, model {expected}")
            if is_own:
                tally.counts[order.name, "ok" if found.error is None else found.error[0]] += 1
        check_offline(doors, state, offline)
        if random.random() < 0.02:
            check_state(doors, state, now_s, holders=(*EVERYBODY, OFFLINE_LOCKS))
        doors.end_block()


def check_offline(doors: Doors, state: State, offline: Offline) -> None:
    """Compare all that the contract remembers, and its money with what it promised."""

    def expect(name: str, *expected: Value, given: tuple[int | bytes, ...] = ()) -> None:
        found = doors.read(OFFLINE_LOCKS, name, *given)
        if found != expected:
            raise Disagreement(f"{name}{given}: ledger {found}, model {expected}")

    for name, currency in offline.currencies.items():
        assert currency == EUR
        lock, purse = offline.locks.get(name), offline.purses.get(name)
        if lock is not None:
            expect("lockOf", lock.settled, lock.deposit, lock.spend_s, lock.claim_s, given=(name,))
        elif purse is not None:
            expect("purseOf", purse.settled, purse.deposit, purse.spend_s, purse.claim_s, given=(name,))
        elif name in offline.closed:
            expect("purseOf", 0, 0, *offline.closed[name], given=(name,))
        else:
            expect("lockOf", 0, 0, 0, 0, given=(name,))
        expect("purseFlags", sum(offline.flags.get(name, set())), given=(name,))
    for account in CUSTOMERS:
        expect("openNonceOf", offline.nonces.get(account, 0), given=(account,))
        expect("heldOf", offline.held.get((EUR, account), 0), given=(EUR, account))
        expect("isBlacklisted", account in offline.blacklist, given=(account,))
    for (purse_name, payee), amount in offline.paid.items():
        expect("paidTo", amount, given=(purse_name, payee))
    for name, members in offline.classes.items():
        expect("classSize", len(members), given=(name,))
        expect("isMember", True, given=(name, members[0]))
        expect("isMember", False, given=(name, STRANGER))
    expect("revocationCount", len(offline.revocations))
    for place, entry in enumerate(offline.revocations):
        expect("revocationAt", *entry, given=(place,))
    kept = doors.read(EUR, "balanceOf", Address(OFFLINE_LOCKS))
    if kept != (offline.escrow(EUR),):
        raise Disagreement(f"the contract has {kept}, it promised {offline.escrow(EUR)}")
