"""Random calls by random callers, about half of which succeed: chosen with a look at what the model knows."""

from collections.abc import Callable
from random import Random

from tests.money.model.ledger import ACCOUNT_REGISTRY, BATCH, POLICY_REGISTRY, Order
from tests.money.model.roles import ADMIN as ADMIN_ROLE
from tests.money.model.roles import ROLES
from tests.money.model.rules import DAY_S
from tests.money.model.state import NOBODY, SUPPLY_HIGHEST, WITHOUT_END, Money, State
from tests.money.signing import sign_order
from tests.money.world import (
    ADDRESSES,
    BANKS,
    CURRENCIES,
    CURRENCY_NAMES,
    CUSTOMERS,
    GOVERNOR,
    PRIVATE_KEYS,
    STRANGER,
)

SHAPES: dict[str, tuple[int, str]] = {
    "transfer": (60, "to amount"),
    "transferFrom": (25, "from to amount"),
    "transferWithMemo": (40, "to amount memo"),
    "transferFromWithMemo": (15, "from to amount memo"),
    "approve": (20, "to allowed"),
    "mint": (25, "to issue memo"),
    "burn": (12, "amount memo"),
    "setMinterAllowance": (12, "who allowed"),
    "setSupplyCap": (6, "cap"),
    "pause": (2, ""),
    "unpause": (14, ""),
    "setFrozenTokens": (14, "who amount"),
    "forcedTransfer": (12, "payer to amount"),
    "createHold": (40, "new_hold to notary amount expires memo"),
    "createHoldFrom": (15, "from new_hold to notary amount expires memo"),
    "executeHold": (30, "hold held"),
    "executeHoldAndRelease": (12, "hold held"),
    "releaseHold": (15, "hold"),
    "consentToExtension": (20, "hold expires"),
    "extendHold": (24, "hold expires"),
    "requestRedemption": (20, "amount memo"),
    "completeRedemption": (12, "redemption"),
    "rejectRedemption": (8, "redemption memo"),
    "cancelRedemption": (8, "redemption"),
    "attestReserves": (12, "reserves as_of memo"),
    "setReserveRule": (8, "age"),
    "setTransferPolicyId": (6, "policy"),
    "setLimitsEnabled": (6, "flag"),
    "setTierLimits": (10, "tier limit limit limit limit"),
    "grantRole": (14, "role to"),
    "revokeRole": (6, "role who"),
    "renounceRole": (3, "role self"),
    "beginAdminTransfer": (4, "to"),
    "acceptAdminTransfer": (4, ""),
}
"""Functions of a currency: how often, and what each argument is."""

POWERS = {
    "mint": "ISSUER_ROLE",
    "burn": "ISSUER_ROLE",
    "completeRedemption": "ISSUER_ROLE",
    "rejectRedemption": "ISSUER_ROLE",
    "setMinterAllowance": "MINT_CONTROLLER_ROLE",
    "setSupplyCap": "DEFAULT_ADMIN_ROLE",
    "setReserveRule": "DEFAULT_ADMIN_ROLE",
    "grantRole": "DEFAULT_ADMIN_ROLE",
    "revokeRole": "DEFAULT_ADMIN_ROLE",
    "beginAdminTransfer": "DEFAULT_ADMIN_ROLE",
    "pause": "PAUSER_ROLE",
    "unpause": "UNPAUSER_ROLE",
    "setFrozenTokens": "FREEZER_ROLE",
    "forcedTransfer": "ENFORCER_ROLE",
    "attestReserves": "ATTESTOR_ROLE",
    "setTransferPolicyId": "POLICY_ROLE",
    "setLimitsEnabled": "LIMIT_ROLE",
    "setTierLimits": "LIMIT_ROLE",
}
"""Which role each function of a currency asks for, as ledger.md §4 says; the others ask for none."""

REGISTRY_SHAPES: dict[str, tuple[int, str]] = {
    "createPolicy": (4, "kind to"),
    "createCompoundPolicy": (3, "policy policy policy"),
    "modify": (12, "policy accounts flag"),
    "beginPolicyAdminTransfer": (3, "policy to"),
    "acceptPolicyAdminTransfer": (3, "policy"),
    "registerBank": (3, "to bank_name bic number"),
    "updateBank": (2, "bank bank_name bic number"),
    "registerAccount": (6, "to tier"),
    "setTier": (5, "who tier"),
    "setPermissions": (4, "who permissions"),
    "suspend": (10, "who memo"),
    "reinstate": (10, "who"),
}
POLICY_NAMES = tuple(REGISTRY_SHAPES)[:5]
SIGNED_SHAPES = {
    "permit": "payer to allowed deadline",
    "transferWithAuthorization": "payer to amount after before order",
    "receiveWithAuthorization": "payer to amount after before order",
    "cancelAuthorization": "payer order",
}
TIME_HIGHEST_S = 2**64 - 1
MEMOS = tuple(bytes((number,)) * 32 for number in range(4))


class Generator:
    """Draws calls from one seeded source."""

    def __init__(self, random: Random, state: State) -> None:
        self.random = random
        self.state = state
        self.now_s = 0
        self.holds_made = 0
        self._makers: tuple[Callable[[], Order], ...] = (
            self.currency_call,
            self.registry_call,
            self.signed_call,
            self.batch_of_transfers,
            self.batch_of_calls,
        )

    def next_order(self) -> Order:
        """Return the next call."""
        (maker,) = self.random.choices(self._makers, (80, 9, 5, 3, 3))
        return maker()

    def opening(self) -> list[Order]:
        """Return calls that make the world interesting: banks, tiers, roles, limits, policies."""
        random = self.random
        orders = [
            Order(GOVERNOR, ACCOUNT_REGISTRY, "registerBank", (bank, f"Bank {index}", "DEUTDEFF500", 1_000_000))
            for index, bank in enumerate(BANKS)
        ]
        orders += [
            Order(random.choice(BANKS), ACCOUNT_REGISTRY, "registerAccount", (who, random.randrange(3)))
            for who in CUSTOMERS[1:]
        ]
        orders += [Order(who, POLICY_REGISTRY, "createPolicy", (2, who)) for who in CUSTOMERS[:2]]
        for address in CURRENCIES:
            (admin,) = [account for role, account in self.state.moneys[address].roles if role == ADMIN_ROLE]
            for role in ROLES.values():
                orders.append(Order(admin, address, "grantRole", (role, random.choice(ADDRESSES))))
            orders.append(Order(admin, address, "grantRole", (ROLES["LIMIT_ROLE"], admin)))
            for tier in (1, 2, 255):
                limits = (random.choice((0, 800)), random.choice((0, 3_000)), random.choice((0, 4_000)), 0)
                orders.append(Order(admin, address, "setTierLimits", (tier, *limits)))
            orders.append(Order(admin, address, "setLimitsEnabled", (random.random() < 0.5,)))
        return orders

    def currency_call(self) -> Order:
        (name,) = self.random.choices(_NAMES, _WEIGHTS)
        target = self.random.choice(CURRENCIES)
        return self.call_of(target, name, SHAPES[name][1], self._caller(target, name))

    def registry_call(self) -> Order:
        (name,) = self.random.choices(_REGISTRY_NAMES, _REGISTRY_WEIGHTS)
        target = POLICY_REGISTRY if name in POLICY_NAMES else ACCOUNT_REGISTRY
        caller = self.random.choice((GOVERNOR, *BANKS, *CUSTOMERS[:2], self.random.choice(ADDRESSES)))
        return self.call_of(target, name, REGISTRY_SHAPES[name][1], caller)

    def call_of(self, target: bytes, name: str, shape: str, caller: bytes) -> Order:
        """Return a call with one drawn argument for each word of `shape`."""
        drawing = _Arguments(self, self.state.moneys.get(target), name, caller)
        arguments = tuple(getattr(drawing, word if word != "from" else "owner")() for word in shape.split())
        caller = drawing.caller
        if caller not in PRIVATE_KEYS:
            caller = self.random.choice(ADDRESSES)
        return Order(caller, target, name, arguments)

    def signed_call(self) -> Order:
        name = self.random.choice(tuple(SIGNED_SHAPES))
        target = self.random.choice(CURRENCIES)
        order = self.call_of(target, name, SIGNED_SHAPES[name], self.random.choice(ADDRESSES))
        arguments = order.arguments
        owner = arguments[0]
        assert isinstance(owner, bytes)
        signed = arguments
        if name == "permit":
            number = self.state.moneys[target].permits_used.get(owner, 0)
            signed = (*arguments[:3], number, arguments[3])
        signer = owner if self.random.random() < 0.85 else self.random.choice(ADDRESSES)
        words = tuple(value for value in signed if isinstance(value, (int, bytes)))
        v, r, s = sign_order(PRIVATE_KEYS[signer], name, words, currency=target, currency_name=CURRENCY_NAMES[target])
        if self.random.random() < 0.05:
            v, signer = 30, NOBODY
        caller = order.caller
        if name == "receiveWithAuthorization" and arguments[1] in PRIVATE_KEYS and self.random.random() < 0.8:
            assert isinstance(arguments[1], bytes)
            caller = arguments[1]
        return Order(caller, target, name, (*arguments, v, r, s), signer)

    def batch_of_transfers(self) -> Order:
        random = self.random
        target = random.choice(CURRENCIES)
        caller = random.choice(ADDRESSES)
        count = random.choice((0, 1, 2, 5, 12)) if random.random() < 0.98 else 501
        drawing = _Arguments(self, self.state.moneys[target], "transferBatch", caller)
        recipients = tuple(drawing.to() for _ in range(count))
        share = self.state.moneys[target].balances.get(caller, 0) // (count or 1)
        amounts = tuple(random.choice((random.randint(0, 30), share, drawing.amount())) for _ in range(count))
        memos = tuple(random.choice(MEMOS) for _ in range(count + (random.random() < 0.03)))
        return Order(caller, target, "transferBatch", (recipients, amounts, memos))

    def batch_of_calls(self) -> Order:
        caller = self.random.choice(ADDRESSES)
        inner = tuple(self._inner_call(caller) for _ in range(self.random.choice((1, 2, 2, 3))))
        if self.random.random() < 0.02:
            inner = inner[:1] * 101
        if self.random.random() < 0.05:
            inner = (*inner, Order(caller, self.random.choice((BATCH, STRANGER)), "transfer", (caller, 1)))
        return Order(caller, BATCH, "execute", (), inner=inner)

    def _inner_call(self, caller: bytes) -> Order:
        drawn = self.currency_call() if self.random.random() < 0.5 else None
        if drawn is None:
            target = self.random.choice(CURRENCIES)
            return self.call_of(target, "transferWithMemo", "to amount memo", caller)
        return Order(caller, drawn.target, drawn.name, drawn.arguments)

    def _caller(self, target: bytes, name: str) -> bytes:
        power = POWERS.get(name)
        if power is not None and self.random.random() < 0.75:
            role = ROLES[power]
            holders = [account for held, account in self.state.moneys[target].roles if held == role]
            if holders:
                return self.random.choice(holders)
        offered_to = self.state.moneys[target].admin_offer[1]
        if name == "acceptAdminTransfer" and offered_to in PRIVATE_KEYS and self.random.random() < 0.7:
            return offered_to
        return self.random.choice(ADDRESSES)


class _Arguments:
    """Draws the arguments of one call, in their order; some decide who should make the call."""

    def __init__(self, generator: Generator, money: Money | None, name: str, caller: bytes) -> None:
        self.generator = generator
        self.name = name
        self.random = generator.random
        self.state = generator.state
        self.found_money = money
        self.caller = caller
        self.owned_by = caller
        self.hold_id = bytes(32)

    @property
    def money(self) -> Money:
        assert self.found_money is not None, "only calls of a currency draw from its state"
        return self.found_money

    def who(self) -> bytes:
        if self.name == "reinstate" and self.random.random() < 0.6:
            suspended = [address for address, found in self.state.accounts.items() if found.status > 1]
            if suspended:
                return self.random.choice(suspended)
        return self.random.choice(ADDRESSES)

    def self(self) -> bytes:
        return self.caller if self.random.random() < 0.8 else self.who()

    def to(self) -> bytes:
        chance = self.random.random()
        if chance < 0.95:
            return self.random.choice(ADDRESSES)
        return self.random.choice((NOBODY, STRANGER, BATCH, CURRENCIES[0]))

    def payer(self) -> bytes:
        self.owned_by = self.random.choice(CUSTOMERS)
        return self.owned_by

    def owner(self) -> bytes:
        allowed = [pair for pair, amount in self.money.allowances.items() if amount and pair[1] in PRIVATE_KEYS]
        if allowed and self.random.random() < 0.8:
            self.owned_by, self.caller = self.random.choice(allowed)
        else:
            self.owned_by = self.to()
        return self.owned_by

    def notary(self) -> bytes:
        return self.random.choice((NOBODY, self.who(), self.who(), self.to()))

    def bank(self) -> bytes:
        return self.random.choice((*BANKS, self.who()))

    def accounts(self) -> tuple[bytes, ...]:
        count = 501 if self.random.random() < 0.01 else self.random.randrange(4)
        return tuple(self.to() for _ in range(count))

    def amount(self) -> int:
        balance = self.money.balances.get(self.owned_by, 0)
        free = max(balance - self.money.frozen.get(self.owned_by, 0), 0)
        chance = self.random.random()
        if chance < 0.70:
            return self.random.randint(1, max(min(free, 900), 1))
        if chance < 0.75:
            return 0
        return self.random.choice(
            (free, free + 1, balance, balance + 1, 800, 801, free // 2, SUPPLY_HIGHEST, WITHOUT_END)
        )

    def issue(self) -> int:
        allowed = self.money.minters.get(self.caller, 0)
        room = self.money.cap - self.money.supply
        above = min(allowed + 1, WITHOUT_END)
        return self.random.choice((0, 1, 50, 200, 200, allowed, above, room, room + 1, allowed // 2))

    def allowed(self) -> int:
        return self.random.choice((0, 100, 700, 3_000, 20_000, WITHOUT_END))

    def cap(self) -> int:
        supply = self.money.supply
        return self.random.choice((supply, max(supply - 1, 0), supply + 500, SUPPLY_HIGHEST, SUPPLY_HIGHEST + 1))

    def limit(self) -> int:
        return self.random.choice(
            (0, 0, 800, 2_500, 9_000, 30_000, 2**112 - 1, 2**112 if self.random.random() < 0.1 else 0)
        )

    def new_hold(self) -> bytes:
        if self.money.holds and self.random.random() < 0.05:
            return self.random.choice(tuple(self.money.holds))
        self.generator.holds_made += 1
        return self.generator.holds_made.to_bytes(32, "big")

    def hold(self) -> bytes:
        open_ids = [hold_id for hold_id, hold in self.money.holds.items() if hold.status == 1]
        if open_ids and self.random.random() < 0.9:
            self.hold_id = self.random.choice(open_ids)
            hold = self.money.holds[self.hold_id]
            if self.name == "extendHold":
                self.caller = self.random.choice((hold.payer, hold.payer, hold.payer, self.caller))
            else:
                self.caller = self.random.choice((hold.executor, hold.executor, hold.executor, hold.payee, self.caller))
        else:
            self.hold_id = self.random.choice((b"\xff" * 32, *self.money.holds))
        return self.hold_id

    def held(self) -> int:
        hold = self.money.holds.get(self.hold_id)
        left = 1 if hold is None else hold.remaining
        return self.random.choice((left, left, left // 2, 1, left + 1, 0, self.random.randint(0, left)))

    def expires(self) -> int:
        now_s = self.generator.now_s
        hold = self.money.holds.get(self.hold_id)
        if hold is not None and self.name == "extendHold" and self.random.random() < 0.6:
            return max(hold.consented_until_s, hold.expires_at_s)
        then = now_s if hold is None else max(hold.expires_at_s, hold.consented_until_s)
        then = min(then, TIME_HIGHEST_S - 600)
        return self.random.choice(
            (now_s + 20, now_s + 4_000, now_s + 1, now_s, then + 600, then, then + 60, TIME_HIGHEST_S)
        )

    def redemption(self) -> int:
        open_numbers = [number for number, row in self.money.redemptions.items() if row.status == 1]
        if open_numbers and self.random.random() < 0.85:
            number = self.random.choice(open_numbers)
            if self.random.random() < 0.3:
                self.caller = self.money.redemptions[number].owner
            return number
        return self.random.randint(0, len(self.money.redemptions) + 1)

    def reserves(self) -> int:
        supply = self.money.supply
        return self.random.choice((supply, supply + 1_000, supply + 10**6, supply // 2, SUPPLY_HIGHEST + 1))

    def as_of(self) -> int:
        now_s = self.generator.now_s
        latest_s = self.money.reserves[1]
        return self.random.choice((now_s, now_s, now_s + 1, latest_s, max(latest_s - 1, 0)))

    def age(self) -> int:
        return self.random.choice((0, 0, 600, DAY_S))

    def deadline(self) -> int:
        now_s = self.generator.now_s
        return self.random.choice((now_s, now_s + 60, now_s + 60, WITHOUT_END, now_s - 1))

    def after(self) -> int:
        now_s = self.generator.now_s
        return self.random.choice((0, now_s - 1, now_s - 1, now_s - 1, now_s))

    def before(self) -> int:
        now_s = self.generator.now_s
        return self.random.choice((now_s + 1, now_s + 1, now_s + 60, WITHOUT_END, now_s))

    def order(self) -> bytes:
        return self.random.randrange(200).to_bytes(32, "big")

    def policy(self) -> int:
        if self.name in _ADMINISTERED and self.random.random() < 0.6:
            offers = [number for number, policy in self.state.policies.items() if policy.offered_to in PRIVATE_KEYS]
            if self.name == "acceptPolicyAdminTransfer" and offers:
                number = self.random.choice(offers)
                self.caller = self.state.policies[number].offered_to
                return number
            number = self.random.choice(tuple(self.state.policies))
            self.caller = self.state.policies[number].admin
            return number
        known = len(self.state.policies)
        return self.random.choice((0, 1, 1, 1, 1, self.random.randrange(known), self.random.randrange(known + 1)))

    def tier(self) -> int:
        return self.random.choice((0, 1, 1, 2, 2, 254, 255))

    def role(self) -> bytes:
        return self.random.choice(tuple(ROLES.values()))

    def permissions(self) -> int:
        return self.random.choice((0, 1, 2, 3, 4, 65_535))

    def kind(self) -> int:
        return self.random.choice((1, 2, 2, 0, 3))

    def flag(self) -> bool:
        return self.random.random() < 0.5

    def memo(self) -> bytes:
        return self.random.choice(MEMOS)

    def number(self) -> int:
        return self.random.choice((0, 1_000_000, 2**64 - 1))

    def bank_name(self) -> str:
        return self.random.choice(("Bank of Tests", "Banque", "", "x" * 32, "a\nb"))

    def bic(self) -> str:
        return self.random.choice(("DEUTDEFF500", "BNPAFRPP", "BNPAFRPP", "deutdeff", "BNPAFRPPX"))


_ADMINISTERED = ("modify", "beginPolicyAdminTransfer", "acceptPolicyAdminTransfer")
_NAMES = tuple(SHAPES)
_WEIGHTS = tuple(weight for weight, _ in SHAPES.values())
_REGISTRY_NAMES = tuple(REGISTRY_SHAPES)
_REGISTRY_WEIGHTS = tuple(weight for weight, _ in REGISTRY_SHAPES.values())
