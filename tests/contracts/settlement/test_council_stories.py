"""Council against a bookkeeper: in no random story money leaves without members and time, or within the limit."""

from dataclasses import dataclass, field
from functools import cache

from hypothesis import given, settings

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from tests.contracts.settlement.stories import STORIES, Refused, agree, recent, steps_of
from tests.contracts.settlement.test_council import (
    CANCELLED,
    DAY_S,
    DELAY_S,
    EXECUTED,
    FUNDS,
    MEMBERS,
    OPEN,
    Calls,
    pay,
    with_limit,
)
from tests.contracts.settlement.tokens import wealth
from tests.contracts.settlement.world import (
    ERIN,
    EUR,
    MEMO,
    Contract,
    World,
)


@dataclass
class ModelProposal:
    """A proposal as the bookkeeper has it."""

    proposer: Address
    calls: Calls
    amount: int
    expires_at: int
    approvals: set[Address] = field(default_factory=set)
    approved_at: int = 0
    state: int = OPEN


class Story:
    """One random story of payments, with a limit of 100 a day."""

    def __init__(self) -> None:
        frozen, self.council = _story_beginning()
        self.world = frozen.copy()
        self.proposals: list[ModelProposal] = []
        self.spent: dict[int, int] = {}
        self.paid = 0

    def approve(self, chosen: ModelProposal, who: Address) -> None:
        chosen.approvals.add(who)
        if len(chosen.approvals) == 2:
            chosen.approved_at = self.world.now_s

    def propose(self, who: Address, number: int) -> None:
        calls = [pay(self.world, number), pay(self.world, number // 2)]
        expires_at = self.world.now_s + DELAY_S + 1 + number * 3_000

        def modelled() -> None:
            if who not in MEMBERS:
                raise Refused("CallerIsNoMember")
            self.proposals.append(ModelProposal(who, calls, number + number // 2, expires_at))
            self.approve(self.proposals[-1], who)

        agree(lambda: self.world.call(who, self.council, "propose", calls, expires_at, MEMO), modelled)

    def act(self, name: str, who: Address, number: int) -> None:
        if not self.proposals:
            return
        index = recent(number, len(self.proposals))
        chosen = self.proposals[index]
        # The first proposal set the limit.
        proposal_id = index + 2

        def modelled() -> None:
            if name != "cancel" and who not in MEMBERS:
                raise Refused("CallerIsNoMember")
            if chosen.state != OPEN:
                raise Refused("ProposalEnded")
            if name != "cancel" and self.world.now_s > chosen.expires_at:
                raise Refused("ProposalExpired")
            self.decide(name, chosen, who)

        values: tuple[AbiValue, ...] = (proposal_id, chosen.calls) if name == "execute" else (proposal_id,)
        agree(lambda: self.world.call(who, self.council, name, *values), modelled)

    def decide(self, name: str, chosen: ModelProposal, who: Address) -> None:
        match name:
            case "approve":
                if who in chosen.approvals:
                    raise Refused("AlreadyApproved")
                self.approve(chosen, who)
            case "revoke":
                if who not in chosen.approvals:
                    raise Refused("NotApproved")
                chosen.approvals.remove(who)
            case "cancel":
                if who != chosen.proposer:
                    raise Refused("CallerIsNotProposer")
                chosen.state = CANCELLED
            case "execute":
                self.execute(chosen)

    def execute(self, chosen: ModelProposal) -> None:
        if len(chosen.approvals) < 2:
            raise Refused("ApprovalsMissing")
        is_early = self.world.now_s < chosen.approved_at + DELAY_S
        day = self.world.now_s // DAY_S
        if is_early and self.spent.get(day, 0) + chosen.amount > 100:
            raise Refused("DelayNotPassed")
        if self.paid + chosen.amount > FUNDS:
            raise Refused("ERC20InsufficientBalance")
        if is_early:
            self.spent[day] = self.spent.get(day, 0) + chosen.amount
        self.paid += chosen.amount
        chosen.state = EXECUTED

    def step(self, action: str, who: Address, number: int) -> None:
        if action == "propose":
            self.propose(who, number)
        elif action == "wait":
            self.world.advance(number * 2_000)
        else:
            self.act(action, who, number)
        euro = self.world.token(EUR)
        assert wealth(self.world, euro, [ERIN, self.council.address]) == [self.paid, FUNDS - self.paid]


@cache
def _story_beginning() -> tuple[World, Contract]:
    world, council, _ = with_limit()
    return world.freeze(), council


STEPS = steps_of(
    ["propose"] * 3 + ["approve"] * 5 + ["execute"] * 5 + ["revoke", "cancel", "wait", "wait"],
    [*MEMBERS, *MEMBERS, ERIN],
    range(101),
)


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_money_leaves_without_two_members_and_the_delay_or_the_limit(
    steps: list[tuple[str, Address, int]],
) -> None:
    story = Story()
    for step in steps:
        story.step(*step)
