"""Every check passes on what is right and fails on the one thing that is changed."""

from dataclasses import replace

from consensus.primitives.scalars import Address
from node.cli.network_plan import OPENING_UNITS
from node.dev_accounts import PEOPLE
from tests.testnet.checks import (
    Ledgers,
    causeless_errors,
    check_agreement,
    check_conservation,
    check_gap,
    check_payments,
    check_prefix,
    check_recovery,
)
from tests.testnet.faults import Event
from tests.testnet.history import PaymentRecord
from tests.testnet.load import FUNDING_MINOR
from tests.testnet.manifest import Expectation, Kind, Outcome, Perturbation

CLIENTS = {"client": Address(b"\x01" * 20)}
SENT = [PaymentRecord("0xaa", "client", 0, 0, 5, 1, "hash1", "alpha")]
BALANCES = {
    "client": FUNDING_MINOR - 1,
    "register": 1,
    **{person.name: OPENING_UNITS * 100 for person in PEOPLE},
}
SUPPLY = FUNDING_MINOR + OPENING_UNITS * 100 * len(PEOPLE)
GOOD = Ledgers(
    height=1,
    hashes={"alpha": ("hash0", "hash1"), "beta": ("hash0", "hash1")},
    payments={"alpha": {"0xaa": 1}, "beta": {"0xaa": 1}},
    balances={"alpha": BALANCES, "beta": BALANCES},
    supplies={"alpha": SUPPLY, "beta": SUPPLY},
)
EXPECT = Expectation(recover_s=1, finality_gap_s=2.0, payments_min=1, errors=())
KILL = Perturbation(Kind.KILL, "beta", 1.0, 1.0, Outcome.RECOVERS)


def test_equal_chains_agree_and_one_other_hash_does_not() -> None:
    assert check_agreement(GOOD).agrees
    forked = replace(GOOD, hashes={**GOOD.hashes, "beta": ("hash0", "other")})
    assert check_agreement(forked).differences == ("height 1: alpha hash1, beta other",)


def test_chain_of_a_node_that_left_must_begin_everybodys_chain() -> None:
    assert check_prefix(GOOD, "gamma", ("hash0",)).agrees
    assert not check_prefix(GOOD, "gamma", ("hash0", "other")).agrees


def test_balances_that_make_the_supply_are_conserved_and_one_unit_less_is_not() -> None:
    assert check_conservation(GOOD, CLIENTS, SENT).agrees
    poorer = {**BALANCES, "register": 0}
    differences = check_conservation(replace(GOOD, balances={"alpha": poorer}), CLIENTS, SENT).differences
    assert any("balances make" in text for text in differences)
    assert any("register holds 0, payments leave 1" in text for text in differences)


def test_supply_that_grew_by_itself_is_told() -> None:
    grown = replace(GOOD, supplies={"alpha": SUPPLY + 1, "beta": SUPPLY})
    assert any("supply" in text for text in check_conservation(grown, CLIENTS, SENT).differences)


def test_final_payment_must_be_everywhere_once_in_the_same_block_and_nothing_else() -> None:
    assert check_payments(GOOD, SENT, 1).agrees
    cases = {
        "beta lacks 0xaa": replace(GOOD, payments={**GOOD.payments, "beta": {}}),
        "0xaa is there twice": replace(GOOD, payments={**GOOD.payments, "beta": {"0xaa": -1}}),
        "0xbb was never sent": replace(GOOD, payments={**GOOD.payments, "beta": {"0xaa": 1, "0xbb": 1}}),
        "beta has another": replace(GOOD, hashes={**GOOD.hashes, "beta": ("hash0", "other")}),
    }
    for says, ledgers in cases.items():
        assert any(says in text for text in check_payments(ledgers, SENT, 1).differences), says


def test_too_few_payments_and_a_refused_one_are_told() -> None:
    assert not check_payments(GOOD, SENT, 2).agrees
    refused = replace(SENT[0], refused="reverted")
    assert any("was refused: reverted" in text for text in check_payments(GOOD, [refused], 1).differences)


def test_perturbation_without_recovery_is_told() -> None:
    assert check_recovery([Event(KILL, 1.0, 2.0, 3.0)], []).agrees
    assert not check_recovery([Event(KILL, 1.0, 2.0)], []).agrees
    assert not check_recovery([Event(KILL, 1.0, 2.0, 3.0, "late")], []).agrees
    assert not check_recovery([], ["eta"]).agrees


def test_gap_up_to_the_bound_passes_and_beyond_it_does_not() -> None:
    assert check_gap(2.0, EXPECT).agrees
    assert not check_gap(2.01, EXPECT).agrees


def test_error_line_without_a_cause_is_told_and_one_with_a_cause_is_not() -> None:
    time = "2026-11-23T04:15:09.280Z"
    lines = [
        f"{time} INFO  final height=1",
        f"{time} ERROR failed reason=No space left on device",
        "Traceback (most recent call last):",
        "WriteFailed: No space left on device",
        f"{time} INFO  stopped",
    ]
    assert causeless_errors(lines, ["No space left"]) == []
    assert causeless_errors(lines, []) == lines[1:3]
    assert causeless_errors([*lines, "Traceback (most recent call last):"], ["No space left"]) == [
        "Traceback (most recent call last):"
    ]
