"""Writes docs/contracts/gas.md: what each call of the settlement contracts costs, in gas and in work.

`python -m tests.contracts.settlement.gas` writes the page; a test compares it. The numbers are the protocol's own, so
they change only with a contract, the compiler or a price.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from consensus.primitives.scalars import Address
from contracts.declarations import encode_call
from contracts.loader import load
from tests.contracts.settlement.fx_quotes import Quote
from tests.contracts.settlement.tokens import approve, pause, prepare_bank
from tests.contracts.settlement.typed_data import message, sign
from tests.contracts.settlement.world import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CAROL,
    CHF,
    CNY,
    ERIN,
    EUR,
    MEMO,
    Contract,
    Done,
    World,
    new_world,
)

PAGE = Path(__file__).parents[3] / "docs" / "contracts" / "gas.md"

HEAD = """# What calls of the settlement contracts cost

Whole transactions in a native currency, counted by the node itself: gas as Ethereum counts it, and work, of which one
unit is about a microsecond. Gas has no price here; both have limits. Written by
`python -m tests.contracts.settlement.gas`, compared by a test.

| contract | call | gas | work |
| --- | --- | ---: | ---: |
"""

Row = tuple[str, str, Done]
SECRET = bytes(range(32))


def with_allowances(name: str) -> tuple[World, Contract]:
    """Return a world with a contract that may move the euros of Alice, Bob and Carol."""
    world = new_world()
    contract = world.deploy(load(name))
    approve(world, world.token(EUR), contract)
    return world, contract


def hashed_timelock() -> Iterator[Row]:
    """Yield the calls of a swap's half."""
    world, timelock = with_allowances("HashedTimelock")
    digest = sha256(SECRET).digest()
    for ending, values in (("claim", (SECRET,)), ("decline", ()), ("refund", ())):
        done = world.call(ALICE, timelock, "lock", EUR, BOB, 1_000, digest, 1, world.now_s + 100, MEMO)
        if ending == "claim":
            yield "HashedTimelock", "lock", done
        world.advance(101 if ending == "refund" else 1)
        yield "HashedTimelock", ending, world.call(BOB, timelock, ending, done.value, *values)


def withdrawal() -> Iterator[Row]:
    """Yield a payment that was postponed, and its second try, which all contracts share."""
    world, timelock = with_allowances("HashedTimelock")
    euro = world.token(EUR)
    world.call(ALICE, timelock, "lock", EUR, BOB, 1_000, sha256(SECRET).digest(), 1, world.now_s + 100, MEMO)
    pause(world, euro, is_paused=True)
    yield "HashedTimelock", "claim, while the currency is paused", world.call(BOB, timelock, "claim", 1, SECRET)
    pause(world, euro, is_paused=False)
    yield "all", "withdraw", world.call(ERIN, timelock, "withdraw", BOB, EUR)


def escrow() -> Iterator[Row]:
    """Yield the calls of a project with three milestones."""
    world, contract = with_allowances("Escrow")
    for _ in range(2):
        deadline = world.now_s + 1_000
        done = world.call(ALICE, contract, "create", EUR, BOB, CAROL, (100, 200, 300), deadline, 60, 1, MEMO)
    yield "Escrow", "create, 3 milestones", done
    yield "Escrow", "release", world.call(ALICE, contract, "release", 1, 0)
    yield "Escrow", "dispute", world.call(BOB, contract, "dispute", 1)
    yield "Escrow", "resolve", world.call(CAROL, contract, "resolve", 1, 250)
    world.advance(1_001)
    yield "Escrow", "close", world.call(ERIN, contract, "close", 2)


def settlement_engine() -> Iterator[Row]:
    """Yield the calls of trades of two and of sixteen legs."""
    world, engine = with_allowances("SettlementEngine")
    approve(world, world.token(CNY), engine)
    swap = ((CNY, ALICE, BOB, 700), (EUR, BOB, ALICE, 90))
    many = [(EUR, ALICE, BOB, number) for number in range(1, 17)]

    def propose(legs: Sequence[tuple[bytes, bytes, bytes, int]]) -> Done:
        return world.call(ERIN, engine, "propose", legs, world.now_s + 100, MEMO)

    yield "SettlementEngine", "propose, 2 legs", propose(swap)
    yield "SettlementEngine", "affirm, the first of two", world.call(ALICE, engine, "affirm", 1)
    yield "SettlementEngine", "affirm, the last of two", world.call(BOB, engine, "affirm", 1)
    propose(swap)
    world.call(ALICE, engine, "affirm", 2)
    yield "SettlementEngine", "reject, one leg reserved", world.call(BOB, engine, "reject", 2, MEMO)
    yield "SettlementEngine", "propose, 16 legs", propose(many)
    yield "SettlementEngine", "affirm, 16 legs by one payer", world.call(ALICE, engine, "affirm", 3)
    structs = {
        "Settlement": [("Leg[]", "legs"), ("uint64", "validUntil"), ("bytes32", "memo"), ("uint256", "salt")],
        "Leg": [("address", "token"), ("address", "payer"), ("address", "payee"), ("uint256", "amount")],
    }
    fields = ("token", "payer", "payee", "amount")
    terms = {"legs": [dict(zip(fields, leg)) for leg in swap], "validUntil": world.now_s, "memo": MEMO, "salt": 1}
    signable = message(engine, "Settlement", structs, terms)
    consents = [(ALICE, sign(signable, ALICE_KEY)), (BOB, sign(signable, BOB_KEY))]
    done = world.call(ERIN, engine, "settleNow", swap, world.now_s, MEMO, 1, consents)
    yield "SettlementEngine", "settleNow, 2 legs, 2 signatures", done


def fx_desk() -> Iterator[Row]:
    """Yield the calls of a bank and its customer."""
    world, desk = with_allowances("FxDesk")
    approve(world, world.token(CNY), desk)
    quote = Quote(valid_until=world.now_s)
    done = world.call(BOB, desk, "take", quote.values, 7_800, quote.sign(desk))
    yield "FxDesk", "take", done
    yield "FxDesk", "cancelQuote", world.call(ALICE, desk, "cancelQuote", 5)
    yield "FxDesk", "cancelQuotesBelow", world.call(ALICE, desk, "cancelQuotesBelow", 9)


def council() -> Iterator[Row]:
    """Yield a payment by two of three members, within a limit."""
    world = new_world()
    contract = world.deploy(load("Council"), tuple(sorted((ALICE, BOB, CAROL))), 2, 0)
    euro = world.token(EUR)
    world.call(ALICE, euro, "transfer", contract.address, 10_000)
    calls = [(EUR, encode_call(euro.interface.function("transfer"), ERIN, 1_000))]
    yield "Council", "propose, one call", world.call(ALICE, contract, "propose", calls, world.now_s + 100, MEMO)
    yield "Council", "approve, the last", world.call(BOB, contract, "approve", 1)
    yield "Council", "execute", world.call(ALICE, contract, "execute", 1, calls)


def mandate() -> Iterator[Row]:
    """Yield a monthly subscription, and three months caught up on."""
    world, contract = with_allowances("Mandate")
    terms = (500, 500, 2, 1, 2, 0, world.now_s + 300 * 86_400)
    for _ in range(2):
        done = world.call(ALICE, contract, "grant", BOB, EUR, terms, MEMO)
    yield "Mandate", "grant", done
    yield "Mandate", "collect, in the first month", world.call(BOB, contract, "collect", 1, 500, MEMO)
    world.advance(100 * 86_400)
    yield "Mandate", "collect, two months open besides", world.call(BOB, contract, "collect", 1, 500, MEMO)
    yield "Mandate", "revoke", world.call(ALICE, contract, "revoke", 2)


def purpose_bound() -> Iterator[Row]:
    """Yield a subsidy for one and for a hundred households."""
    world, purpose = with_allowances("PurposeBound")
    times = (world.now_s, world.now_s + 100)
    done = world.call(ALICE, purpose, "createProgramme", EUR, (CAROL,), 600, *times, MEMO)
    yield "PurposeBound", "createProgramme, 1 payee", done
    yield "PurposeBound", "issue, 1 beneficiary", world.call(ALICE, purpose, "issue", 1, (BOB,), (900,))
    people = [Address(bytes((1, number)) * 10) for number in range(100)]
    done = world.call(ALICE, purpose, "issue", 1, people, (50,) * 100)
    yield "PurposeBound", "issue, 100 beneficiaries", done
    yield "PurposeBound", "spend", world.call(BOB, purpose, "spend", 1, CAROL, 600, MEMO)
    world.advance(101)
    yield "PurposeBound", "reclaim, 100 beneficiaries", world.call(ERIN, purpose, "reclaim", 1, people)


def bond_token() -> Iterator[Row]:
    """Yield a bond's life."""
    world = new_world()
    terms = ("Bond", "BOND", EUR, ALICE, ERIN, 1_000, 100, world.now_s + 10)
    bond = world.deploy(load("BondToken"), *terms)
    approve(world, world.token(EUR), bond, [ALICE])
    world.call(ERIN, bond, "admit", BOB, True)
    yield "BondToken", "transfer", world.call(ALICE, bond, "transfer", BOB, 60)
    yield "BondToken", "payCoupon", world.call(ALICE, bond, "payCoupon", 25, MEMO)
    yield "BondToken", "transfer, with a coupon since the last", world.call(ALICE, bond, "transfer", BOB, 10)
    yield "BondToken", "collect", world.call(BOB, bond, "collect", BOB)
    world.advance(10)
    yield "BondToken", "payRedemption", world.call(ALICE, bond, "payRedemption")
    yield "BondToken", "redeem", world.call(BOB, bond, "redeem", BOB)


def prepaid() -> Iterator[Row]:
    """Yield a card's life."""
    world, contract = with_allowances("Prepaid")
    world.call(ALICE, contract, "createProgramme", EUR, ERIN, 15, 100, MEMO)
    world.call(ALICE, contract, "addMerchants", 1, (CAROL,))
    yield "Prepaid", "loadCard", world.call(BOB, contract, "loadCard", 1, BOB, 5_000)
    yield "Prepaid", "pay", world.call(BOB, contract, "pay", 1, CAROL, 2_000, MEMO)
    world.advance(101)
    yield "Prepaid", "refund", world.call(ERIN, contract, "refund", 1, BOB)


def interbank_transfer() -> Iterator[Row]:
    """Yield payments between customers of two banks."""
    world = new_world()
    interbank = world.deploy(load("InterbankTransfer"), EUR)
    for bank, deposit in ((ALICE, CNY), (BOB, CHF)):
        prepare_bank(world, interbank, bank, deposit)
        world.call(bank, interbank, "join", deposit, 5_000)
    approve(world, world.token(EUR), interbank)
    approve(world, world.token(CNY), interbank)
    yield "InterbankTransfer", "pay", world.call(CAROL, interbank, "pay", ALICE, BOB, ERIN, 700, MEMO)
    for is_reserved in (False, True):
        expires_at = world.now_s + 100
        values = (ALICE, BOB, ERIN, 700, is_reserved, expires_at, MEMO)
        done = world.call(CAROL, interbank, "request", *values)
        yield "InterbankTransfer", "request, reserved" if is_reserved else "request", done
        yield "InterbankTransfer", "accept", world.call(BOB, interbank, "accept", done.value)


SCENARIOS: tuple[Callable[[], Iterator[Row]], ...] = (
    hashed_timelock,
    escrow,
    settlement_engine,
    fx_desk,
    council,
    mandate,
    purpose_bound,
    bond_token,
    prepaid,
    interbank_transfer,
    withdrawal,
)


def grouped(number: int) -> str:
    """Return a number with a space between groups of three digits."""
    return f"{number:,}".replace(",", " ")


def page() -> str:
    """Return the page."""
    rows = [
        f"| {contract} | {call} | {grouped(done.gas_used)} | {grouped(done.work_used)} |"
        for scenario in SCENARIOS
        for contract, call, done in scenario()
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
