"""The registry against a plain model of its rules, under any order of calls and epochs."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from contracts.native.validator_state import Status
from tests.contracts.native.registry import Registry, holder, operator

GENESIS_COUNT = 4
OPERATORS = GENESIS_COUNT + 4
"""Operators that act: the first four validate from the start."""

operators = st.integers(0, OPERATORS - 1)


@dataclass
class Entry:
    """What the model knows of one operator. A wish is its number among all wishes, 0 if there is none."""

    status: Status = Status.NONE
    is_approved_and_ready: bool = False
    join: int = 0
    suspend: int = 0
    leave: int = 0
    rotate: int = 0
    # Which keys it uses: 0 are those it was born with, others are used once.
    generation: int = 0
    next_generation: int = 0


@dataclass
class Model:
    """The rules again, told in the plainest way."""

    entries: list[Entry] = field(
        default_factory=lambda: [
            Entry(Status.VALIDATOR if n < GENESIS_COUNT else Status.NONE) for n in range(OPERATORS)
        ]
    )
    wishes: int = 0

    def wish(self) -> int:
        self.wishes += 1
        return self.wishes

    def validators(self) -> list[int]:
        return [number for number, entry in enumerate(self.entries) if entry.status is Status.VALIDATOR]

    def end_epoch(self) -> None:
        current = self.validators()
        turns = max(1, (len(current) - 1) // 3)
        wanted = sorted(
            (kind, wish, number)
            for number, entry in enumerate(self.entries)
            for kind, wish in enumerate((entry.suspend, entry.leave, entry.rotate, entry.join))
            if wish and (kind != 3 or entry.is_approved_and_ready)
        )
        changed: list[int] = []
        for kind, _, number in wanted:
            if turns == 0 or number in changed or (kind < 2 and len(self.validators()) == 1):
                continue
            entry = self.entries[number]
            if kind < 2:
                status = (Status.SUSPENDED, Status.FORMER)[kind]
                self.entries[number] = Entry(status, generation=entry.generation)
            elif kind == 2:
                entry.generation, entry.rotate = entry.next_generation, 0
            else:
                self.entries[number] = Entry(Status.VALIDATOR, generation=entry.generation)
            changed.append(number)
            turns -= 1


class RegistryMachine(RuleBasedStateMachine):
    """Every call is made to both; both must agree on whether it succeeds and on what is then so."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry(GENESIS_COUNT)
        self.model = Model()
        self.keys_used = 0

    def agree(self, error: str | None, is_allowed: bool) -> bool:
        assert (error is None) == is_allowed, error
        return is_allowed

    @rule(number=operators)
    def join(self, number: int) -> None:
        entry = self.model.entries[number]
        is_allowed = entry.status is Status.NONE
        if entry.status is not Status.FORMER and self.agree(self.registry.join(number).error, is_allowed):
            self.model.entries[number] = Entry(Status.APPLICANT, join=self.model.wish())

    @rule(number=operators)
    def cancel_join(self, number: int) -> None:
        is_allowed = self.model.entries[number].status in (Status.APPLICANT, Status.CANDIDATE)
        if self.agree(self.registry.does(operator(number), "cancelJoin").error, is_allowed):
            self.model.entries[number] = Entry()

    @rule(number=operators)
    def approve(self, number: int) -> None:
        entry = self.model.entries[number]
        if self.agree(self.registry.council("approve", operator(number)).error, entry.status is Status.APPLICANT):
            entry.status = Status.CANDIDATE

    @rule(number=operators)
    def reject(self, number: int) -> None:
        is_allowed = self.model.entries[number].status in (Status.APPLICANT, Status.CANDIDATE)
        if self.agree(self.registry.council("reject", operator(number)).error, is_allowed):
            self.model.entries[number] = Entry()

    @rule(number=operators)
    def ready(self, number: int) -> None:
        entry = self.model.entries[number]
        is_allowed = entry.status is Status.CANDIDATE and not entry.is_approved_and_ready
        if self.agree(self.registry.does(operator(number), "ready").error, is_allowed):
            entry.is_approved_and_ready = True

    @rule(number=operators)
    def rotate(self, number: int) -> None:
        entry = self.model.entries[number]
        is_allowed = entry.status in (Status.VALIDATOR, Status.SUSPENDED) and not entry.rotate
        self.keys_used += 1
        generation = 100 + self.keys_used
        if self.agree(self.registry.rotate(number, generation).error, is_allowed):
            if entry.status is Status.SUSPENDED:
                entry.generation = generation
            else:
                entry.next_generation, entry.rotate = generation, self.model.wish()

    @rule(number=operators)
    def cancel_rotation(self, number: int) -> None:
        entry = self.model.entries[number]
        if self.agree(self.registry.does(operator(number), "cancelRotation").error, entry.rotate != 0):
            entry.rotate = 0

    @rule(number=operators)
    def leave(self, number: int) -> None:
        entry = self.model.entries[number]
        is_allowed = entry.status in (Status.VALIDATOR, Status.SUSPENDED) and not entry.leave
        if self.agree(self.registry.does(operator(number), "requestLeave").error, is_allowed):
            if entry.status is Status.SUSPENDED:
                entry.status = Status.FORMER
            else:
                entry.leave = self.model.wish()

    @rule(number=operators)
    def cancel_leave(self, number: int) -> None:
        entry = self.model.entries[number]
        if self.agree(self.registry.does(operator(number), "cancelLeave").error, entry.leave != 0):
            entry.leave = 0

    @rule(number=operators)
    def suspend(self, number: int) -> None:
        entry = self.model.entries[number]
        is_allowed = entry.status is Status.CANDIDATE or (entry.status is Status.VALIDATOR and not entry.suspend)
        if self.agree(self.registry.council("suspend", operator(number)).error, is_allowed):
            if entry.status is Status.CANDIDATE:
                self.model.entries[number] = Entry(Status.SUSPENDED, generation=entry.generation)
            else:
                entry.suspend = self.model.wish()

    @rule(number=operators)
    def reinstate(self, number: int) -> None:
        entry = self.model.entries[number]
        is_allowed = entry.status is Status.SUSPENDED or entry.suspend != 0
        if self.agree(self.registry.council("reinstate", operator(number)).error, is_allowed):
            if entry.status is Status.SUSPENDED:
                self.model.entries[number] = Entry(
                    Status.CANDIDATE, join=self.model.wish(), generation=entry.generation
                )
            else:
                entry.suspend = 0

    @rule()
    def end_epoch(self) -> None:
        before = self.registry.validators
        after = self.registry.end_epoch()
        self.model.end_epoch()
        keys_before = {validator.operator: validator.consensus_key for validator in before}
        keys_after = {validator.operator: validator.consensus_key for validator in after}
        differing = [who for who in {**keys_before, **keys_after} if keys_before.get(who) != keys_after.get(who)]
        assert len(differing) <= max(1, (len(before) - 1) // 3)

    @invariant()
    def sets_are_equal_and_never_empty(self) -> None:
        assert self.registry.operators() == self.model.validators() != []

    @invariant()
    def records_are_equal(self) -> None:
        pending, suspended = [], []
        for number, entry in enumerate(self.model.entries):
            record = self.registry.member(number)
            assert record.status is entry.status
            if entry.status is not Status.NONE:
                assert record.keys == holder(entry.generation or number).keys
            assert (record.suspend_sequence != 0, record.leave_sequence != 0, record.rotate_sequence != 0) == (
                entry.suspend != 0,
                entry.leave != 0,
                entry.rotate != 0,
            )
            if entry.status in (Status.APPLICANT, Status.CANDIDATE):
                pending.append(number)
            if entry.status is Status.SUSPENDED:
                suspended.append(number)
        assert sorted(self.registry.listed("pending")) == pending
        assert sorted(self.registry.listed("suspended")) == suspended


def test_registry_does_what_its_model_does() -> None:
    run_state_machine_as_test(
        RegistryMachine, settings=settings(max_examples=25, stateful_step_count=40, deadline=None)
    )
