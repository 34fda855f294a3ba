"""Wrong rules that must be noticed: each mutant changes lines of production functions in memory, and the checker it
names must object in the scenario it names.

A checker that has never failed proves nothing. Production code has no hooks for this: the text of a function is
changed, compiled, and put in its place. A change whose text no longer stands in the function fails, so a mutant cannot
outlive the rule it breaks.
"""

import inspect
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType
from typing import Any

from consensus.simplex import admission, certificates, certifying, machine, pacing, parameters, sign_guard, view
from consensus.simplex.validators import ValidatorSet
from consensus.simplex.votes import VoteBook
from contracts.native import money
from network.policing import PeerBook
from node.chain import commit
from node.execution import transition
from node.execution.shares import BlockShares
from node.peers import peer_status
from node.peers.requests import Requester
from node.runtime import recovery
from node.runtime.driver import Driver
from node.runtime.durability import WalAndGuard
from node.runtime.inbound import Inbound
from node.storage import guard_file
from node.validator.signer import GuardedSigner
from tests.simulator.batch import ROOT
from tests.simulator.checkers import Checkers
from tests.simulator.run import SeedPlan, run_seed
from tests.simulator.scenarios import Result, run_scenario


class StaleMutant(AssertionError):
    """A mutant whose function has changed under it."""

    def __init__(self, function: str, text: str, count: int) -> None:
        self.function = function
        self.text = text
        self.count = count
        super().__init__(f"{function} holds {count} times what a mutant changes, not once: {text!r}")


@dataclass(frozen=True, slots=True)
class Change:
    """One piece of a function's text, and what stands there instead."""

    function: Any
    """A Python function; methods and the functions behind properties are such."""
    right: str
    wrong: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong rule."""

    checker: str
    """Which must object."""
    scenario: str
    """In which it must object."""
    changes: Sequence[Change]
    """More than one where rules stand behind each other and each alone would hold."""


TWO_INTERPRETERS = "one seed in two interpreters"
"""In place of a scenario: the same seed under two values of PYTHONHASHSEED, which must give the same trace."""

HASH_SEEDS = ("1", "2")
SEED = 1
"""Its nodes have so few peers that two orders of a set may be one by chance; in this seed they are not."""

GUARD_ALLOWS_ALL = Change(sign_guard.may_sign, "any(are_conflicting(signed, wanted) for signed in already)", "False")
"""The last line of defence, asked by machine and signer: a wrong rule before it shows only without it."""

SHORT_CERTIFICATES_PASS = Change(Checkers._certificate_leaves, "len(set(signers)) < quorum or ", "")
"""A checker that objects before the one in question, made deaf."""

COUNTS_OWN_VOTE_LATER = "                effects.append(effect)\n"
COUNTS_OWN_VOTE_AT_ONCE = """                effects.append(effect)
                from consensus.simplex.effects import SignAndSend
                from consensus.simplex.events import VoteReceived
                from consensus.simplex.messages import Vote
                if isinstance(effect, SignAndSend):
                    host = self._perform.__self__
                    signature = host._signer.release(effect.statement)
                    signed = Vote(effect.statement, self.machine.state.own_index, signature)
                    own = VoteReceived(host._admission.admit_own_vote(signed))
                    for early in self.machine.step(own, now_ms):
                        if isinstance(early, Persist):
                            self._durability.append(early.records)
                        else:
                            self._perform(early)
"""
"""A certificate that the own vote completes leaves in the same turn, before the sync."""

MUTANTS: Mapping[str, Mutant] = {
    # What a validator may sign
    "finalize_after_nullify": Mutant(
        "no_double_sign",
        "no_finalize_after_nullify",
        (Change(certifying._certified, " and not state.has_own(view, Kind.NULLIFY)", ""), GUARD_ALLOWS_ALL),
    ),
    "nullify_after_finalize": Mutant(
        "no_double_sign",
        "restart_after_finalize_never_nullifies",
        (Change(view.join, " or state.has_own(view, Kind.FINALIZE)", ""), GUARD_ALLOWS_ALL),
    ),
    "second_notarize_after_restart": Mutant(
        "no_double_sign",
        "leader_that_restarts_proposes_nothing_else",
        (
            Change(machine._replay_record, "if statement not in said:", "if False:"),
            Change(GuardedSigner.record, "if not may_sign(already, statement):", "if False:"),
        ),
    ),
    "amnesiac_votes_at_once": Mutant(
        "no_double_sign",
        "lost_memory_contradicts_nothing",
        (Change(guard_file._replace_missing_guard, "waiting_marks(ResumeReason.GUARD_MISSING)", "NO_MARKS"),),
    ),
    "resume_on_unproved_view": Mutant(
        "progress",
        "view_without_proof_moves_no_resume_view",
        (Change(peer_status.proved_view, "        return None\n", "        return status.view\n"),),
    ),
    # Quorums and certificates
    "quorum_2f": Mutant(
        "agreement",
        "half_of_the_validators_decides_nothing",
        (
            Change(
                ValidatorSet.__dict__["quorum"].fget,
                "len(self.validators) - (len(self.validators) - 1) // 3",
                "2 * ((len(self.validators) - 1) // 3)",
            ),
            SHORT_CERTIFICATES_PASS,
        ),
    ),
    "short_certificate_counts": Mutant(
        "certificate_soundness",
        "certificate_one_signer_short_is_refused",
        (
            Change(
                certificates.verify_certificate,
                "if len(signers) != validators.quorum or len(certificate.signatures) != validators.quorum:",
                "if not signers:",
            ),
        ),
    ),
    "old_epoch_accepted": Mutant(
        "certificate_soundness",
        "certificates_of_the_last_epoch_move_nobody",
        (
            Change(Inbound._is_of_this_epoch, "return epoch == running", "return epoch <= running"),
            Change(machine.Machine.wants_certificate, "statement.epoch != state.validators.epoch or ", ""),
            Change(certificates.verify_certificate, "if statement.epoch != validators.epoch:", "if False:"),
            Change(certifying.certificate_received, "if statement.epoch != state.validators.epoch:", "if False:"),
            Change(
                admission.Admission._verify_justification,
                "if certificate.statement.epoch != statement.epoch:",
                "if False:",
            ),
            # Else who finds its own signature in it takes it for a stranger's.
            Change(certifying._check_own_signature, "if state.is_foreign(certificate.statement):", "if False:"),
        ),
    ),
    "last_block_built_upon": Mutant(
        "agreement",
        "last_block_half_given_up_is_proposed_again_and_is_one_boundary",
        (
            Change(view.propose, "if state.is_last_of_epoch(digest):", "if False:"),
            Change(view._judge, "if is_repeated != state.is_last_of_epoch(parent_digest):", "if is_repeated:"),
        ),
    ),
    "no_gap_check": Mutant(
        "ancestry",
        "leader_behind_a_gap_waits_for_certificates",
        (
            Change(view._judge, "if missing:", "if False:"),
            Change(view._find_parent, "if state.nullification(candidate) is None:", "if view <= state.floor:"),
            Change(
                view._send_proposal,
                "for between in skipped)",
                "for between in skipped if (Kind.NULLIFY, View(between)) in state.certificates)",
            ),
        ),
    ),
    "evidence_dropped": Mutant(
        "evidence_complete",
        "contradiction_heard_is_accused",
        (Change(VoteBook.add, "conflict = ConflictingVotes(other, vote)", "conflict = None"),),
    ),
    # Disk before wire
    "send_before_sync": Mutant(
        "durable_before_send",
        "slow_disk_sends_nothing_early",
        (
            Change(
                WalAndGuard.sync_job,
                "return job",
                "late, self.late = getattr(self, 'late', lambda: None), job\n    return late",
            ),
        ),
    ),
    "own_vote_counted_before_sync": Mutant(
        "durable_before_send",
        "own_vote_that_completes_a_quorum_waits_for_its_sync",
        (
            Change(Driver._turn, COUNTS_OWN_VOTE_LATER, COUNTS_OWN_VOTE_AT_ONCE),
            Change(GuardedSigner.release, "assert statement not in self._unsynced", "assert True"),
        ),
    ),
    "guard_not_written": Mutant(
        "durable_before_send",
        "slow_disk_sends_nothing_early",
        (Change(WalAndGuard.sync_job, "self._signer.sync(statements)", "pass"),),
    ),
    "notarize_before_body_durable": Mutant(
        "durable_before_send",
        "seen_certificate_still_certifies_block",
        (Change(Inbound.block_whole, "parts.durability.append_body(block.block_hash, block.body)", "pass"),),
    ),
    "finalize_without_body": Mutant(
        "durable_before_send",
        "late_body_delays_every_vote_for_it",
        (
            Change(
                certifying.certify,
                "if entry.verdict is None:\n        return",
                "if entry.verdict is Verdict.UNKNOWN:\n        return",
            ),
        ),
    ),
    "body_check_skipped": Mutant(
        "durable_before_send",
        "late_body_delays_every_vote_for_it",
        (
            Change(
                view._judge,
                "certify_block(state, facts.digest)\n        return Verdict.UNKNOWN",
                "return Verdict.VALID",
            ),
        ),
    ),
    "commit_not_synced": Mutant(
        "monotone_height",
        "everybody_restarts_from_what_is_final",
        (Change(commit.commit_block, "sync=True", "sync=False"),),
    ),
    "two_batches_per_height": Mutant(
        "equal_bytes_on_disk",
        "everybody_restarts_from_what_is_final",
        (
            Change(
                commit.commit_block,
                "batch.put(META_FINAL_HEAD, encode_final_head(head))\n    store.write(batch, sync=True)",
                "first = WriteBatch()\n    first.put(META_FINAL_HEAD, encode_final_head(head))\n"
                "    store.write(first, sync=True)\n    store.write(batch, sync=False)",
            ),
        ),
    ),
    "floor_moves_back": Mutant(
        "monotone_height",
        "everybody_restarts_from_what_is_final",
        (Change(recovery.recover_head, "view=head.view,", "view=View(0),"),),
    ),
    # Going on
    "own_votes_not_replayed": Mutant(
        "progress",
        "all_crash_after_nullify_then_progress",
        (
            Change(
                view.vote_received,
                "conflict = state.book.add(vote)",
                "if signer == state.own_index and view not in state.own_signed_at:\n        return\n"
                "    conflict = state.book.add(vote)",
            ),
        ),
    ),
    "certify_cancelled_on_nullification": Mutant(
        "progress",
        "nullification_does_not_cancel_certify",
        (
            Change(
                certifying.certify,
                "if view in state.certified:",
                "if view in state.certified or state.nullification(view) is not None:",
            ),
        ),
    ),
    "one_shot_fetch": Mutant(
        "progress",
        "lost_answer_is_asked_for_again",
        (Change(Requester._retry, "self._ask_next(fetch)", "pass"),),
    ),
    "no_sync_answers": Mutant(
        "progress",
        "validator_that_missed_sixty_blocks_catches_up",
        (Change(Inbound._answer, "return answer_block_request(parts.store, request.payload)", "return b''"),),
    ),
    "trouble_is_invalid": Mutant(
        "idle_quiet",
        "late_parent_costs_no_view",
        (
            Change(
                view._judge,
                "return Verdict.UNKNOWN\n    missing = [",
                "return Verdict.INVALID\n    missing = [",
            ),
        ),
    ),
    "unbounded_backoff": Mutant(
        "progress",
        "long_bad_spell_ends_with_it",
        (Change(parameters.backoff, "BACKOFF_THOUSANDTHS[min(k, len(BACKOFF_THOUSANDTHS) - 1)]", "(1_000 << k)"),),
    ),
    "d2_missing": Mutant(
        "progress",
        "self_nulling_leader_is_carried_then_silence",
        (Change(pacing.due_at, "instants.append(state.certified_at[tip] + _carry_after_ms(state))", "pass"),),
    ),
    "silence_for_sixteen_views": Mutant(
        "progress",
        "validator_crash_under_load_costs_one_time_out_once",
        (Change(pacing.is_inactive, "min(state.validators.count, INACTIVE_VIEWS_MAX)", "INACTIVE_VIEWS_MAX"),),
    ),
    # Silence
    "timeouts_when_idle": Mutant(
        "idle_quiet",
        "idle_chain_says_nothing_but_heartbeats",
        (
            Change(
                view._pace_view,
                "disarm_timeouts(state)\n        state.set_timer(TimerKind.WAKE, due)",
                "arm_timeouts(state, state.entered_at)\n        state.set_timer(TimerKind.WAKE, due)",
            ),
        ),
    ),
    "due_ignored": Mutant(
        "idle_quiet",
        "idle_chain_then_first_payment_is_prompt",
        (Change(pacing.arm_timeouts, "start = max(due, state.entered_at)", "start = state.entered_at"),),
    ),
    "join_with_f": Mutant(
        "idle_quiet",
        "nullifiers_on_an_idle_chain_lose_no_view",
        (
            Change(
                view.join,
                "state.book.count(Kind.NULLIFY, view) > state.validators.faulty_max",
                "state.book.count(Kind.NULLIFY, view) >= state.validators.faulty_max",
            ),
        ),
    ),
    "carriers_race": Mutant(
        "idle_quiet",
        "delay_around_the_bound_makes_no_chain_of_empty_blocks",
        (Change(pacing._carry_after_ms, "min(CARRY_LAG_FACTOR * state.final_after_ms, longest_ms)", "0"),),
    ),
    # Order
    "set_order_leaks": Mutant(
        "equal_trace_hashes",
        TWO_INTERPRETERS,
        (Change(PeerBook.replace, "sorted(peers, key=lambda entry: entry.identity.key)", "{*peers}"),),
    ),
    # What a block may hold
    "bank_fills_the_block": Mutant(
        "bank_share",
        "no_block_gives_a_bank_more_than_its_share",
        (Change(BlockShares.validate, "if used + gas_limit > share:", "if False:"),),
    ),
    "anybody_sends": Mutant(
        "permissions",
        "no_block_holds_an_unregistered_senders_transaction",
        (Change(transition.validate_on_state, "if refusal is not None:", "if False:"),),
    ),
    # Money
    "money_from_nothing": Mutant(
        "conservation",
        "idle_chain_then_first_payment_is_prompt",
        (Change(money.move, "context.get_slot(to_slot) + amount", "context.get_slot(to_slot) + amount + 1"),),
    ),
}


def check_mutant(name: str, say: Callable[[str], None], mutants: Mapping[str, Mutant] = MUTANTS) -> bool:
    """Play a mutant's scenario under it and tell whether the right checker objected."""
    mutant = mutants[name]
    if mutant.scenario == TWO_INTERPRETERS:
        result = _in_two_interpreters(name)
    else:
        with patched(mutant):
            result = run_scenario(mutant.scenario)
    has_died = result.checker == mutant.checker
    if has_died:
        say(f"mutant {name} died in {mutant.scenario} by {result.checker}: {result.detail[:160]}")
    else:
        found = f"{result.checker}: {result.detail[:160]}" if result.checker else "nobody"
        say(f"mutant {name} FAILED to die in {mutant.scenario} by {mutant.checker}; what objected: {found}")
    return has_died


def _in_two_interpreters(name: str) -> Result:
    """Run a seed under a mutant in two interpreters that order sets differently."""
    hashes = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulator.mutants", name],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in HASH_SEEDS
    ]
    if len(set(hashes)) == 1:
        return Result("", "")
    return Result("equal_trace_hashes", f"seed {SEED}: {' and '.join(found[:8] for found in hashes)}")


def _print_trace_hash(name: str) -> None:
    with patched(MUTANTS[name]):
        sys.stdout.write(run_seed(SEED, plan=SeedPlan("core", validators=4)).trace_hash + "\n")


@contextmanager
def patched(mutant: Mutant) -> Iterator[None]:
    """Put the mutant's code in the place of the right one while the block runs. Raises: StaleMutant."""
    codes: list[tuple[Any, CodeType]] = []
    try:
        for change in mutant.changes:
            right = change.function.__code__
            codes.append((change.function, right))
            change.function.__code__ = _changed(change)
        yield
    finally:
        for function, right in reversed(codes):
            function.__code__ = right


def _changed(change: Change) -> CodeType:
    """Return the code of a function with a change in its text."""
    name = change.function.__name__
    text = textwrap.dedent(inspect.getsource(change.function))
    count = text.count(change.right)
    if count != 1:
        raise StaleMutant(name, change.right, count)
    compiled = compile(text.replace(change.right, change.wrong), change.function.__code__.co_filename, "exec")
    return next(part for part in compiled.co_consts if isinstance(part, CodeType) and part.co_name == name)


if __name__ == "__main__":
    _print_trace_hash(sys.argv[1])
