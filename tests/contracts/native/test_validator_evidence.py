"""Evidence on chain: what proves a double signature, what does not, and what follows from it."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import Hash32
from consensus.simplex.messages import VOTE_BYTES, Kind
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.native.validator_state import Status
from tests.contracts.ledger import ALICE, Outcome, text
from tests.contracts.native.registry import DOMAIN, Registry, holder, operator, signed_vote

OTHER_DIGEST = b"\x02" * 32
NOTARIZE, NULLIFY, FINALIZE = Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE


@pytest.fixture
def registry() -> Registry:
    return Registry()


def report(registry: Registry, first: bytes, second: bytes) -> Outcome:
    return registry.does(ALICE, "reportEvidence", first, second)


def two_notarize(registry: Registry, number: int = 0, *, epoch: int = 0, view: int = 7) -> tuple[bytes, bytes]:
    return (
        signed_vote(registry, number, NOTARIZE, epoch=epoch, view=view),
        signed_vote(registry, number, NOTARIZE, epoch=epoch, view=view, digest=OTHER_DIGEST),
    )


@pytest.mark.parametrize(
    ("first_kind", "second_kind"),
    [(NOTARIZE, NOTARIZE), (FINALIZE, FINALIZE), (NULLIFY, FINALIZE), (FINALIZE, NULLIFY)],
)
def test_double_signature_is_recorded_and_suspends(registry: Registry, first_kind: Kind, second_kind: Kind) -> None:
    first = signed_vote(registry, 0, first_kind)
    second = signed_vote(registry, 0, second_kind, digest=OTHER_DIGEST)
    key = holder(0).keys.consensus
    outcome = report(registry, first, second)
    assert outcome.error is None
    kinds = f"firstKind={int(first_kind)}, secondKind={int(second_kind)}"
    assert outcome.events == [
        f"EvidenceAccepted(consensusKey={text(key)}, operator={text(operator(0))}, epoch=0, view=7, {kinds})",
        f"SuspensionOrdered(operator={text(operator(0))})",
    ]
    assert registry.read(VALIDATOR_REGISTRY, "evidenceCount") == 1
    record = registry.does(ALICE, "evidenceAt", 0).values
    assert record == (key, operator(0), 0, 7, int(first_kind), int(second_kind), 12)
    assert registry.operators() == [0, 1, 2, 3], "nothing changes inside an epoch"
    registry.end_epoch()
    assert registry.operators() == [1, 2, 3]
    assert registry.member(0).status is Status.SUSPENDED


def test_what_a_correct_validator_signs_is_no_evidence(registry: Registry) -> None:
    honest = {
        "the same vote twice": (signed_vote(registry, 0, NOTARIZE), signed_vote(registry, 0, NOTARIZE)),
        "notarize and nullify": (signed_vote(registry, 0, NOTARIZE), signed_vote(registry, 0, NULLIFY)),
        "notarize and finalize": (signed_vote(registry, 0, NOTARIZE), signed_vote(registry, 0, FINALIZE)),
        "two views": (
            signed_vote(registry, 0, NOTARIZE),
            signed_vote(registry, 0, NOTARIZE, view=8, digest=OTHER_DIGEST),
        ),
        "two validators": (
            signed_vote(registry, 0, NOTARIZE),
            signed_vote(registry, 1, NOTARIZE, digest=OTHER_DIGEST),
        ),
    }
    for description, (first, second) in honest.items():
        assert report(registry, first, second).error == "EvidenceNotConflicting()", description
    registry.end_epoch()
    across = signed_vote(registry, 0, NOTARIZE, epoch=0), signed_vote(registry, 0, NOTARIZE, epoch=1)
    assert report(registry, *across).error == "EvidenceNotConflicting()"


@pytest.mark.parametrize("length", [0, 57, VOTE_BYTES - 1, VOTE_BYTES + 1])
def test_bytes_that_are_no_vote_are_named(registry: Registry, length: int) -> None:
    first, second = two_notarize(registry)
    broken = (second + b"\x00")[:length]
    assert report(registry, first, broken).error == f"EvidenceMalformed(vote=2, length={length})"
    assert report(registry, broken, second).error == f"EvidenceMalformed(vote=1, length={length})"
    assert report(registry, first, second).error is None


def test_vote_of_an_unknown_kind_is_malformed(registry: Registry) -> None:
    first, second = two_notarize(registry)
    assert report(registry, b"\x04" + first[1:], second).error == "EvidenceMalformed(vote=1, length=123)"


def test_both_signatures_must_be_of_this_network(registry: Registry) -> None:
    first, second = two_notarize(registry)
    flipped = second[:-1] + bytes((second[-1] ^ 1,))
    key = text(holder(0).keys.consensus)
    assert report(registry, first, flipped).error == f"EvidenceSignatureInvalid(vote=2, consensusKey={key})"
    assert report(registry, flipped, first).error == f"EvidenceSignatureInvalid(vote=1, consensusKey={key})"
    for domain in (replace(DOMAIN, chain_id=1), replace(DOMAIN, genesis_hash=Hash32(bytes(32)))):
        foreign = signed_vote(registry, 0, NOTARIZE, digest=OTHER_DIGEST, domain=domain)
        assert str(report(registry, first, foreign).error).startswith("EvidenceSignatureInvalid(vote=2")
    assert report(registry, first, second).error is None


def test_signer_must_be_in_the_set(registry: Registry) -> None:
    first, second = two_notarize(registry)
    beyond = (4).to_bytes(2, "big")
    outside = [vote[:57] + beyond + vote[59:] for vote in (first, second)]
    assert report(registry, *outside).error == "EvidenceSignerUnknown(signer=4, count=4)"


def test_one_deed_counts_once_and_another_view_is_another_deed(registry: Registry) -> None:
    first, second = two_notarize(registry)
    key = holder(0).keys.consensus
    assert registry.read(VALIDATOR_REGISTRY, "isEvidenceKnown", key, 0, 7) is False
    report(registry, first, second)
    assert registry.read(VALIDATOR_REGISTRY, "isEvidenceKnown", key, 0, 7) is True
    again = f"EvidenceKnown(consensusKey={text(key)}, epoch=0, view=7)"
    assert report(registry, first, second).error == again
    assert report(registry, second, first).error == again
    outcome = report(registry, *two_notarize(registry, view=8))
    assert outcome.error is None
    assert len(outcome.events) == 1, "it is suspended already"
    assert registry.read(VALIDATOR_REGISTRY, "evidenceCount") == 2
    assert registry.does(ALICE, "evidenceAt", 2).error == "IndexOutOfRange(index=2, count=2)"


def test_epochs_answer_as_long_as_their_set_is_on_record(registry: Registry) -> None:
    old = [two_notarize(registry, number) for number in (0, 1)]
    early = two_notarize(registry, 2, view=9)
    registry.end_epoch()
    registry.end_epoch()
    assert report(registry, *old[0]).error is None
    registry.end_epoch()
    assert report(registry, *old[1]).error == "EvidenceEpochUnknown(epoch=0, running=3)"
    future = [b"".join((vote[:1], (4).to_bytes(8, "big"), vote[9:])) for vote in early]
    assert report(registry, *future).error == "EvidenceEpochUnknown(epoch=4, running=3)"
    assert report(registry, *two_notarize(registry, 1, epoch=3)).error is None


def test_rotating_the_key_does_not_shake_off_its_past(registry: Registry) -> None:
    deed = two_notarize(registry)
    registry.rotate(0, 50)
    registry.end_epoch()
    assert report(registry, *deed).error is None
    registry.end_epoch()
    assert registry.operators() == [1, 2, 3]


def test_evidence_against_one_who_left_is_recorded_only(registry: Registry) -> None:
    deed = two_notarize(registry)
    registry.does(operator(0), "requestLeave")
    registry.end_epoch()
    outcome = report(registry, *deed)
    assert outcome.error is None
    assert len(outcome.events) == 1
    assert registry.member(0).status is Status.FORMER


def test_evidence_against_a_reinstated_candidate_suspends_at_once(registry: Registry) -> None:
    deed = two_notarize(registry)
    registry.council("suspend", operator(0))
    registry.end_epoch()
    registry.council("reinstate", operator(0))
    assert report(registry, *deed).error is None
    assert registry.member(0).status is Status.SUSPENDED
    assert registry.listed("pending") == []
