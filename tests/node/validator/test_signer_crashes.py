"""The signer over a disk that fails: no released vote is ever forgotten or contradicted, and the guard stays small."""

import errno
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from nacl.signing import SigningKey

from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, View
from consensus.simplex.messages import Kind, SigningDomain, Statement
from consensus.simplex.stop_reason import StopReason
from node.storage import guard_file
from node.storage.errors import WriteFailed
from node.storage.guard_file import GuardFile, ResumeReason, create_guard
from node.storage.memory_files import Keep, MemoryFiles, PowerCut
from node.validator.signer import GuardedSigner, SignRefused

SEED = b"\x07" * 32
PUBLIC_KEY = bytes(SigningKey(SEED).verify_key)
DOMAIN = SigningDomain(7001, Hash32(bytes(range(32))))
OTHER_DOMAIN = SigningDomain(7002, DOMAIN.genesis_hash)
PATH = Path("/data/signguard.log")

FLOOR_DISTANCE = 3
"""How many views the floor of the script stays behind."""
VIEW_COUNT = 14


@pytest.fixture(autouse=True)
def small_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards are replaced every few votes."""
    monkeypatch.setattr(guard_file, "GUARD_BYTES_MAX", 1_200)


def notarize(view: int, block: str = "a") -> Statement:
    return Statement(Kind.NOTARIZE, Epoch(0), View(view), View(view - 1), Hash32(block.encode() * 32))


def finalize(view: int) -> Statement:
    return Statement(Kind.FINALIZE, Epoch(0), View(view), View(view - 1), Hash32(b"a" * 32))


def nullify(view: int) -> Statement:
    return Statement(Kind.NULLIFY, Epoch(0), View(view), View(0), ZERO_HASH)


def new_machine() -> MemoryFiles:
    files = MemoryFiles()
    create_guard(PATH, PUBLIC_KEY, files=files, salt=lambda: bytes(8))
    return files


def open_signer(files: MemoryFiles, domain: SigningDomain = DOMAIN) -> GuardedSigner:
    guard, signed = GuardFile.open(PATH, PUBLIC_KEY, files=files, salt=lambda: bytes(8))
    return GuardedSigner(SEED, domain, guard, signed)


def sign(signer: GuardedSigner, *statements: Statement) -> list[bytes]:
    for statement in statements:
        signer.record(statement)
    signer.sync(signer.take_unsynced())
    signer.synced()
    return [signer.release(statement) for statement in statements]


def is_refused(signer: GuardedSigner, statement: Statement) -> bool:
    try:
        signer.record(statement)
    except SignRefused:
        return True
    return False


@dataclass
class Released:
    """What others may have seen of this validator, over all its starts."""

    views: set[int] = field(default_factory=set)


def run(files: MemoryFiles, released: Released) -> None:
    """Vote from the first view not yet voted in: finalize the view before, notarize this one, in one sync."""
    signer = open_signer(files)
    remembered = {statement.view for statement in signer.signed_statements()}
    for view in released.views:
        assert is_refused(signer, notarize(view, "b")), "a released vote was forgotten"
    start = max(released.views | remembered, default=0) + 1
    for view in range(start, VIEW_COUNT + 1):
        votes = (finalize(view - 1), notarize(view)) if view > start else (notarize(view),)
        sign(signer, *votes)
        released.views.add(view)
        if view > FLOOR_DISTANCE:
            signer.set_floor(Epoch(0), View(view - FLOOR_DISTANCE))
    signer.close()


def recorded_operations() -> list[str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(guard_file, "GUARD_BYTES_MAX", 1_200)
        files = new_machine()
        files.operations.clear()
        run(files, Released())
    return files.operations


OPERATIONS = recorded_operations()


def test_script_replaces_the_guard_more_than_once() -> None:
    # Once when it is opened.
    assert OPERATIONS.count("rename") >= 3


@pytest.mark.parametrize("keep", list(Keep))
@pytest.mark.parametrize("seed", range(6))
def test_power_cut_at_every_operation_forgets_no_released_vote(keep: Keep, seed: int) -> None:
    for number in range(len(OPERATIONS)):
        files, released = new_machine(), Released()
        files.operations.clear()
        files.fail_at[number] = PowerCut()
        with pytest.raises(PowerCut):
            run(files, released)
        files.crash(Random(seed * 1_000 + number), keep)
        run(files, released)
        files.crash(Random(seed), Keep.NOTHING)
        run(files, released)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_broken_disk_ends_the_signer_at_every_operation_and_releases_nothing(code: int) -> None:
    for number in range(len(OPERATIONS)):
        files, released = new_machine(), Released()
        files.operations.clear()
        files.fail_at[number] = OSError(code, "broken")
        with pytest.raises(WriteFailed, match="broken"):
            run(files, released)
        assert len(files.operations) == number + 1
        files.end_process()
        run(files, released)
        files.crash(Random(number), Keep.NOTHING)
        run(files, released)


def test_vote_whose_sync_failed_is_never_released() -> None:
    files = new_machine()
    signer = open_signer(files)
    signer.record(notarize(1))
    files.fail_at[len(files.operations)] = OSError(errno.EIO, "broken")
    with pytest.raises(WriteFailed):
        signer.sync(signer.take_unsynced())
    with pytest.raises(AssertionError, match="before its sync"):
        signer.release(notarize(1))


def test_guard_stays_small_over_many_views() -> None:
    files = new_machine()
    signer = open_signer(files)
    for view in range(1, 200):
        sign(signer, notarize(view), finalize(view))
        signer.set_floor(Epoch(0), View(view - 1))
    # The batch that made it grow may reach beyond its length.
    assert len(files.read(PATH)) < 1_200 + 400
    signer.close()
    signer = open_signer(files)
    signer.set_floor(Epoch(0), View(198))
    assert signer.signed_statements() == [notarize(199), finalize(199)]


def grown(files: MemoryFiles, *, view_first: int = 1) -> GuardedSigner:
    """Return a signer that votes in view 9 above floor 8 and whose guard has just been replaced."""
    signer = open_signer(files)
    for view in range(view_first, 9):
        sign(signer, notarize(view))
    signer.set_floor(Epoch(0), View(8))
    before = files.operations.count("rename")
    sign(signer, notarize(9))
    assert files.operations.count("rename") == before + 1
    return signer


def test_views_that_a_replaced_guard_forgot_are_refused_after_a_restart_too() -> None:
    files = new_machine()
    grown(files).close()
    signer = open_signer(files)
    assert signer.signed_statements() == [notarize(9)]
    for view in (1, 8):
        with pytest.raises(SignRefused, match="below_floor"):
            signer.record(nullify(view))
    assert is_refused(signer, notarize(9, "b"))
    assert not is_refused(signer, notarize(10))


def test_floor_below_the_one_known_brings_no_view_back() -> None:
    files = new_machine()
    signer = grown(files)
    signer.set_floor(Epoch(0), View(2))
    with pytest.raises(SignRefused, match="below_floor"):
        signer.record(nullify(5))


def test_votes_of_another_network_stay_in_a_replaced_guard() -> None:
    files = new_machine()
    signer = open_signer(files, OTHER_DOMAIN)
    sign(signer, notarize(20))
    signer.close()
    grown(files, view_first=2).close()
    assert is_refused(open_signer(files, OTHER_DOMAIN), notarize(20, "b"))


def test_view_below_the_resume_view_is_never_signed() -> None:
    signer = open_signer(new_machine())
    signer.set_resume_view(Epoch(0), View(6))
    with pytest.raises(SignRefused, match="below_resume_view"):
        signer.record(nullify(5))
    signer.set_resume_view(Epoch(0), View(4))
    assert is_refused(signer, nullify(5))
    assert not is_refused(signer, nullify(6))


def new_key(files: MemoryFiles) -> GuardedSigner:
    """Return the signer of a key whose guard is gone."""
    files.unlink(PATH)
    files.sync_folder(PATH.parent)
    return open_signer(files)


def synced(signer: GuardedSigner) -> None:
    signer.sync(signer.take_unsynced())
    signer.synced()
    signer.close()


def test_key_without_its_guard_signs_nothing_in_any_epoch_until_a_resume_view_is_set() -> None:
    files = new_machine()
    signer = new_key(files)
    assert signer.resume_reason is ResumeReason.GUARD_MISSING
    for epoch in (0, 1):
        statement = Statement(Kind.NULLIFY, Epoch(epoch), View(1_000_000), View(0), ZERO_HASH)
        assert is_refused(signer, statement)
    signer.close()
    files.crash(Random(1), Keep.NOTHING)
    signer = open_signer(files)
    assert signer.is_waiting
    signer.set_resume_view(Epoch(0), View(6))
    synced(signer)
    files.crash(Random(1), Keep.NOTHING)
    signer = open_signer(files)
    assert not signer.is_waiting
    assert is_refused(signer, nullify(5))
    assert not is_refused(signer, nullify(6))


def test_view_one_of_the_epoch_after_a_resume_view_is_never_signed() -> None:
    signer = new_key(new_machine())
    signer.set_resume_view(Epoch(0), View(6))
    for view, is_refused_there in ((1, True), (2, False)):
        assert is_refused(signer, Statement(Kind.NULLIFY, Epoch(1), View(view), View(0), ZERO_HASH)) == is_refused_there


def test_resume_view_that_was_not_synced_is_asked_for_again() -> None:
    files = new_machine()
    signer = new_key(files)
    signer.set_resume_view(Epoch(0), View(6))
    signer.close()
    assert open_signer(files).is_waiting


def test_key_that_stopped_signs_nothing_after_a_restart_either() -> None:
    files = new_machine()
    signer = open_signer(files)
    signer.stop(StopReason.DUPLICATE_KEY)
    signer.stop(StopReason.DIVERGENCE)
    synced(signer)
    signer = open_signer(files)
    assert signer.stop_reason is StopReason.DUPLICATE_KEY, "the first reason counts"
    assert is_refused(signer, nullify(5))
    assert signer.refused_counts == {"voting_stopped": 1}


def test_marks_stay_when_a_grown_guard_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_file, "GUARD_BYTES_MAX", 1_200)
    files = new_machine()
    signer = new_key(files)
    signer.set_resume_view(Epoch(0), View(2))
    for view in range(2, 30):
        sign(signer, notarize(view))
        signer.set_floor(Epoch(0), View(view - 1))
    signer.close()
    signer = open_signer(files)
    assert signer.resume_reason is ResumeReason.GUARD_MISSING
    assert signer.resume_view(Epoch(0)) == 2


def test_vote_of_an_epoch_that_cannot_be_running_is_refused() -> None:
    signer = open_signer(new_machine())
    signer.set_floor(Epoch(1), View(40))
    for epoch, is_allowed in ((2, True), (3, False)):
        statement = Statement(Kind.NULLIFY, Epoch(epoch), View(1), View(0), ZERO_HASH)
        assert is_refused(signer, statement) != is_allowed
    assert signer.refused_counts == {"other_epoch": 1}
