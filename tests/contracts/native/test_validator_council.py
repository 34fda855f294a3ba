"""What the council decides, and that the end of an epoch carries it out within its bounds."""

import pytest

from contracts.addresses import VALIDATOR_REGISTRY
from contracts.native.validator_state import CANDIDATES_MAX, EVIDENCE_EPOCHS_BEHIND, MemberRecord, Status
from tests.contracts.ledger import ALICE, GOVERNOR, text
from tests.contracts.native.registry import Registry, operator

NEW = 9


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_approved_applicant_is_a_candidate(registry: Registry) -> None:
    registry.join(NEW)
    assert registry.council("approve", operator(NEW)).events == [f"JoinApproved(operator={text(operator(NEW))})"]
    assert registry.member(NEW).status is Status.CANDIDATE
    assert registry.council("approve", operator(NEW)).error == (
        f"WrongStatus(operator={text(operator(NEW))}, status=2, needed=1)"
    )


def test_candidates_are_listed_before_applicants(registry: Registry) -> None:
    for number in (10, 11, 12):
        registry.join(number)
    registry.council("approve", operator(12))
    registry.council("approve", operator(10))
    assert registry.listed("pending") == [12, 10, 11]
    assert registry.does(ALICE, "pendingAt", 3).error == "IndexOutOfRange(index=3, count=3)"


def test_candidates_are_bounded(registry: Registry) -> None:
    for number in range(20, 20 + CANDIDATES_MAX):
        registry.make_candidate(number, is_ready=False)
    registry.join(NEW)
    assert registry.council("approve", operator(NEW)).error == "TooManyCandidates(count=32, highest=32)"
    registry.council("reject", operator(20))
    assert registry.council("approve", operator(NEW)).error is None


@pytest.mark.parametrize("is_approved", [False, True])
def test_rejected_joiner_is_forgotten(registry: Registry, is_approved: bool) -> None:
    registry.join(NEW)
    if is_approved:
        registry.council("approve", operator(NEW))
    assert registry.council("reject", operator(NEW)).error is None
    assert registry.member(NEW) == MemberRecord()
    assert registry.listed("pending") == []
    assert registry.join(NEW).error is None
    assert str(registry.council("reject", operator(0)).error).startswith("WrongStatus")


def test_suspended_validator_is_out_from_the_next_epoch_on_and_comes_back_ready(registry: Registry) -> None:
    assert registry.council("suspend", operator(0)).events == [f"SuspensionOrdered(operator={text(operator(0))})"]
    assert str(registry.council("suspend", operator(0)).error).startswith("RequestPending")
    assert registry.operators() == [0, 1, 2, 3]
    registry.end_epoch()
    assert registry.operators() == [1, 2, 3]
    assert registry.listed("suspended") == [0]
    assert registry.does(ALICE, "suspendedAt", 1).error == "IndexOutOfRange(index=1, count=1)"
    assert str(registry.council("suspend", operator(0)).error).startswith("WrongStatus")
    assert registry.council("reinstate", operator(0)).error is None
    registry.end_epoch()
    assert registry.operators() == [1, 2, 3], "reinstated, and not yet ready"
    registry.does(operator(0), "ready")
    registry.end_epoch()
    assert registry.operators() == [0, 1, 2, 3]


def test_suspension_that_waits_can_be_dropped(registry: Registry) -> None:
    assert registry.council("reinstate", operator(0)).error == f"NoRequest(operator={text(operator(0))})"
    registry.council("suspend", operator(0))
    assert registry.council("reinstate", operator(0)).error is None
    registry.end_epoch()
    assert registry.operators() == [0, 1, 2, 3]


def test_suspended_candidate_is_out_at_once(registry: Registry) -> None:
    registry.make_candidate(NEW)
    registry.make_candidate(10)
    assert registry.council("suspend", operator(NEW)).error is None
    assert registry.listed("pending") == [10]
    registry.end_epoch()
    assert registry.operators() == [0, 1, 2, 3, 10]
    assert registry.member(NEW).status is Status.SUSPENDED


def test_what_does_not_fit_an_epoch_waits_for_the_next(registry: Registry) -> None:
    registry.make_candidate(NEW)
    registry.rotate(3, 50)
    registry.does(operator(1), "requestLeave")
    registry.council("suspend", operator(2))
    seen = []
    for _ in range(5):
        registry.end_epoch()
        seen.append((registry.operators(), registry.member(3).rotate_sequence))
    assert seen == [
        ([0, 1, 3], 2),
        ([0, 3], 2),
        ([0, 3], 0),
        ([0, 3, NEW], 0),
        ([0, 3, NEW], 0),
    ]


def test_rotation_of_one_who_is_suspended_is_dropped_with_its_keys(registry: Registry) -> None:
    registry.rotate(0, 50)
    registry.council("suspend", operator(0))
    registry.end_epoch()
    assert registry.rotate(1, 50).error is None


def test_last_validator_stays_until_another_has_joined() -> None:
    registry = Registry(1)
    registry.council("suspend", operator(0))
    registry.end_epoch()
    assert registry.operators() == [0]
    registry.make_candidate(NEW)
    registry.end_epoch()
    assert registry.operators() == [0, NEW]
    registry.end_epoch()
    assert registry.operators() == [NEW]


def test_sets_are_on_record_for_two_epochs_and_no_longer(registry: Registry) -> None:
    sets = [registry.validators]
    for number in (0, 1, 2):
        registry.does(operator(number), "requestLeave")
        sets.append(registry.end_epoch())
    assert registry.epoch == 3
    assert registry.former(3 - EVIDENCE_EPOCHS_BEHIND) == sets[1]
    assert registry.former(2) == sets[2]
    assert registry.former(0) == ()
    slots = len([word for word in registry.storage[VALIDATOR_REGISTRY].values() if word])
    registry.end_epoch()
    after = len([word for word in registry.storage[VALIDATOR_REGISTRY].values() if word])
    assert after < slots, "the larger former set left nothing behind"


def test_council_ends_the_epoch_with_the_block_that_says_so(registry: Registry) -> None:
    assert registry.read(VALIDATOR_REGISTRY, "isEpochEnding") is False
    assert registry.does(ALICE, "endEpoch").error == f"GovernorOnly(caller={text(ALICE)}, governor={text(GOVERNOR)})"
    assert registry.council("endEpoch").events == ["EpochEndOrdered(epoch=0, heightLast=12)"]
    assert registry.council("endEpoch").error == "EpochEnding(epoch=0)"
    assert registry.read(VALIDATOR_REGISTRY, "isEpochEnding") is True
    registry.end_epoch()
    assert registry.read(VALIDATOR_REGISTRY, "isEpochEnding") is False
    assert registry.read(VALIDATOR_REGISTRY, "epochFirstHeight") == 13
