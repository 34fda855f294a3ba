"""Random histories of a currency against a plain dictionary model that shares no code with it.

The model below is written from ledger.md alone: Python integers by account, one branch per rule.
"""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.native.genesis import AccountAmount
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    BOB,
    CONTROLLER,
    EUR,
    ISSUER,
    MEMO,
    PAUSER,
    UNPAUSER,
    Ledger,
    euro,
    genesis,
    text,
)

EVERYBODY = (ADMIN, ISSUER, CONTROLLER, PAUSER, UNPAUSER, ALICE, BOB)
TARGETS = (*EVERYBODY, ZERO_ADDRESS, EUR)
ENDLESS = 2**256 - 1
ROLE_WORDS = {
    "admin": bytes(32),
    # keccak-256 of the names, computed with another library.
    "issuer": bytes.fromhex("114e74f6ea3bd819998f78687bfcb11b140da08e9b7d222fa9c1f1ba1f2aa122"),
    "controller": bytes.fromhex("5b2f60ae2d6910357d9a34de697d5eae429dad12be8623599b40ca26aff1108f"),
    "pauser": bytes.fromhex("65d7a28e3265b37a6474929f336521b332c1681b933f6cb9f3376673440d862a"),
    "unpauser": bytes.fromhex("427da25fe773164f88948d3e215c94b6554e2ed5e5f203a821c9f2f6131cf75a"),
}


class Refused(Exception):
    """The model's verdict: the text of the error the ledger must give."""


@dataclass
class Model:
    """A currency as a bookkeeper would keep it."""

    balances: dict[bytes, int] = field(default_factory=lambda: {ALICE: 100, ISSUER: 50})
    allowances: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    minters: dict[bytes, int] = field(default_factory=lambda: {ISSUER: 60})
    roles: set[tuple[str, bytes]] = field(
        default_factory=lambda: {
            ("admin", ADMIN),
            ("issuer", ISSUER),
            ("controller", CONTROLLER),
            ("pauser", PAUSER),
            ("unpauser", UNPAUSER),
        }
    )
    supply: int = 150
    cap: int = 250
    is_paused: bool = False
    events: list[str] = field(default_factory=list)

    def need(self, who: bytes, role: str) -> None:
        if (role, who) not in self.roles:
            role_text = f"0x{ROLE_WORDS[role].hex()}"
            raise Refused(f"AccessControlUnauthorizedAccount(account={text(who)}, neededRole={role_text})")

    def need_running(self) -> None:
        if self.is_paused:
            raise Refused("EnforcedPause()")

    def need_receiver(self, to: bytes) -> None:
        if to in (ZERO_ADDRESS, EUR):
            raise Refused(f"ERC20InvalidReceiver(receiver={text(to)})")

    def log_transfer(self, sender: bytes, to: bytes, amount: int, memo: bytes | None) -> None:
        self.events.append(f"Transfer(from={text(sender)}, to={text(to)}, value={amount})")
        if memo is not None:
            self.events.append(f"Memo(from={text(sender)}, to={text(to)}, memo=0x{memo.hex()})")

    def pay(self, sender: bytes, to: bytes, amount: int, *, spender: bytes | None, memo: bytes | None) -> None:
        self.need_running()
        if sender == ZERO_ADDRESS:
            raise Refused(f"ERC20InvalidSender(sender={text(sender)})")
        self.need_receiver(to)
        if spender is not None:
            allowed = self.allowances.get((sender, spender), 0)
            if allowed < amount:
                raise Refused(
                    f"ERC20InsufficientAllowance(spender={text(spender)}, allowance={allowed}, needed={amount})"
                )
        has = self.balances.get(sender, 0)
        if has < amount:
            raise Refused(f"ERC20InsufficientBalance(sender={text(sender)}, balance={has}, needed={amount})")
        if spender is not None and allowed != ENDLESS:
            self.allowances[sender, spender] = allowed - amount
        self.balances[sender] = has - amount
        self.balances[to] = self.balances.get(to, 0) + amount
        self.log_transfer(sender, to, amount, memo)

    def apply(self, who: bytes, name: str, target: Address, other: Address, amount: int, role: str) -> None:
        """Do what the call of that name does; raises Refused where the ledger must refuse."""
        match name:
            case "transfer":
                self.pay(who, target, amount, spender=None, memo=None)
            case "transferWithMemo":
                self.pay(who, target, amount, spender=None, memo=MEMO)
            case "transferFrom":
                self.pay(other, target, amount, spender=who, memo=None)
            case "transferFromWithMemo":
                self.pay(other, target, amount, spender=who, memo=MEMO)
            case "approve":
                if target == ZERO_ADDRESS:
                    raise Refused(f"ERC20InvalidSpender(spender={text(target)})")
                self.allowances[who, target] = amount
                self.events.append(f"Approval(owner={text(who)}, spender={text(target)}, value={amount})")
            case "mint" | "burn":
                self.issue(who, name, target, amount)
            case _:
                self.administer(who, name, target, amount, role)

    def issue(self, who: bytes, name: str, target: Address, amount: int) -> None:
        self.need_running()
        self.need(who, "issuer")
        if name == "burn":
            has = self.balances.get(who, 0)
            if has < amount:
                raise Refused(f"ERC20InsufficientBalance(sender={text(who)}, balance={has}, needed={amount})")
            self.balances[who] = has - amount
            self.supply -= amount
            self.log_transfer(who, ZERO_ADDRESS, amount, MEMO)
            return
        self.need_receiver(target)
        allowed = self.minters.get(who, 0)
        if allowed < amount:
            raise Refused(f"MinterAllowanceExceeded(minter={text(who)}, allowance={allowed}, needed={amount})")
        if self.supply + amount > self.cap:
            raise Refused(f"SupplyCapExceeded(cap={self.cap}, supply={self.supply}, amount={amount})")
        self.minters[who] = allowed - amount
        self.supply += amount
        self.balances[target] = self.balances.get(target, 0) + amount
        self.log_transfer(ZERO_ADDRESS, target, amount, MEMO)

    def administer(self, who: bytes, name: str, target: Address, amount: int, role: str) -> None:
        role_text = f"role=0x{ROLE_WORDS[role].hex()}, account={text(target)}, sender={text(who)}"
        match name:
            case "setMinterAllowance":
                self.need(who, "controller")
                self.minters[target] = amount
                self.events.append(f"MinterAllowanceSet(minter={text(target)}, allowance={amount})")
            case "setSupplyCap":
                self.need(who, "admin")
                if not self.supply <= amount < 2**128:
                    raise Refused(f"SupplyCapOutOfRange(cap={amount}, lowest={self.supply}, highest={2**128 - 1})")
                self.cap = amount
                self.events.append(f"SupplyCapSet(cap={amount})")
            case "pause":
                self.need_running()
                self.need(who, "pauser")
                self.is_paused = True
                self.events.append(f"Paused(account={text(who)})")
            case "unpause":
                if not self.is_paused:
                    raise Refused("ExpectedPause()")
                self.need(who, "unpauser")
                self.is_paused = False
                self.events.append(f"Unpaused(account={text(who)})")
            case "grantRole":
                self.need(who, "admin")
                if target in (ZERO_ADDRESS, EUR):
                    raise Refused(f"InvalidRoleAccount(account={text(target)})")
                if (role, target) not in self.roles:
                    self.roles.add((role, target))
                    self.events.append(f"RoleGranted({role_text})")
            case "revokeRole":
                self.need(who, "admin")
                self.drop(role, target, role_text)
            case "renounceRole":
                if target != who:
                    raise Refused("AccessControlBadConfirmation()")
                self.drop(role, target, role_text)
            case _:
                raise AssertionError(f"the model knows no {name}")

    def drop(self, role: str, target: bytes, role_text: str) -> None:
        if (role, target) in self.roles:
            if role == "admin" and len([holder for held, holder in self.roles if held == "admin"]) == 1:
                raise Refused(f"LastAdmin(account={text(target)})")
            self.roles.remove((role, target))
            self.events.append(f"RoleRevoked({role_text})")


ARGUMENTS = {
    "transfer": ("target", "amount"),
    "transferWithMemo": ("target", "amount", "memo"),
    "transferFrom": ("other", "target", "amount"),
    "transferFromWithMemo": ("other", "target", "amount", "memo"),
    "approve": ("target", "amount"),
    "mint": ("target", "amount", "memo"),
    "burn": ("amount", "memo"),
    "setMinterAllowance": ("target", "amount"),
    "setSupplyCap": ("amount",),
    "pause": (),
    "unpause": (),
    "grantRole": ("role", "target"),
    "revokeRole": ("role", "target"),
    "renounceRole": ("role", "target"),
}
OFTEN = ("transfer", "transferFrom", "approve", "mint", "burn")

OPERATIONS = st.tuples(
    st.sampled_from((*ARGUMENTS, *OFTEN, *OFTEN)),
    st.sampled_from(EVERYBODY),
    st.sampled_from(TARGETS),
    st.sampled_from(TARGETS),
    st.one_of(st.integers(0, 60), st.sampled_from((150, 250, 2**128 - 1, 2**128, ENDLESS))),
    st.sampled_from(tuple(ROLE_WORDS)),
)


def small_euro() -> Ledger:
    """The model's opening position."""
    return Ledger(
        genesis(
            euro(
                supply_cap=250,
                minters=(AccountAmount(ISSUER, 60),),
                balances=(AccountAmount(ALICE, 100), AccountAmount(ISSUER, 50)),
            )
        )
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(OPERATIONS, min_size=1, max_size=40))
def test_every_history_gives_the_same_balances_errors_and_logs_as_the_model(
    operations: list[tuple[str, Address, Address, Address, int, str]],
) -> None:
    ledger, model = small_euro(), Model()
    for name, who, target, other, amount, role in operations:
        named: dict[str, AbiValue] = {
            "target": target,
            "other": other,
            "amount": amount,
            "memo": MEMO,
            "role": ROLE_WORDS[role],
        }
        model.events = []
        expected: str | None = None
        try:
            model.apply(who, name, target, other, amount, role)
        except Refused as refused:
            expected = str(refused)
        outcome = ledger.call(who, EUR, name, *(named[argument] for argument in ARGUMENTS[name]))
        assert (outcome.error, outcome.events) == (expected, model.events)
    assert_equal(ledger, model)


def assert_equal(ledger: Ledger, model: Model) -> None:
    balances = {who: ledger.read(EUR, "balanceOf", who) for who in TARGETS}
    assert balances == {who: model.balances.get(who, 0) for who in TARGETS}
    assert sum(model.balances.values()) == model.supply == ledger.read(EUR, "totalSupply"), "money was made or lost"
    assert balances[ZERO_ADDRESS] == balances[EUR] == 0
    assert ledger.read(EUR, "supplyCap") == model.cap
    assert ledger.read(EUR, "paused") is model.is_paused
    for who in TARGETS:
        assert ledger.read(EUR, "minterAllowance", who) == model.minters.get(who, 0)
        for role, word in ROLE_WORDS.items():
            assert ledger.read(EUR, "hasRole", word, who) is ((role, who) in model.roles)
        for spender in TARGETS:
            assert ledger.read(EUR, "allowance", who, spender) == model.allowances.get((who, spender), 0)
    assert ledger.read(EUR, "adminCount") == len([1 for role, _ in model.roles if role == "admin"])
