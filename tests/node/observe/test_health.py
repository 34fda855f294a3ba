"""Each check of /livez and /readyz passes at its bound and fails one beyond it, naming itself."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import Height
from node.observe.facts import NodeFacts
from node.observe.health import all_passed, live_checks, ready_checks, render_checks
from tests.node.observe.example import HEALTHY, link

H = HEALTHY


def failed(facts: NodeFacts) -> list[str]:
    return [check.name for check in ready_checks(facts) if not check.passed]


def test_a_healthy_node_lives_and_is_ready() -> None:
    assert all_passed(live_checks(H))
    assert all_passed(ready_checks(H))
    assert render_checks(ready_checks(H)) == "ok\n"


@pytest.mark.parametrize(
    ("name", "at_the_bound", "beyond"),
    [
        ("height_lag", replace(H, height_best=Height(1206)), replace(H, height_best=Height(1207))),
        ("links", replace(H, links=(link("beta"), link("gamma"))), replace(H, links=(link("beta"),))),
        ("pending_oldest", replace(H, pending_oldest_age_ms=4_999), replace(H, pending_oldest_age_ms=5_000)),
        ("last_final", replace(H, final_age_ms=29_999), replace(H, final_age_ms=30_000)),
        (
            "clock_offset",
            replace(H, links=(link("beta", offset_ms=-499), link("gamma", offset_ms=-499))),
            replace(H, links=(link("beta", offset_ms=-500), link("gamma", offset_ms=-500))),
        ),
        ("disk_free", replace(H, disk_free_thousandths=51), replace(H, disk_free_thousandths=50)),
    ],
)
def test_a_check_passes_at_its_bound_and_fails_beyond(name: str, at_the_bound: NodeFacts, beyond: NodeFacts) -> None:
    assert failed(at_the_bound) == []
    assert failed(beyond) == [name]
    assert render_checks(ready_checks(beyond)).startswith(f"failed {name}: ")


def test_a_link_that_is_down_does_not_count() -> None:
    links = (link("beta"), link("gamma", is_up=False), link("delta", is_up=False))

    assert failed(replace(H, links=links)) == ["links"]


def test_a_follower_needs_one_link() -> None:
    follower = replace(H, role="follower", validator_index=None)

    assert failed(replace(follower, links=(link("beta"),))) == []
    assert failed(replace(follower, links=())) == ["links"]


@pytest.mark.parametrize(
    ("facts", "lives"),
    [
        (replace(H, loop_idle_ms=2_000), True),
        (replace(H, loop_idle_ms=2_001), False),
        (replace(H, is_wal_writable=False), False),
    ],
)
def test_a_stuck_loop_or_a_broken_wal_is_not_alive(facts: NodeFacts, lives: bool) -> None:
    assert all_passed(live_checks(facts)) is lives


def test_one_wrong_clock_among_three_does_not_make_us_unready() -> None:
    links = (link("beta", offset_ms=0), link("gamma", offset_ms=2), link("delta", offset_ms=90_000))

    assert failed(replace(H, links=links)) == []
