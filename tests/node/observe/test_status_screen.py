"""The screen says what the facts say; text and JSON come from the same record."""

import json
from dataclasses import replace

import pytest

from consensus.primitives.scalars import Height, View
from node.observe.facts import ResumeFacts
from node.observe.status_screen import (
    format_minor,
    render_status,
    render_validators,
    status_json,
    validators_json,
)
from tests.node.observe.example import HEALTHY

SCREEN = """\
bank-a-1   validator 0 of 4 (quorum 3)            Sycee 0.1.0 (3f9a2c1)      chain 23790
final      1204   0.3 s ago            epoch 3 (block 204 of 3600)   view 1292, 0 since final
signed     50 of last 50               nullified views as leader  0 of 7
links      3 of 3   slowest gamma 41 ms     clock +3 ms      sync in step
pending    12 txs   oldest 0.1 s            disk 71 % free   fsync p99 2.1 ms   RSS 412 MiB
supply     1,234.56 EUR   5,000 JPY
evidence   none
"""


def test_the_screen_of_a_healthy_validator() -> None:
    assert render_status(HEALTHY) == SCREEN


def test_a_follower_signs_nothing_and_its_screen_does_not_pretend() -> None:
    screen = render_status(replace(HEALTHY, role="follower", validator_index=None))

    assert "signed" not in screen
    assert "follower, 4 validators (quorum 3)" in screen


def test_a_node_that_is_behind_says_so() -> None:
    facts = replace(HEALTHY, height_best=Height(1300), is_syncing=True)

    assert "catching up, 96 behind" in render_status(facts)
    assert status_json(facts)["height_lag"] == 96


def test_the_json_form_is_json_and_money_is_a_string() -> None:
    content = json.loads(json.dumps(status_json(HEALTHY)))

    assert content["final"]["height"] == 1204
    assert content["supplies"][0] == {"code": "EUR", "decimals": 2, "supply_minor": "123456"}
    assert content["clock_offset_ms"] == 3


WAITING = ResumeFacts(
    reason="its disk was lost",
    resume_view=None,
    answers_needed=3,
    answered=("beta",),
    missing=("gamma", "delta"),
    forgetful=(),
    obstacle="",
)


def test_a_validator_that_waits_says_why_and_for_whom() -> None:
    facts = replace(HEALTHY, resume=WAITING)
    lines = render_status(facts).splitlines()

    assert "voting     waits: its disk was lost" in lines
    assert "voting     answers 1 of 3   missing gamma, delta" in lines
    voting = status_json(facts)["voting"]
    assert isinstance(voting, dict)
    assert voting["resume"] is not None


def test_a_validator_that_cannot_resume_says_what_people_must_do() -> None:
    waiting = replace(WAITING, forgetful=("gamma",), obstacle="2 of 4 have forgotten")
    screen = render_status(replace(HEALTHY, resume=waiting))

    assert "forgotten too gamma" in screen
    assert "CANNOT: 2 of 4 have forgotten (docs/operators/failover.md)" in screen


def test_a_validator_that_knows_its_resume_view_names_it() -> None:
    waiting = replace(WAITING, resume_view=View(1295), missing=())

    assert "voting     from view 1295 on: its disk was lost" in render_status(replace(HEALTHY, resume=waiting))


def test_a_validator_that_stopped_voting_says_so_before_anything_else() -> None:
    screen = render_status(replace(HEALTHY, resume=WAITING, voting_stopped="its key runs elsewhere"))

    assert "voting     STOPPED: its key runs elsewhere (docs/operators/failover.md)" in screen
    assert "waits" not in screen


def test_validators_are_listed_with_their_keys() -> None:
    content = validators_json(HEALTHY)
    text = render_validators(content)

    assert text.startswith("epoch 3, quorum 3\n")
    assert "0x" + "02" * 32 in text


@pytest.mark.parametrize(
    ("amount", "decimals", "shown"),
    [(0, 2, "0.00"), (5, 2, "0.05"), (123_456_789, 2, "1,234,567.89"), (1_000, 0, "1,000"), (1_001, 3, "1.001")],
)
def test_minor_units_are_shown_exactly(amount: int, decimals: int, shown: str) -> None:
    assert format_minor(amount, decimals) == shown
