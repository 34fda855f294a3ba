"""Every directed scenario by its name, and every mutant's death."""

import pytest

from consensus.simplex import view
from tests.simulator.mutants import MUTANTS, Change, Mutant, StaleMutant, check_mutant, patched
from tests.simulator.scenarios import SCENARIOS, run_scenario, run_scenarios


def play(name: str) -> None:
    result = run_scenario(name)
    assert (result.checker, result.detail) == ("", "")


def test_idle_chain_then_first_payment_is_prompt() -> None:
    play("idle_chain_then_first_payment_is_prompt")


def test_idle_chain_says_nothing_but_heartbeats() -> None:
    play("idle_chain_says_nothing_but_heartbeats")


def test_no_fork_with_heartbeats() -> None:
    play("no_fork_with_heartbeats")


def test_heartbeat_with_the_next_leader_known_to_be_dead() -> None:
    play("heartbeat_with_the_next_leader_known_to_be_dead")


def test_heartbeat_with_the_next_leader_not_yet_known_to_be_dead() -> None:
    play("heartbeat_with_the_next_leader_not_yet_known_to_be_dead")


def test_idle_network_with_a_dead_next_leader_settles_within_one_time_out() -> None:
    play("idle_network_with_a_dead_next_leader_settles_within_one_time_out")


def test_payment_that_reaches_one_node_only() -> None:
    play("payment_that_reaches_one_node_only")


def test_payment_to_all_but_the_leader() -> None:
    play("payment_to_all_but_the_leader")


def test_node_that_learns_just_before_the_others_time_out() -> None:
    play("node_that_learns_just_before_the_others_time_out")


def test_transaction_nobody_can_include_lets_the_chain_sleep() -> None:
    play("transaction_nobody_can_include_lets_the_chain_sleep")


def test_nullifiers_on_an_idle_chain_lose_no_view() -> None:
    play("nullifiers_on_an_idle_chain_lose_no_view")


def test_self_nulling_leader_is_carried_then_silence() -> None:
    play("self_nulling_leader_is_carried_then_silence")


def test_delay_around_the_bound_makes_no_chain_of_empty_blocks() -> None:
    play("delay_around_the_bound_makes_no_chain_of_empty_blocks")


def test_forty_nullified_views_then_a_proposal() -> None:
    play("forty_nullified_views_then_a_proposal")


def test_fast_clock_slows_nobody_behind_it() -> None:
    play("fast_clock_slows_nobody_behind_it")


def test_far_validator_within_the_bound_still_leads() -> None:
    play("far_validator_within_the_bound_still_leads")


@pytest.mark.parametrize("variant", ["in_group_leader", "lone_holder", "displaced_view"])
def test_certified_split_heals(variant: str) -> None:
    play(f"certified_split_heals_{variant}")


def test_nullification_does_not_cancel_certify() -> None:
    play("nullification_does_not_cancel_certify")


def test_no_finalize_after_nullify() -> None:
    play("no_finalize_after_nullify")


def test_all_crash_after_nullify_then_progress() -> None:
    play("all_crash_after_nullify_then_progress")


def test_leader_that_restarts_proposes_nothing_else() -> None:
    play("leader_that_restarts_proposes_nothing_else")


def test_restart_after_finalize_never_nullifies() -> None:
    play("restart_after_finalize_never_nullifies")


def test_leader_behind_a_gap_waits_for_certificates() -> None:
    play("leader_behind_a_gap_waits_for_certificates")


def test_half_of_the_validators_decides_nothing() -> None:
    play("half_of_the_validators_decides_nothing")


def test_validator_crash_under_load_costs_one_time_out_once() -> None:
    play("validator_crash_under_load_costs_one_time_out_once")


def test_seen_certificate_still_certifies_block() -> None:
    play("seen_certificate_still_certifies_block")


def test_late_body_delays_every_vote_for_it() -> None:
    play("late_body_delays_every_vote_for_it")


def test_lost_answer_is_asked_for_again() -> None:
    play("lost_answer_is_asked_for_again")


def test_late_parent_costs_no_view() -> None:
    play("late_parent_costs_no_view")


def test_rejoin_time_independent_of_outage() -> None:
    play("rejoin_time_independent_of_outage")


def test_long_bad_spell_ends_with_it() -> None:
    play("long_bad_spell_ends_with_it")


def test_everybody_restarts_from_what_is_final() -> None:
    play("everybody_restarts_from_what_is_final")


def test_slow_disk_sends_nothing_early() -> None:
    play("slow_disk_sends_nothing_early")


def test_own_vote_that_completes_a_quorum_waits_for_its_sync() -> None:
    play("own_vote_that_completes_a_quorum_waits_for_its_sync")


def test_validator_that_missed_sixty_blocks_catches_up() -> None:
    play("validator_that_missed_sixty_blocks_catches_up")


def test_conflicting_certificates_are_evidence() -> None:
    play("conflicting_certificates_are_evidence")


def test_contradiction_heard_is_accused() -> None:
    play("contradiction_heard_is_accused")


def test_certificate_one_signer_short_is_refused() -> None:
    play("certificate_one_signer_short_is_refused")


def test_far_view_numbers_bounded() -> None:
    play("far_view_numbers_bounded")


def test_status_without_proof_changes_nothing() -> None:
    play("status_without_proof_changes_nothing")


def test_one_far_certificate_cannot_amplify_fetches() -> None:
    play("one_far_certificate_cannot_amplify_fetches")


def test_time_never_derived_from_signatures() -> None:
    play("time_never_derived_from_signatures")


def test_progress_with_f_down_across_stale_proposals() -> None:
    play("progress_with_f_down_across_stale_proposals")


def test_lost_memory_contradicts_nothing() -> None:
    play("lost_memory_contradicts_nothing")


def test_view_without_proof_moves_no_resume_view() -> None:
    play("view_without_proof_moves_no_resume_view")


def test_announced_junk_wakes_nobody() -> None:
    play("announced_junk_wakes_nobody")


def test_two_crashes_of_seven_under_load_cost_one_time_out_each() -> None:
    play("two_crashes_of_seven_under_load_cost_one_time_out_each")


def test_last_block_half_given_up_is_proposed_again_and_is_one_boundary() -> None:
    play("last_block_half_given_up_is_proposed_again_and_is_one_boundary")


def test_everybody_restarts_at_the_boundary() -> None:
    play("everybody_restarts_at_the_boundary")


def test_validator_that_missed_three_epochs_votes_in_the_fourth() -> None:
    play("validator_that_missed_three_epochs_votes_in_the_fourth")


def test_remove_validator_keeps_chain() -> None:
    play("remove_validator_keeps_chain")


def test_certificates_of_the_last_epoch_move_nobody() -> None:
    play("certificates_of_the_last_epoch_move_nobody")


def test_no_block_gives_a_bank_more_than_its_share() -> None:
    play("no_block_gives_a_bank_more_than_its_share")


def test_no_block_holds_an_unregistered_senders_transaction() -> None:
    play("no_block_holds_an_unregistered_senders_transaction")


def test_every_scenario_has_its_test() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {name for name in SCENARIOS if not name.startswith("certified_split_heals_")} <= tested


@pytest.mark.parametrize("name", MUTANTS)
def test_wrong_rule_dies_by_its_checker(name: str) -> None:
    said: list[str] = []
    assert check_mutant(name, said.append), said


def test_mutant_that_its_scenario_does_not_notice_is_told() -> None:
    said: list[str] = []
    unnoticed = Mutant("agreement", "payment_to_all_but_the_leader", MUTANTS["join_with_f"].changes)
    assert not check_mutant("unnoticed", said.append, {"unnoticed": unnoticed})
    assert "FAILED to die" in said[0]


def test_mutant_is_gone_afterwards_and_a_stale_one_never_begins() -> None:
    right = view.join.__code__
    with patched(MUTANTS["join_with_f"]):
        assert view.join.__code__ is not right
    assert view.join.__code__ is right
    with pytest.raises(StaleMutant), patched(Mutant("", "", (Change(view.join, "no such text", ""),))):
        raise AssertionError("a stale mutant began")
    assert view.join.__code__ is right


def test_failed_scenario_is_told_with_a_line_to_paste() -> None:
    said: list[str] = []
    noticing = MUTANTS["join_with_f"].scenario
    with patched(MUTANTS["join_with_f"]):
        failed = run_scenarios([noticing, "payment_to_all_but_the_leader"], said.append)
    assert failed == [noticing]
    assert "FAILED idle_quiet" in said[0]
    assert said[1].strip() == f"python -m tests.simulator --scenario {noticing}"
