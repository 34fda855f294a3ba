"""Validators that lost, restored or copied their memory: none votes before a quorum of others has said where it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_HASH, Epoch, View
from consensus.simplex.messages import Kind, SigningDomain, Statement, Status, Vote, encode_vote, sign_bytes
from consensus.simplex.records import OwnVoteRecord
from consensus.simplex.sign_guard import RESUME_VIEW_UNKNOWN
from consensus.simplex.stop_reason import StopReason
from consensus.simplex.validators import ValidatorSet
from network.channels import Channel
from node.storage.errors import WriteFailed
from node.storage.guard_file import ResumeReason
from tests.node.execution.ledger import ALICE_KEY, BOB_KEY, CAROL_KEY, DAVE, consensus_seed, raw_payment
from tests.node.runtime.small_network import PARAMETERS, Bank, SmallNetwork


@pytest.fixture
def network(tmp_path: Path) -> Iterator[SmallNetwork]:
    network = SmallNetwork(tmp_path)
    network.start()
    yield network
    stop(network)


def stop(network: SmallNetwork) -> None:
    for bank in network.running():
        bank.crash()


def settle(network: SmallNetwork, nonce: int, *, within_ms: int = 30_000) -> None:
    """Let three payments become final on every running bank; they enter at one that never was away, if there is one."""
    banks = network.running()
    entry = next((bank for bank in banks if resume_view(bank) == 0), banks[0])
    raws = [raw_payment(key, nonce, DAVE, 1) for key in (ALICE_KEY, BOB_KEY, CAROL_KEY)]
    for raw in raws:
        entry.submit(raw)
    digests = [keccak256(raw) for raw in raws]
    network.run_until(
        lambda: all(bank.chain().locate(digest) is not None for bank in banks for digest in digests),
        within_ms=within_ms,
    )


def resume_view(bank: Bank) -> int:
    assert bank.node is not None
    return bank.node.machine.state.resume_view


def is_waiting(bank: Bank) -> bool:
    return resume_view(bank) == RESUME_VIEW_UNKNOWN


def votes_after(bank: Bank, count: int) -> list[int]:
    """Return the views of the votes that left a bank after its first `count`."""
    return [said.view for said in bank.said[count:]]


def reason(bank: Bank) -> ResumeReason:
    assert bank._signer is not None
    return bank._signer.resume_reason


@pytest.mark.parametrize(("count", "lost"), [(4, 1), (7, 2)])
def test_up_to_f_fresh_disks_rejoin(tmp_path: Path, count: int, lost: int) -> None:
    network = SmallNetwork(tmp_path, count=count)
    network.start()
    settle(network, 0)
    settle(network, 1)
    for bank in network.banks[:lost]:
        bank.crash()
        bank.lose_disk()
    settle(network, 2)
    for bank in network.banks[:lost]:
        highest = max(said.view for said in bank.said)
        said_before = len(bank.said)
        bank.start()
        assert is_waiting(bank)
        assert bank.node is not None
        network.run_until(lambda bank=bank: not is_waiting(bank), within_ms=10_000)  # type: ignore[misc]  # bound at once
        assert resume_view(bank) > highest
        assert votes_after(bank, said_before) == []
    for nonce in range(3, 7):
        settle(network, nonce)
    for bank in network.banks[:lost]:
        fresh = [said for said in bank.said if said.view >= resume_view(bank)]
        assert {Kind.NOTARIZE, Kind.FINALIZE} <= {said.kind for said in fresh}, "it votes again"
        assert bank.node is not None
        assert bank.node.resumption.facts() is None
    network.assert_agreement()
    stop(network)


def test_more_than_f_fresh_disks_refuse_and_say_why(network: SmallNetwork) -> None:
    settle(network, 0)
    for bank in network.banks[:2]:
        bank.crash()
        bank.lose_disk()
    said = [len(bank.said) for bank in network.banks]
    heights = [bank.height for bank in network.banks[2:]]
    for bank in network.banks[:2]:
        bank.start()
    network.world.advance(60_000)
    for bank, said_before in zip(network.banks[:2], said, strict=False):
        assert is_waiting(bank)
        assert votes_after(bank, said_before) == []
        assert "2 of 4 validators have forgotten what they signed and at most 1 may" in bank.output.getvalue()
        assert bank.height >= min(heights), "it follows all the same"
        assert bank.node is not None
        facts = bank.node.resumption.facts()
        assert facts is not None
        assert len(facts.forgetful) == 1
    network.assert_agreement()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_validators_tolerate_no_lost_disk_and_say_so(tmp_path: Path, count: int) -> None:
    network = SmallNetwork(tmp_path, count=count)
    network.start()
    settle(network, 0)
    bank = network.banks[0]
    bank.crash()
    bank.lose_disk()
    said_before = len(bank.said)
    bank.start()
    network.world.advance(20_000)
    assert is_waiting(bank)
    assert votes_after(bank, said_before) == []
    assert f"a set of {count} tolerates no loss" in bank.output.getvalue()
    stop(network)


def test_single_validator_restarts(tmp_path: Path) -> None:
    network = SmallNetwork(tmp_path, count=1)
    network.start()
    for nonce in range(3):
        settle(network, nonce)
        network.banks[0].crash()
        network.banks[0].start()
        assert resume_view(network.banks[0]) == 0, "its own disk tells it everything"
    settle(network, 3)
    network.assert_agreement()
    stop(network)


def test_guard_alone_is_lost_and_nothing_is_signed_before_the_others_answered(network: SmallNetwork) -> None:
    settle(network, 0)
    bank = network.banks[1]
    bank.crash()
    (bank.folder / "signguard.log").unlink()
    said_before = len(bank.said)
    bank.start()
    assert is_waiting(bank)
    assert reason(bank) is ResumeReason.GUARD_MISSING
    network.run_until(lambda: not is_waiting(bank), within_ms=10_000)
    for nonce in range(1, 5):
        settle(network, nonce)
    assert min(votes_after(bank, said_before)) >= resume_view(bank)
    network.assert_agreement()


@pytest.mark.parametrize("but", ["signguard", "wal"])
def test_restored_backup_beside_a_newer_guard_or_log_waits_for_the_others(network: SmallNetwork, but: str) -> None:
    settle(network, 0)
    bank = network.banks[2]
    bank.crash()
    image = bank.image()
    bank.start()
    for nonce in (1, 2):
        settle(network, nonce)
    bank.crash()
    highest = max(said.view for said in bank.said)
    bank.restore(image, but=but)
    said_before = len(bank.said)
    bank.start()
    assert is_waiting(bank)
    assert reason(bank) is ResumeReason.GUARD_FOREIGN
    network.run_until(lambda: not is_waiting(bank), within_ms=10_000)
    assert resume_view(bank) > highest
    for nonce in range(3, 7):
        settle(network, nonce)
    assert min(votes_after(bank, said_before)) >= resume_view(bank)
    network.assert_agreement()


def test_ledger_below_the_floor_of_its_guard_is_an_old_one(
    network: SmallNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(network, 0)
    bank = network.banks[3]
    bank.crash()
    image = bank.image()
    monkeypatch.setattr("node.storage.guard_file.GUARD_BYTES_MAX", 256)
    bank.start()
    for nonce in (1, 2, 3):
        settle(network, nonce)
    bank.crash()
    bank.restore(image, but="signguard")
    bank.start()
    assert is_waiting(bank)
    assert reason(bank) in (ResumeReason.LEDGER_OLD, ResumeReason.GUARD_FOREIGN)
    network.run_until(lambda: not is_waiting(bank), within_ms=10_000)
    for nonce in (4, 5):
        settle(network, nonce)
    network.assert_agreement()


def test_repaired_store_never_votes(network: SmallNetwork) -> None:
    settle(network, 0)
    bank = network.banks[0]
    bank.crash()
    bank.is_store_repaired = True
    said_before = len(bank.said)
    bank.start()
    for nonce in range(1, 4):
        settle(network, nonce)
    network.world.advance(20_000)
    assert votes_after(bank, said_before) == []
    assert "a repaired ledger is for reading" in bank.output.getvalue()
    # With a ledger made afresh the others are asked, and it votes again.
    bank.crash()
    bank.is_store_repaired = False
    bank.lose_disk()
    bank.start()
    for nonce in range(4, 8):
        settle(network, nonce)
    assert votes_after(bank, said_before) != []
    network.assert_agreement()


def test_crash_while_waiting_does_not_end_the_wait(network: SmallNetwork) -> None:
    settle(network, 0)
    bank, other = network.banks[:2]
    bank.crash()
    bank.lose_disk()
    other.crash()
    for _ in range(3):
        bank.start()
        network.world.advance(3_000)
        assert is_waiting(bank)
        bank.crash()
    other.start()
    bank.start()
    network.run_until(lambda: not is_waiting(bank), within_ms=10_000)
    found = resume_view(bank)
    bank.crash()
    bank.start()
    assert resume_view(bank) == found, "the resume view is durable"
    for nonce in range(1, 5):
        settle(network, nonce)
    bank.crash()
    bank.start()
    assert not is_waiting(bank), "older votes in the log are no reason to wait again"
    network.assert_agreement()


def test_validator_at_both_sides_of_its_resume_view_signs_above_it_only(network: SmallNetwork) -> None:
    settle(network, 0)
    bank = network.banks[0]
    bank.crash()
    bank.lose_disk()
    said_before = len(bank.said)
    bank.start()
    network.run_until(lambda: not is_waiting(bank), within_ms=10_000)
    found = resume_view(bank)
    assert bank.node is not None
    state = bank.node.machine.state
    assert state.view < found, "two views above the highest proved one"
    for nonce in range(1, 6):
        settle(network, nonce)
    views = votes_after(bank, said_before)
    assert min(views) == found
    network.assert_agreement()


# The key on two hosts


def hear_own_nullify(network: SmallNetwork, bank: Bank, view: int) -> None:
    """Let a peer pass on a nullify of `view` with this bank's signature, given by another host."""
    index = network.genesis.validators.index_of(bytes(SigningKey(consensus_seed(bank.number)).verify_key))
    assert index is not None and bank.node is not None
    statement = Statement(Kind.NULLIFY, Epoch(0), View(view), View(0), ZERO_HASH)
    signature = SigningKey(consensus_seed(bank.number)).sign(sign_bytes(bank.domain, statement)).signature
    vote = encode_vote(Vote(statement, index, signature))
    bank.node.inbound.frame_received(network.banks[-1].peer, Channel.VOTES, vote)
    network.world.advance(200)


@pytest.mark.parametrize("is_above_the_known", [True, False], ids=["above what it remembers", "at its edge"])
def test_own_signature_seen_by_peers_stops_voting(network: SmallNetwork, is_above_the_known: bool) -> None:
    """A restarted validator knows all its votes above the final head, and judges none at or below it."""
    settle(network, 0)
    bank = network.banks[0]
    bank.crash()
    network.world.advance(200)
    bank.start()
    network.world.advance(500)
    assert bank.node is not None
    state = bank.node.machine.state
    said_before = len(bank.said)
    hear_own_nullify(network, bank, state.own_known_above + is_above_the_known)
    assert state.stopped is (StopReason.DUPLICATE_KEY if is_above_the_known else None)
    for nonce in (1, 2, 3):
        settle(network, nonce)
    assert bool(votes_after(bank, said_before)) != is_above_the_known


def test_validator_that_stopped_voting_stays_stopped_through_restarts_and_follows(network: SmallNetwork) -> None:
    settle(network, 0)
    bank = network.banks[0]
    assert bank.node is not None
    hear_own_nullify(network, bank, bank.node.machine.state.view)
    assert bank.node.machine.stopped is StopReason.DUPLICATE_KEY
    said_before = len(bank.said)
    for nonce in (1, 2, 3):
        bank.crash()
        bank.start()
        assert bank.node.machine.stopped is StopReason.DUPLICATE_KEY
        settle(network, nonce)
    assert votes_after(bank, said_before) == []
    assert bank.output.getvalue().count("voting_stopped") == 4
    # A guard that is lost with the rest is no way around it: the key still runs elsewhere, and the log remembers.
    bank.crash()
    (bank.folder / "signguard.log").unlink()
    bank.start()
    assert bank.node.machine.stopped is StopReason.DUPLICATE_KEY


# What a restart must find


def test_no_vote_before_replay_ends(network: SmallNetwork) -> None:
    """Whatever peers say in the first moment meets a machine that has its own votes again."""
    settle(network, 0)
    for bank in network.banks:
        network.world.advance(40)
        bank.crash()
        said_before = len(bank.said)
        bank.start()
        assert bank.node is not None
        logged = {record.statement for record in recovered_votes(bank)}
        known = {statement for said in bank.node.machine.state.own.values() for statement in said}
        assert logged <= known
        assert set(bank.said[said_before:]) <= logged, "only what is in the log is said again"
    settle(network, 1)
    network.assert_agreement()


def recovered_votes(bank: Bank) -> list[OwnVoteRecord]:
    assert bank.recovered is not None
    head = bank.recovered.head.view
    return [
        record
        for record in bank.recovered.records
        if isinstance(record, OwnVoteRecord) and record.statement.view > head
    ]


def test_every_certificate_survives_restart(network: SmallNetwork) -> None:
    """A view, once entered and voted in, is entered again: the certificates that led there are in the log."""
    settle(network, 0)
    network.banks[3].crash()
    for bank in network.banks[:2]:
        bank.submit(raw_payment(ALICE_KEY, 1, DAVE, 1))
    for _ in range(30):
        network.world.advance(150)
        for bank in network.banks[:3]:
            assert bank.node is not None
            view, floor = bank.node.machine.state.view, bank.node.machine.state.floor
            voted = max(said.view for said in bank.said)
            bank.crash()
            bank.start()
            state = bank.node.machine.state
            assert state.view >= voted
            assert state.view >= view or view > voted, "a view nothing was signed in may be entered again later"
            assert state.floor >= bank.chain().final_head().view
            assert state.floor <= floor
            assert state.view == 1 or state.entry is not None or state.view == state.head.view + 1
    network.assert_agreement()


def test_restart_after_clean_stop_reads_wal(network: SmallNetwork) -> None:
    settle(network, 0)
    network.banks[0].crash()
    network.banks[1].crash()
    # Two of four: what they sign now can become nothing, and must be found again.
    payment = raw_payment(ALICE_KEY, 1, DAVE, 1)
    network.banks[2].submit(payment)
    network.world.advance(8_000)
    bank = network.banks[2]
    last = max((said.view, said.kind) for said in bank.said)
    bank.crash()
    bank.start()
    assert bank.node is not None
    assert last in {(said.view, said.kind) for said in bank.said[-4:]}, "said again, byte for byte"
    assert any(statement.view == last[0] for statement in bank.node.machine.state.own[View(last[0])])
    network.banks[0].start()
    network.banks[1].start()
    network.banks[0].submit(payment)
    network.run_until(lambda: bank.chain().locate(keccak256(payment)) is not None, within_ms=30_000)
    network.assert_agreement()


def test_sync_resumes_after_restart(network: SmallNetwork) -> None:
    settle(network, 0)
    away = network.banks[1]
    away.crash()
    for nonce in range(1, 12):
        settle(network, nonce)
    target = max(bank.height for bank in network.running())
    for pause_ms in (5, 20, 45):
        away.start()
        network.world.advance(pause_ms)
        away.crash()
    assert away.chain().final_head().height < target
    away.start()
    network.run_until(lambda: away.height >= target, within_ms=20_000)
    network.assert_agreement()


@pytest.mark.parametrize("part", ["log", "guard"])
def test_full_disk_ends_the_process_and_nothing_of_that_turn_is_sent(network: SmallNetwork, part: str) -> None:
    settle(network, 0)
    bank = network.banks[0]
    assert bank._wal is not None and bank._signer is not None

    def full(*_: object, **__: object) -> None:
        raise WriteFailed(part, "No space left on device")

    if part == "log":
        bank._wal.append_batch = full  # type: ignore[method-assign]  # this disk is full
    else:
        bank._signer.sync = full  # type: ignore[method-assign]  # likewise
    for other in network.banks:
        other.submit(raw_payment(ALICE_KEY, 1, DAVE, 1))
    said_before = len(bank.said)
    with pytest.raises(WriteFailed):
        network.world.advance(10_000)
    network.world.advance(1_000)
    assert votes_after(bank, said_before) == []
    bank.crash()
    bank.start()
    assert not is_waiting(bank)
    payment = keccak256(raw_payment(ALICE_KEY, 1, DAVE, 1))
    network.run_until(lambda: bank.chain().locate(payment) is not None, within_ms=30_000)
    network.assert_agreement()


# Across the ends of epochs


@pytest.fixture
def short_epochs(tmp_path: Path) -> Iterator[SmallNetwork]:
    network = SmallNetwork(tmp_path, parameters=(*PARAMETERS, ("epoch_blocks_max", 5)))
    network.start()
    yield network
    stop(network)


def epoch_of(bank: Bank) -> int:
    assert bank.node is not None
    return bank.node.machine.validators.epoch


def said_in(bank: Bank, epoch: int) -> list[int]:
    return [said.view for said in bank.said if said.epoch == epoch]


def test_lost_disk_rejoins_epochs_later(short_epochs: SmallNetwork) -> None:
    network = short_epochs
    for nonce in range(3):
        settle(network, nonce)
    bank = network.banks[0]
    bank.crash()
    bank.lose_disk()
    for nonce in range(3, 6):
        settle(network, nonce)
    said_before = len(bank.said)
    bank.start()
    network.run_until(lambda: not is_waiting(bank), within_ms=20_000)
    found, view = epoch_of(bank), resume_view(bank)
    assert found == epoch_of(network.banks[1])
    assert {said.epoch for said in bank.said[said_before:]} <= {found}
    for nonce in range(6, 16):
        settle(network, nonce)
    assert all(said.view >= view for said in bank.said[said_before:] if said.epoch == found)
    assert said_in(bank, found + 1) and min(said_in(bank, found + 1)) >= 2, "view 1 of the next epoch is left out"
    assert min(said_in(bank, found + 2)) == 1, "and no other"
    network.assert_agreement()


def test_wait_that_lasts_beyond_the_end_of_an_epoch_begins_again_in_the_next(
    short_epochs: SmallNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = short_epochs
    settle(network, 0)
    bank = network.banks[0]
    bank.crash()
    bank.lose_disk()
    said_before = len(bank.said)

    def proves_from_epoch_two_on(status: Status, _domain: SigningDomain, _validators: ValidatorSet) -> View | None:
        return status.view if status.final_epoch >= 2 else None

    monkeypatch.setattr("node.runtime.resume.proved_view", proves_from_epoch_two_on)
    bank.start()
    for nonce in range(1, 9):
        settle(network, nonce)
        if epoch_of(bank) < 2:
            assert is_waiting(bank)
            assert len(bank.said) == said_before
    network.run_until(lambda: not is_waiting(bank), within_ms=20_000)
    for nonce in range(9, 13):
        settle(network, nonce)
    assert min(said.epoch for said in bank.said[said_before:]) >= 2
    network.assert_agreement()


def test_restart_in_the_epoch_after_the_statuses_still_leaves_view_one_out(short_epochs: SmallNetwork) -> None:
    network = short_epochs
    for nonce in range(2):
        settle(network, nonce)
    bank = network.banks[0]
    bank.crash()
    bank.lose_disk()
    bank.start()
    network.run_until(lambda: not is_waiting(bank), within_ms=20_000)
    found = epoch_of(bank)
    nonce = 2
    while epoch_of(network.banks[1]) == found:
        settle(network, nonce)
        nonce += 1
    for after, expected in ((found + 1, 2), (found + 2, 0)):
        while epoch_of(network.banks[1]) < after or epoch_of(bank) < after:
            settle(network, nonce)
            nonce += 1
        bank.crash()
        bank.start()
        assert resume_view(bank) == expected
    network.assert_agreement()
