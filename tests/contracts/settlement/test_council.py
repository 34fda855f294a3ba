"""Council: nothing without enough members, nothing large without time to think, and no way around either."""

from collections.abc import Sequence
from functools import cache

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.addresses import PROTOCOL_CONFIG
from contracts.declarations import encode_call
from contracts.loader import load
from tests.contracts.settlement.tokens import deploy_token
from tests.contracts.settlement.world import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    EUR,
    MEMO,
    NO_MEMO,
    Contract,
    Done,
    Reverted,
    World,
    new_world,
)

OPEN, EXECUTED, CANCELLED = 1, 2, 3
DAY_S = 86_400
DELAY_S = 2 * DAY_S
YEAR_S = 366 * DAY_S
MEMBERS: tuple[Address, ...] = tuple(sorted((ALICE, BOB, CAROL)))
FUNDS = 10_000
AGREED = bytes.fromhex("1626ba7e")

Calls = Sequence[tuple[Address, bytes]]


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    council = world.deploy(load("Council"), MEMBERS, 2, DELAY_S)
    token = deploy_token(world)
    world.call(ALICE, world.token(EUR), "transfer", council.address, FUNDS)
    world.call(DAVE, token, "give", council.address, FUNDS)
    return world.freeze(), council, token


def beginning() -> tuple[World, Contract, Contract]:
    """Return a council of three, two of whom decide, with two days' delay and money."""
    world, council, token = _beginning()
    return world.copy(), council, token


def of(contract: Contract, name: str, *values: AbiValue) -> tuple[Address, bytes]:
    """Return a call that a proposal makes."""
    return contract.address, encode_call(contract.interface.function(name), *values)


def propose(world: World, council: Contract, calls: Calls, *, who: Address = ALICE, seconds: int = 10 * DAY_S) -> Done:
    return world.call(who, council, "propose", calls, world.now_s + seconds, MEMO)


def decide(world: World, council: Contract, *calls: tuple[Address, bytes], wait: int = DELAY_S) -> Done:
    """Let Alice propose, Bob approve, time pass and Alice execute."""
    proposal_id = propose(world, council, calls).value
    world.call(BOB, council, "approve", proposal_id)
    world.advance(wait)
    return world.call(ALICE, council, "execute", proposal_id, calls)


def pay(world: World, amount: int, to: Address = ERIN) -> tuple[Address, bytes]:
    return of(world.token(EUR), "transfer", to, amount)


def paid(world: World) -> int:
    return world.balance(world.token(EUR), ERIN)


# Decisions.


def test_a_decision_needs_enough_approvals_and_the_delay() -> None:
    world, council, _ = beginning()
    calls = [pay(world, 700)]
    done = propose(world, council, calls)
    (proposed,) = done.named("Proposed")
    assert (proposed["proposer"], proposed["calls"], proposed["memo"]) == (ALICE, tuple(calls), MEMO)
    assert done.named("Approved") == [{"proposalId": 1, "member": ALICE, "readyAt": 0}]
    with pytest.raises(Reverted, match=r"ApprovalsMissing\(proposalId=1, approvals=1, threshold=2\)"):
        world.call(ALICE, council, "execute", 1, calls)
    ready_at = world.now_s + DELAY_S
    done = world.call(CAROL, council, "approve", 1)
    assert done.named("Approved") == [{"proposalId": 1, "member": CAROL, "readyAt": ready_at}]
    world.advance(DELAY_S - 1)
    with pytest.raises(Reverted, match=rf"DelayNotPassed\(proposalId=1, readyAt={ready_at}, now={ready_at - 1}\)"):
        world.call(ALICE, council, "execute", 1, calls)
    world.advance(1)
    assert world.call(BOB, council, "execute", 1, calls).named("Executed") == [{"proposalId": 1, "member": BOB}]
    assert paid(world) == 700


def test_a_third_approval_neither_hurts_nor_delays() -> None:
    world, council, _ = beginning()
    calls = [pay(world, 1)]
    propose(world, council, calls)
    world.call(BOB, council, "approve", 1)
    ready_at = world.now_s + DELAY_S
    world.advance(DELAY_S)
    done = world.call(CAROL, council, "approve", 1)
    assert done.named("Approved") == [{"proposalId": 1, "member": CAROL, "readyAt": ready_at}]
    world.call(CAROL, council, "execute", 1, calls)
    assert [world.read(council, "hasApproved", 1, who) for who in (*MEMBERS, ERIN)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("propose", ([], 0, MEMO)),
        ("approve", (1,)),
        ("revoke", (1,)),
        ("execute", (1, [])),
    ],
)
def test_strangers_take_no_part(name: str, values: tuple[AbiValue, ...]) -> None:
    world, council, _ = beginning()
    propose(world, council, [pay(world, 1)])
    with pytest.raises(Reverted, match=r"CallerIsNoMember\(caller=erin\)"):
        world.call(ERIN, council, name, *values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("setMembers", ((ALICE,), 1)),
        ("setDelay", (0,)),
        ("setLimit", (EUR, 1, 1)),
        ("agreeTo", (MEMO, 2**64 - 1)),
    ],
)
def test_only_the_council_changes_itself(name: str, values: tuple[AbiValue, ...]) -> None:
    world, council, _ = beginning()
    for caller in (ALICE, ERIN):
        with pytest.raises(Reverted, match="CallerIsNotCouncil"):
            world.call(caller, council, name, *values)
    decide(world, council, of(council, name, *values))


def test_an_approval_counts_once_and_can_be_taken_back() -> None:
    world, council, _ = beginning()
    calls = [pay(world, 1)]
    propose(world, council, calls)
    with pytest.raises(Reverted, match=r"AlreadyApproved\(proposalId=1, member=alice\)"):
        world.call(ALICE, council, "approve", 1)
    with pytest.raises(Reverted, match=r"NotApproved\(proposalId=1, member=bob\)"):
        world.call(BOB, council, "revoke", 1)
    world.call(BOB, council, "approve", 1)
    world.advance(DELAY_S)
    done = world.call(ALICE, council, "revoke", 1)
    assert done.named("ApprovalRevoked") == [{"proposalId": 1, "member": ALICE}]
    with pytest.raises(Reverted, match=r"ApprovalsMissing\(proposalId=1, approvals=1, threshold=2\)"):
        world.call(BOB, council, "execute", 1, calls)
    world.call(ALICE, council, "approve", 1)
    with pytest.raises(Reverted, match="DelayNotPassed"):
        world.call(BOB, council, "execute", 1, calls)
    world.advance(DELAY_S)
    world.call(BOB, council, "execute", 1, calls)


def test_a_revoked_approval_beyond_the_threshold_does_not_restart_the_delay() -> None:
    world, council, _ = beginning()
    calls = [pay(world, 1)]
    propose(world, council, calls)
    world.call(BOB, council, "approve", 1)
    world.call(CAROL, council, "approve", 1)
    world.advance(DELAY_S)
    world.call(CAROL, council, "revoke", 1)
    world.call(ALICE, council, "execute", 1, calls)


def test_the_calls_executed_are_those_approved() -> None:
    world, council, _ = beginning()
    propose(world, council, [pay(world, 1)])
    world.call(BOB, council, "approve", 1)
    world.advance(DELAY_S)
    for other in ([pay(world, 2)], [pay(world, 1, BOB)], [pay(world, 1)] * 2, []):
        with pytest.raises(Reverted, match=r"OtherCalls\(proposalId=1\)"):
            world.call(ALICE, council, "execute", 1, other)


def test_a_batch_is_all_or_nothing_and_the_reason_comes_through() -> None:
    world, council, token = beginning()
    with pytest.raises(Reverted, match=rf"ERC20InsufficientBalance\(.*balance={FUNDS - 5}, needed={FUNDS}\)"):
        decide(world, council, pay(world, 5), pay(world, FUNDS))
    assert paid(world) == 0
    decide(world, council, pay(world, 5), of(token, "transfer", ERIN, 6))
    assert (paid(world), world.balance(token, ERIN)) == (5, 6)


def test_only_the_proposer_cancels_and_nothing_revives() -> None:
    world, council, _ = beginning()
    calls = [pay(world, 1)]
    propose(world, council, calls)
    for other in (BOB, ERIN):
        with pytest.raises(Reverted, match=r"CallerIsNotProposer\(caller=\w+, proposer=alice\)"):
            world.call(other, council, "cancel", 1)
    assert world.call(ALICE, council, "cancel", 1).named("Cancelled") == [{"proposalId": 1}]
    for name, values in (("approve", [1]), ("revoke", [1]), ("cancel", [1]), ("execute", [1, calls])):
        with pytest.raises(Reverted, match=rf"ProposalEnded\(proposalId=1, state={CANCELLED}\)"):
            world.call(ALICE, council, name, *values)


def test_a_decision_is_executed_once() -> None:
    world, council, _ = beginning()
    calls = [pay(world, 1)]
    decide(world, council, *calls)
    with pytest.raises(Reverted, match=rf"ProposalEnded\(proposalId=1, state={EXECUTED}\)"):
        world.call(ALICE, council, "execute", 1, calls)


def test_a_proposal_can_be_executed_in_its_last_second_and_not_in_the_next() -> None:
    world, council, _ = beginning()
    calls = [pay(world, 1)]
    for _ in range(2):
        propose(world, council, calls, seconds=3 * DAY_S)
    for proposal_id in (1, 2):
        world.call(BOB, council, "approve", proposal_id)
    world.advance(3 * DAY_S)
    world.call(ALICE, council, "execute", 1, calls)
    world.advance(1)
    for name, values in (("approve", [2]), ("revoke", [2]), ("execute", [2, calls])):
        with pytest.raises(Reverted, match=r"ProposalExpired\(proposalId=2, expiresAt=\d+, now=\d+\)"):
            world.call(ALICE, council, name, *values)
    world.call(ALICE, council, "cancel", 2)


@pytest.mark.parametrize(
    ("seconds", "is_accepted"), [(DELAY_S, False), (DELAY_S + 1, True), (YEAR_S, True), (YEAR_S + 1, False)]
)
def test_an_expiry_leaves_time_for_the_delay(seconds: int, is_accepted: bool) -> None:
    world, council, _ = beginning()
    if is_accepted:
        propose(world, council, [pay(world, 1)], seconds=seconds)
    else:
        with pytest.raises(Reverted, match=rf"InvalidExpiry\(.*latest={world.now_s + YEAR_S}\)"):
            propose(world, council, [pay(world, 1)], seconds=seconds)


def test_a_proposal_calls_something_that_is_there() -> None:
    world, council, _ = beginning()
    with pytest.raises(Reverted, match=r"NoCalls\(\)"):
        propose(world, council, [])
    with pytest.raises(Reverted, match=r"TargetHasNoCode\(target=erin\)"):
        propose(world, council, [pay(world, 1), (ERIN, b"")])
    with pytest.raises(Reverted, match="unnamed revert"):
        propose(world, council, [pay(world, 1)] * 9)


@pytest.mark.parametrize("name", ["approve", "revoke", "cancel", "execute", "proposalOf"])
def test_a_number_nobody_gave_out_is_refused(name: str) -> None:
    world, council, _ = beginning()
    with pytest.raises(Reverted, match=r"UnknownProposal\(proposalId=7\)"):
        world.call(ALICE, council, name, 7, *([[]] if name == "execute" else []))


def test_a_target_cannot_call_back_into_the_council_that_calls_it() -> None:
    world, council, token = beginning()
    calls = [of(token, "transfer", ERIN, 6)]
    again = encode_call(council.interface.function("execute"), 1, calls)
    world.call(DAVE, token, "callBack", council.address, again)
    decide(world, council, *calls)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")
    assert world.balance(token, ERIN) == 6


# Members.


def test_the_council_says_who_decides() -> None:
    world, council, _ = beginning()
    assert world.call(ERIN, council, "councilOf").values == (MEMBERS, 2, DELAY_S)
    assert world.call(ERIN, council, "limitOf", EUR).values == (0, 0, 0)


@pytest.mark.parametrize(
    ("members", "threshold"),
    [
        ((), 0),
        ((), 1),
        (MEMBERS, 0),
        (MEMBERS, 4),
        (MEMBERS[::-1], 2),
        ((MEMBERS[0], MEMBERS[0]), 1),
        ((ZERO_ADDRESS, MEMBERS[0]), 1),
    ],
)
def test_members_that_could_not_decide_are_refused(members: tuple[Address, ...], threshold: int) -> None:
    world, council, _ = beginning()
    with pytest.raises(Reverted, match=r"InvalidMembers\(\)"):
        world.deploy(load("Council"), members, threshold, DELAY_S)
    with pytest.raises(Reverted, match=r"InvalidMembers\(\)"):
        decide(world, council, of(council, "setMembers", members, threshold))
    assert world.call(ERIN, council, "councilOf").values == (MEMBERS, 2, DELAY_S)


def test_the_council_is_no_member_of_itself() -> None:
    world, council, _ = beginning()
    with pytest.raises(Reverted, match=r"InvalidMembers\(\)"):
        decide(world, council, of(council, "setMembers", tuple(sorted((council.address, ALICE))), 1))


def test_new_members_decide_and_what_the_old_ones_approved_has_ended() -> None:
    world, council, _ = beginning()
    calls = [pay(world, 1)]
    propose(world, council, calls)
    world.call(BOB, council, "approve", 1)
    done = decide(world, council, of(council, "setMembers", tuple(sorted((DAVE, ERIN))), 1))
    assert done.named("MembersChanged") == [{"members": tuple(sorted((DAVE, ERIN))), "threshold": 1}]
    for name, values in (("approve", [1]), ("revoke", [1]), ("execute", [1, calls])):
        with pytest.raises(Reverted, match=r"CallerIsNoMember\(caller=alice\)"):
            world.call(ALICE, council, name, *values)
        with pytest.raises(Reverted, match=r"ProposalOutdated\(proposalId=1\)"):
            world.call(DAVE, council, name, *values)
    propose(world, council, calls, who=ERIN)
    world.advance(DELAY_S)
    world.call(DAVE, council, "execute", 3, calls)
    assert paid(world) == 1


def test_ninety_days_are_the_longest_delay() -> None:
    world, council, _ = beginning()
    longest = 90 * DAY_S
    with pytest.raises(Reverted, match=rf"InvalidDelay\(delaySeconds={longest + 1}, longest={longest}\)"):
        decide(world, council, of(council, "setDelay", longest + 1))
    done = decide(world, council, of(council, "setDelay", longest))
    assert done.named("DelayChanged") == [{"delaySeconds": longest}]


# Limits.


def with_limit(amount: int = 100) -> tuple[World, Contract, Contract]:
    """Return a council that may move so many euros a day at once; a day has just begun."""
    world, council, token = beginning()
    done = decide(world, council, of(council, "setLimit", EUR, amount, DAY_S))
    assert done.named("LimitChanged") == [{"target": EUR, "amount": amount, "windowSeconds": DAY_S}]
    world.advance(DAY_S - world.now_s % DAY_S)
    return world, council, token


@pytest.mark.parametrize("name", ["transfer", "approve", "transferWithMemo"])
@pytest.mark.parametrize(("amount", "is_at_once"), [(100, True), (101, False), (2**256 - 1, False)])
def test_what_is_within_the_limit_needs_no_delay(name: str, amount: int, is_at_once: bool) -> None:
    world, council, _ = with_limit()
    values = (ERIN, amount, MEMO) if name == "transferWithMemo" else (ERIN, amount)
    call = of(world.token(EUR), name, *values)
    if is_at_once:
        decide(world, council, call, wait=0)
        assert world.call(ERIN, council, "limitOf", EUR).values == (100, DAY_S, amount)
    else:
        with pytest.raises(Reverted, match="DelayNotPassed"):
            decide(world, council, call, wait=0)


def test_what_leaves_in_one_window_is_counted_together_and_a_new_window_begins_anew() -> None:
    world, council, _ = with_limit()
    decide(world, council, pay(world, 60), pay(world, 30), wait=0)
    with pytest.raises(Reverted, match="DelayNotPassed"):
        decide(world, council, pay(world, 5), pay(world, 6), wait=0)
    decide(world, council, pay(world, 10), wait=0)
    world.advance(DAY_S)
    assert world.call(ERIN, council, "limitOf", EUR).values == (100, DAY_S, 0)
    decide(world, council, pay(world, 100), wait=0)
    assert paid(world) == 200


def test_what_waited_for_the_delay_does_not_use_the_limit_up() -> None:
    world, council, _ = with_limit()
    decide(world, council, pay(world, 5_000))
    assert world.call(ERIN, council, "limitOf", EUR).values == (100, DAY_S, 0)


@pytest.mark.parametrize("position", [0, 1])
def test_one_call_beyond_the_limits_makes_the_whole_wait(position: int) -> None:
    world, council, token = with_limit()
    calls = [pay(world, 1)]
    calls.insert(position, of(token, "transfer", ERIN, 1))
    with pytest.raises(Reverted, match="DelayNotPassed"):
        decide(world, council, *calls, wait=0)
    assert world.call(ERIN, council, "limitOf", EUR).values == (100, DAY_S, 0)


def test_every_other_call_of_a_limited_target_and_every_change_of_the_council_waits() -> None:
    world, council, _ = with_limit(2**256 - 1)
    euro = world.token(EUR)
    for call in (
        of(euro, "transferFrom", ALICE, ERIN, 1),
        of(euro, "transferFromWithMemo", ALICE, ERIN, 1, NO_MEMO),
        (euro.address, encode_call(euro.interface.function("transfer"), ERIN, 1)[:67]),
        of(council, "setLimit", EUR, 1, 1),
        of(council, "setMembers", MEMBERS, 1),
    ):
        with pytest.raises(Reverted, match="DelayNotPassed"):
            decide(world, council, call, wait=0)


def test_two_approvals_are_needed_within_the_limit_too() -> None:
    world, council, _ = with_limit()
    calls = [pay(world, 1)]
    proposal_id = propose(world, council, calls).value
    with pytest.raises(Reverted, match="ApprovalsMissing"):
        world.call(ALICE, council, "execute", proposal_id, calls)


@pytest.mark.parametrize(("is_council", "window"), [(True, 1), (False, 0)])
def test_a_limit_on_the_council_or_without_a_window_is_refused(is_council: bool, window: int) -> None:
    world, council, _ = beginning()
    target = council.address if is_council else EUR
    with pytest.raises(Reverted, match=rf"InvalidLimit\(.*windowSeconds={window}\)"):
        decide(world, council, of(council, "setLimit", target, 1, window))


def test_a_lowered_limit_counts_what_has_left() -> None:
    world, council, _ = beginning()
    year = 365 * DAY_S
    decide(world, council, of(council, "setLimit", EUR, 50, year))
    world.advance(year - world.now_s % year)
    decide(world, council, pay(world, 50), wait=0)
    decide(world, council, of(council, "setLimit", EUR, 20, year))
    assert world.call(ERIN, council, "limitOf", EUR).values == (20, year, 50)
    with pytest.raises(Reverted, match="DelayNotPassed"):
        decide(world, council, pay(world, 1), wait=0)


# Signatures and the network.


def test_the_council_signs_for_other_contracts_until_it_takes_the_signature_back() -> None:
    world, council, _ = beginning()
    assert world.read(council, "isValidSignature", MEMO, b"") != AGREED
    until = world.now_s + 3 * DELAY_S
    done = decide(world, council, of(council, "agreeTo", MEMO, until))
    assert done.named("AgreementChanged") == [{"digest": MEMO, "validUntil": until}]
    assert world.read(council, "isValidSignature", MEMO, b"") == AGREED
    assert world.read(council, "isValidSignature", NO_MEMO, b"") != AGREED
    assert world.read(council, "isValidSignature", MEMO, b"\x01") != AGREED
    frozen = world.freeze()
    world = frozen.copy()
    world.advance(until - world.now_s)
    assert world.read(council, "isValidSignature", MEMO, b"") == AGREED
    world.advance(1)
    assert world.read(council, "isValidSignature", MEMO, b"") != AGREED
    world = frozen.copy()
    decide(world, council, of(council, "agreeTo", MEMO, 0))
    assert world.read(council, "isValidSignature", MEMO, b"") != AGREED


def test_the_council_settles_a_trade_by_its_own_signature() -> None:
    world, council, _ = beginning()
    engine = world.deploy(load("SettlementEngine"))
    legs = [(EUR, council.address, ERIN, 40)]
    terms = (legs, world.now_s + YEAR_S, MEMO, 1)
    digest = world.read(engine, "digestOf", *terms)
    settle = of(engine, "settleNow", *terms, [(council.address, b"")])
    decide(
        world,
        council,
        of(world.token(EUR), "approve", engine.address, 40),
        of(council, "agreeTo", digest, world.now_s + YEAR_S),
        settle,
    )
    assert paid(world) == 40


def test_the_council_governs_the_network() -> None:
    world, council, _ = beginning()
    config = world.native(PROTOCOL_CONFIG)
    world.call(DAVE, config, "beginGovernorTransfer", council.address)
    decide(world, council, of(config, "acceptGovernorTransfer"))
    assert world.read(config, "governor") == council.address
