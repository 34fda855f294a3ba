"""Freezing an amount and forced transfers (ERC-7943), each with what it refuses."""

import pytest

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.addresses import POLICY_REGISTRY
from contracts.layout import FROZEN_ACCOUNTS_OFFSET_BITS, UINT256_MAX, CurrencySlots
from contracts.native.currency import CURRENCY
from contracts.native.roles import ENFORCER_ROLE, FREEZER_ROLE, LIMIT_ROLE, POLICY_ROLE
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    EUR,
    ISSUER,
    JPY,
    MEMO,
    PAUSER,
    Ledger,
    Outcome,
    account,
    text,
)

FREEZER, ENFORCER, COURT = account(20), account(21), account(22)


@pytest.fixture
def ledger() -> Ledger:
    """Return a ledger whose euro has a freezer, an enforcer, and an admin of policies and limits."""
    made = Ledger()
    for role, holder in (
        (FREEZER_ROLE, FREEZER),
        (ENFORCER_ROLE, ENFORCER),
        (POLICY_ROLE, ADMIN),
        (LIMIT_ROLE, ADMIN),
    ):
        assert made.call(ADMIN, EUR, "grantRole", role, holder).error is None
    return made


def freeze(ledger: Ledger, owner: Address, amount: int) -> Outcome:
    outcome = ledger.call(FREEZER, EUR, "setFrozenTokens", owner, amount)
    assert outcome.error is None
    return outcome


def seize(ledger: Ledger, amount: int, to: Address = COURT) -> Outcome:
    return ledger.call(ENFORCER, EUR, "forcedTransfer", ALICE, to, amount)


def may(ledger: Ledger, sender: Address, to: Address, amount: int) -> AbiValue:
    return ledger.read(EUR, "canTransfer", sender, to, amount)


def frozen_accounts(ledger: Ledger) -> int:
    return ledger.storage[EUR][CurrencySlots.FLAGS] >> FROZEN_ACCOUNTS_OFFSET_BITS


def refused(amount: int, unfrozen: int) -> str:
    return f"ERC7943InsufficientUnfrozenBalance(account={text(ALICE)}, amount={amount}, unfrozen={unfrozen})"


def test_the_interface_is_the_published_one() -> None:
    number = 0
    for signature in (
        "forcedTransfer(address,address,uint256)",
        "setFrozenTokens(address,uint256)",
        "canSend(address)",
        "canReceive(address)",
        "getFrozenTokens(address)",
        "canTransfer(address,address,uint256)",
    ):
        selector = keccak256(signature.encode())[:4]
        assert selector in CURRENCY.functions, signature
        number ^= int.from_bytes(selector, "big")
    assert number == 0x3EDBB4C4
    assert Ledger().read(EUR, "supportsInterface", bytes.fromhex("3edbb4c4")) is True


def test_roles_of_enforcement_are_the_hashes_of_their_names() -> None:
    for name in ("FREEZER_ROLE", "ENFORCER_ROLE", "ATTESTOR_ROLE"):
        assert Ledger().read(EUR, name) == keccak256(name.encode())


def test_a_freezer_sets_what_is_frozen_and_nobody_else_does(ledger: Ledger) -> None:
    outcome = freeze(ledger, ALICE, 60_000)
    assert outcome.values == (True,)
    assert outcome.events == [f"Frozen(account={text(ALICE)}, amount=60000)"]
    assert ledger.read(EUR, "getFrozenTokens", ALICE) == 60_000
    assert ledger.read(JPY, "getFrozenTokens", ALICE) == 0
    error = ledger.call(ENFORCER, EUR, "setFrozenTokens", ALICE, 0).error
    assert error == f"AccessControlUnauthorizedAccount(account={text(ENFORCER)}, neededRole=0x{FREEZER_ROLE.hex()})"


def test_what_is_not_frozen_moves_to_the_last_unit_and_no_further(ledger: Ledger) -> None:
    freeze(ledger, ALICE, 60_000)
    assert ledger.call(ALICE, EUR, "transfer", BOB, 40_001).error == refused(40_001, 40_000)
    assert ledger.call(ALICE, EUR, "transfer", BOB, 40_000).error is None
    assert ledger.call(ALICE, EUR, "transfer", BOB, 1).error == refused(1, 0)
    assert ledger.call(ALICE, EUR, "transfer", BOB, 0).error is None
    assert ledger.call(CAROL, EUR, "positionOf", ALICE).values == (60_000, 0, 60_000, 0, 0)


def test_more_than_the_balance_is_a_matter_of_balance_not_of_freezing(ledger: Ledger) -> None:
    freeze(ledger, ALICE, 60_000)
    assert "ERC20InsufficientBalance" in str(ledger.call(ALICE, EUR, "transfer", BOB, 100_001).error)


def test_a_frozen_amount_stops_a_spender_too_and_other_accounts_not(ledger: Ledger) -> None:
    ledger.call(ALICE, EUR, "approve", BOB, UINT256_MAX)
    freeze(ledger, ALICE, 100_000)
    assert ledger.call(BOB, EUR, "transferFrom", ALICE, CAROL, 1).error == refused(1, 0)
    assert ledger.call(ISSUER, EUR, "transfer", CAROL, 5_000).error is None


def test_an_issuer_burns_only_what_is_not_frozen(ledger: Ledger) -> None:
    freeze(ledger, ISSUER, 1)
    assert "ERC7943InsufficientUnfrozenBalance" in str(ledger.call(ISSUER, EUR, "burn", 5_000, MEMO).error)
    assert ledger.call(ISSUER, EUR, "burn", 4_999, MEMO).error is None


def test_freezing_more_than_the_balance_withholds_what_will_come(ledger: Ledger) -> None:
    freeze(ledger, BOB, UINT256_MAX)
    ledger.call(ALICE, EUR, "transfer", BOB, 10)
    assert ledger.read(EUR, "balanceOf", BOB) == 10
    assert "unfrozen=0" in str(ledger.call(BOB, EUR, "transfer", ALICE, 1).error)
    freeze(ledger, BOB, 9)
    assert ledger.call(BOB, EUR, "transfer", ALICE, 1).error is None


def test_frozen_accounts_are_counted_so_that_other_currencies_read_nothing_more(ledger: Ledger) -> None:
    counts = []
    for owner, amount in ((ALICE, 5), (ALICE, 6), (BOB, 1), (ALICE, 0), (ALICE, 0), (BOB, 0)):
        freeze(ledger, owner, amount)
        counts.append(frozen_accounts(ledger))
    assert counts == [1, 1, 2, 1, 1, 0]


def test_a_pause_does_not_stop_freezing_and_stops_forced_transfers(ledger: Ledger) -> None:
    ledger.call(PAUSER, EUR, "pause")
    freeze(ledger, ALICE, 1)
    assert ledger.read(EUR, "paused") is True
    assert seize(ledger, 1).error == "EnforcedPause()"


def test_an_enforcer_moves_what_is_free_and_leaves_what_is_frozen(ledger: Ledger) -> None:
    freeze(ledger, ALICE, 60_000)
    outcome = seize(ledger, 40_000)
    assert outcome.values == (True,)
    pair = f"from={text(ALICE)}, to={text(COURT)}"
    assert outcome.events == [f"Transfer({pair}, value=40000)", f"ForcedTransfer({pair}, amount=40000)"]
    assert (ledger.read(EUR, "balanceOf", ALICE), ledger.read(EUR, "balanceOf", COURT)) == (60_000, 40_000)


def test_a_forced_transfer_unfreezes_what_it_takes_before_it_takes_it(ledger: Ledger) -> None:
    freeze(ledger, ALICE, 60_000)
    outcome = seize(ledger, 40_001)
    assert outcome.events[0] == f"Frozen(account={text(ALICE)}, amount=59999)"
    assert outcome.events[1].startswith("Transfer(")
    assert ledger.read(EUR, "getFrozenTokens", ALICE) == 59_999
    assert frozen_accounts(ledger) == 1
    seize(ledger, 59_999)
    assert frozen_accounts(ledger) == 0


def test_taking_nothing_unfreezes_nothing(ledger: Ledger) -> None:
    freeze(ledger, ALICE, 200_000)
    assert len(seize(ledger, 0).events) == 2
    assert ledger.read(EUR, "getFrozenTokens", ALICE) == 200_000


def test_only_an_enforcer_forces_and_only_what_is_there(ledger: Ledger) -> None:
    error = ledger.call(FREEZER, EUR, "forcedTransfer", ALICE, COURT, 1).error
    assert error == f"AccessControlUnauthorizedAccount(account={text(FREEZER)}, neededRole=0x{ENFORCER_ROLE.hex()})"
    assert "ERC20InsufficientBalance" in str(seize(ledger, 100_001).error)
    assert seize(ledger, 100_000).error is None


@pytest.mark.parametrize("to", [ZERO_ADDRESS, EUR, ALICE])
def test_nobody_is_forced_to_pay_a_place_that_cannot_receive_or_itself(ledger: Ledger, to: Address) -> None:
    assert seize(ledger, 1, to).error == f"ERC20InvalidReceiver(receiver={text(to)})"


def test_a_forced_transfer_passes_over_the_payers_policy_and_asks_the_recipients(ledger: Ledger) -> None:
    ledger.call(ADMIN, POLICY_REGISTRY, "createPolicy", 2, ADMIN)
    ledger.call(ADMIN, POLICY_REGISTRY, "modify", 2, [ALICE, BOB], True)
    assert ledger.call(ADMIN, EUR, "setTransferPolicyId", 2).error is None
    assert seize(ledger, 1, BOB).error == f"ERC7943CannotReceive(account={text(BOB)})"
    assert seize(ledger, 1).error is None


def test_eligibility_follows_the_policy(ledger: Ledger) -> None:
    ledger.call(ADMIN, POLICY_REGISTRY, "createPolicy", 2, ADMIN)
    ledger.call(ADMIN, POLICY_REGISTRY, "modify", 2, [BOB], True)
    assert [ledger.read(EUR, name, BOB) for name in ("canSend", "canReceive")] == [True, True]
    assert may(ledger, ALICE, BOB, 1) is True
    ledger.call(ADMIN, EUR, "setTransferPolicyId", 2)
    assert [ledger.read(EUR, name, BOB) for name in ("canSend", "canReceive")] == [False, False]
    assert [may(ledger, ALICE, BOB, 1), may(ledger, BOB, ALICE, 0), may(ledger, ALICE, CAROL, 1)] == [
        False,
        False,
        True,
    ]


def test_zero_sends_and_receives_nothing_and_a_system_address_receives_nothing(ledger: Ledger) -> None:
    for name, who in (("canSend", ZERO_ADDRESS), ("canReceive", ZERO_ADDRESS), ("canReceive", EUR)):
        assert ledger.read(EUR, name, who) is False
    assert may(ledger, ALICE, ZERO_ADDRESS, 0) is False
    assert may(ledger, ZERO_ADDRESS, BOB, 0) is False


def test_a_transfer_is_possible_while_it_takes_nothing_frozen(ledger: Ledger) -> None:
    assert may(ledger, ALICE, BOB, 100_001) is True, "the balance is the token's own check"
    freeze(ledger, ALICE, 60_000)
    assert [may(ledger, ALICE, BOB, amount) for amount in (40_000, 40_001, UINT256_MAX)] == [True, False, False]


def test_no_transfer_is_possible_during_a_pause_or_above_a_limit(ledger: Ledger) -> None:
    ledger.call(ADMIN, EUR, "setTierLimits", 255, 10, 0, 0, 0)
    ledger.call(ADMIN, EUR, "setLimitsEnabled", True)
    assert [may(ledger, ALICE, BOB, amount) for amount in (10, 11)] == [True, False]
    ledger.call(PAUSER, EUR, "pause")
    assert may(ledger, ALICE, BOB, 1) is False
    assert ledger.read(EUR, "canSend", ALICE) is True
