"""What an operator may ask for: everything in order once, then each thing wrong by itself."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.abi import AbiValue
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.native.validator_state import NO_KEYS, MemberRecord, Status
from contracts.validator_keys import ENDPOINTS_MAX, hash_endpoints
from tests.contracts.ledger import ALICE, GOVERNOR, text
from tests.contracts.native.registry import Registry, endpoints, holder, name, operator

NEW = 9
OTHER = 10
IDENTITY_POINT = b"\x01" + bytes(31)
"""The neutral element: a key of order 1, with which anything verifies in a careless library."""


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_applicant_is_on_record_with_everything_it_said(registry: Registry) -> None:
    outcome = registry.join(NEW)
    keys = holder(NEW).keys
    assert outcome.error is None
    assert outcome.events == [
        f"JoinRequested(operator={text(operator(NEW))}, consensusKey={text(keys.consensus)}, name='bank-9')"
    ]
    assert registry.does(ALICE, "memberOf", operator(NEW)).values == (
        Status.APPLICANT,
        False,
        "bank-9",
        *keys.each(),
        endpoints(NEW),
        False,
        False,
        *NO_KEYS.each(),
    )
    assert registry.listed("pending") == [NEW]
    assert registry.read(VALIDATOR_REGISTRY, "operatorNamed", name(NEW)) == operator(NEW)


def test_nobody_enters_the_set_without_approval_and_readiness(registry: Registry) -> None:
    registry.join(NEW)
    assert NEW not in [registry.end_epoch(), registry.operators()][1]
    registry.council("approve", operator(NEW))
    registry.end_epoch()
    assert NEW not in registry.operators()
    registry.does(operator(NEW), "ready")
    registry.end_epoch()
    assert registry.operators() == [0, 1, 2, 3, NEW]
    assert registry.listed("pending") == []
    assert registry.member(NEW).status is Status.VALIDATOR


WRONG_JOINS: dict[str, tuple[dict[str, AbiValue], str]] = {
    "empty name": ({"name": ""}, "InvalidValidatorName(name='')"),
    "upper case": ({"name": "Bank"}, "InvalidValidatorName"),
    "dash first": ({"name": "-bank"}, "InvalidValidatorName"),
    "name too long": ({"name": "b" * 32}, "InvalidValidatorName"),
    "name of another": ({"name": name(0)}, f"ValidatorNameTaken(name='bank-0', operator={text(operator(0))})"),
    "no endpoint": ({"endpoints": ()}, f"InvalidEndpointCount(count=0, highest={ENDPOINTS_MAX})"),
    "too many endpoints": ({"endpoints": ("a:1",) * 5}, "InvalidEndpointCount(count=5"),
    "endpoint without port": ({"endpoints": ("a.example",)}, "InvalidEndpoint(endpoint='a.example')"),
    "port out of range": ({"endpoints": ("a.example:65536",)}, "InvalidEndpoint"),
    "key of small order": ({"consensus": IDENTITY_POINT}, f"ValidatorKeyInvalid(key={text(IDENTITY_POINT)})"),
    "key of a validator": (
        {"tls": holder(0).keys.consensus},
        f"ValidatorKeyTaken(key={text(holder(0).keys.consensus)}, operator={text(operator(0))})",
    ),
    "one key twice": ({"attestation": holder(NEW).keys.tls}, "ValidatorKeyTaken"),
    "proofs swapped": (
        {"tls_proof": holder(NEW).proofs(operator(NEW))[0]},
        f"KeyProofInvalid(key={text(holder(NEW).keys.tls)})",
    ),
    "proof for another operator": ({"consensus_proof": holder(NEW).proofs(operator(OTHER))[0]}, "KeyProofInvalid"),
    "proof of other keys": (
        {"attestation_proof": holder(NEW).proofs(operator(NEW), holder(OTHER).keys)[2]},
        "KeyProofInvalid",
    ),
    "proof cut short": ({"consensus_proof": holder(NEW).proofs(operator(NEW))[0][:63]}, "KeyProofInvalid"),
}


@pytest.mark.parametrize(("changes", "error"), WRONG_JOINS.values(), ids=WRONG_JOINS)
def test_join_is_refused_for(registry: Registry, changes: dict[str, AbiValue], error: str) -> None:
    outcome = registry.join(NEW, **changes)
    assert outcome.error is not None and outcome.error.startswith(error)
    assert registry.join(NEW).error is None


@pytest.mark.parametrize(
    "changes", [{"name": "b" * 31}, {"endpoints": ("[::1]:1",) * 4}, {"endpoints": ("a" * 94 + ":65535",)}]
)
def test_join_is_accepted_at_the_bounds(registry: Registry, changes: dict[str, AbiValue]) -> None:
    assert registry.join(NEW, **changes).error is None


def test_nobody_asks_twice(registry: Registry) -> None:
    registry.join(NEW)
    for number, status in ((NEW, Status.APPLICANT), (0, Status.VALIDATOR)):
        error = registry.join(number).error
        assert error == f"AlreadyRegistered(operator={text(operator(number))}, status={int(status)})"


@pytest.mark.parametrize("is_approved", [False, True])
def test_cancelled_join_frees_name_and_keys(registry: Registry, is_approved: bool) -> None:
    registry.join(NEW)
    registry.join(OTHER)
    if is_approved:
        registry.council("approve", operator(NEW))
        registry.council("approve", operator(OTHER))
    assert registry.does(operator(NEW), "cancelJoin").error is None
    assert registry.member(NEW) == MemberRecord()
    assert registry.listed("pending") == [OTHER]
    assert registry.member(OTHER).list_index == 0, "the last one moved up"
    assert registry.read(VALIDATOR_REGISTRY, "operatorNamed", name(NEW)) == ZERO_ADDRESS
    assert registry.join(NEW).error is None
    assert registry.does(operator(0), "cancelJoin").error == f"NoRequest(operator={text(operator(0))})"


def test_only_an_approved_joiner_says_once_that_it_is_ready(registry: Registry) -> None:
    registry.join(NEW)
    assert registry.does(operator(NEW), "ready").error == (
        f"WrongStatus(operator={text(operator(NEW))}, status=1, needed=2)"
    )
    registry.council("approve", operator(NEW))
    assert registry.does(operator(NEW), "ready").events == [f"CandidateReady(operator={text(operator(NEW))})"]
    assert registry.does(operator(NEW), "ready").error == f"AlreadyReady(operator={text(operator(NEW))})"


def test_new_endpoints_of_a_validator_count_from_the_next_epoch_on(registry: Registry) -> None:
    moved = ("192.0.2.1:1", "bank.example:2")
    assert registry.does(operator(0), "setEndpoints", moved).error is None
    in_force = {validator.operator: validator.endpoints_hash for validator in registry.validators}
    assert in_force[operator(0)] == hash_endpoints(endpoints(0))
    following = {validator.operator: validator.endpoints_hash for validator in registry.end_epoch()}
    assert following == {**in_force, operator(0): hash_endpoints(moved)}


def test_endpoints_are_set_by_those_who_have_an_entry(registry: Registry) -> None:
    assert registry.does(ALICE, "setEndpoints", endpoints(1)).error == f"NotRegistered(operator={text(ALICE)})"
    assert registry.does(operator(0), "setEndpoints", ("nowhere",)).error == "InvalidEndpoint(endpoint='nowhere')"
    registry.join(NEW)
    assert registry.does(operator(NEW), "setEndpoints", endpoints(1)).error is None


def test_rotation_changes_all_three_keys_at_the_end_of_the_epoch(registry: Registry) -> None:
    before = registry.validators
    assert registry.rotate(0, 50).error is None
    assert registry.validators == before
    (found,) = (validator for validator in registry.end_epoch() if validator.operator == operator(0))
    assert (found.consensus_key, found.tls_key, found.attestation_key) == holder(50).keys.each()
    assert (registry.member(0).next_keys, registry.member(0).rotate_sequence) == (NO_KEYS, 0)
    assert registry.former(0) == before


def test_rotation_is_refused_to_others_and_twice(registry: Registry) -> None:
    assert str(registry.rotate(NEW, 50).error).startswith("WrongStatus")
    assert str(registry.rotate(0, 1).error).startswith("ValidatorKeyTaken")
    registry.rotate(0, 50)
    assert registry.rotate(0, 51).error == f"RequestPending(operator={text(operator(0))}, sequence=1)"
    assert str(registry.rotate(1, 50).error).startswith("ValidatorKeyTaken")


def test_cancelled_rotation_frees_its_keys_and_changes_nothing(registry: Registry) -> None:
    assert registry.does(operator(0), "cancelRotation").error == f"NoRequest(operator={text(operator(0))})"
    registry.rotate(0, 50)
    assert registry.does(operator(0), "cancelRotation").error is None
    before = registry.validators
    assert registry.rotate(1, 50).error is None
    registry.does(operator(1), "cancelRotation")
    assert registry.end_epoch() == before


def test_leaver_is_out_from_the_next_epoch_on_and_may_ask_again(registry: Registry) -> None:
    assert registry.does(operator(0), "requestLeave").events == [f"LeaveRequested(operator={text(operator(0))})"]
    assert registry.operators() == [0, 1, 2, 3]
    registry.end_epoch()
    assert registry.operators() == [1, 2, 3]
    assert registry.member(0).status is Status.FORMER
    fresh = holder(50)
    names = ("consensus", "tls", "attestation", "consensus_proof", "tls_proof", "attestation_proof")
    changes: dict[str, AbiValue] = dict(zip(names, (*fresh.keys.each(), *fresh.proofs(operator(0)))))
    assert registry.join(0, **changes, name="reborn").error is None
    assert registry.read(VALIDATOR_REGISTRY, "operatorNamed", name(0)) == ZERO_ADDRESS


def test_leave_is_asked_for_once_and_can_be_taken_back(registry: Registry) -> None:
    assert str(registry.does(operator(NEW), "requestLeave").error).startswith("WrongStatus")
    assert registry.does(operator(0), "cancelLeave").error == f"NoRequest(operator={text(operator(0))})"
    registry.does(operator(0), "requestLeave")
    assert str(registry.does(operator(0), "requestLeave").error).startswith("RequestPending")
    assert registry.does(operator(0), "cancelLeave").error is None
    registry.end_epoch()
    assert registry.operators() == [0, 1, 2, 3]


def test_former_keys_are_free_when_no_evidence_counts_any_more(registry: Registry) -> None:
    registry.does(operator(0), "requestLeave")
    registry.end_epoch()
    # Epoch 0 was its last; evidence of epoch 0 counts until epoch 2 ends.
    for _ in range(2):
        assert str(registry.join(0).error).startswith("ValidatorKeyTaken")
        registry.end_epoch()
    assert registry.epoch == 3
    assert registry.join(0).error is None


def test_suspended_operator_changes_its_keys_at_once_or_leaves(registry: Registry) -> None:
    for number in (0, 1):
        registry.council("suspend", operator(number))
        registry.end_epoch()
        assert registry.member(number).status is Status.SUSPENDED
    assert registry.rotate(0, 50).error is None
    assert registry.member(0).keys == holder(50).keys
    assert registry.does(operator(1), "requestLeave").error is None
    assert registry.member(1) == replace(registry.member(1), status=Status.FORMER)
    assert str(registry.join(1).error).startswith("ValidatorKeyTaken")


@pytest.mark.parametrize("function", ["approve", "reject", "suspend", "reinstate"])
def test_only_the_council_decides(registry: Registry, function: str) -> None:
    error = registry.does(ALICE, function, operator(0)).error
    assert error == f"GovernorOnly(caller={text(ALICE)}, governor={text(GOVERNOR)})"
    assert str(registry.council(function, operator(0)).error or "").split("(")[0] != "GovernorOnly"
