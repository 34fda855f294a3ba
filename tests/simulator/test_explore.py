"""A little of the search through all orders of events, and wrong rules that it must find."""

import copy

import pytest

from tests.simulator import explore
from tests.simulator.explore import VALIDATORS, Explorer, run_explore
from tests.simulator.patches import Patch, patched_all
from tests.simulator.small_scope import Host, Ledger, copied_host, host_key
from tests.simulator.twins import begin


def test_first_orders_of_events_break_nothing() -> None:
    said: list[str] = []
    explored = Explorer(2, states_max=120).run(said.append)
    assert explored.broken == []
    assert explored.depth >= 2
    assert "depth 1" in said[1]


def test_a_search_with_nothing_to_begin_with_is_refused() -> None:
    with pytest.raises(ValueError):
        run_explore("everything", lambda _line: None)


def test_a_crash_that_forgets_its_votes_dies() -> None:
    """It notarizes one proposal of the Byzantine leader, forgets it, and notarizes the other."""

    def forgetful(host: Host) -> None:
        host.disk.clear()
        host.start(VALIDATORS)

    with patched_all((Patch(explore, "_restart", forgetful),)):
        explored = Explorer(1, states_max=119).run(lambda _line: None)
    assert any(broken.startswith("no_double_sign") for broken in explored.broken)


def test_copied_host_goes_its_own_way() -> None:
    network = begin(1)
    network.run_view(1, (0, 0, 0, 1, 1))
    for host in network.hosts:
        before, kept = host_key(host), copy.deepcopy(host.machine.state)
        copied = copied_host(host)
        assert host_key(copied) == before
        for kind in list(copied.timers):
            copied.fire(kind)
        assert host_key(host) == before
        assert host.machine.state.own == kept.own
        assert host.machine.state.certificates == kept.certificates
        assert host.machine.state.timers == kept.timers


def test_key_tells_apart_hosts_that_said_different_things() -> None:
    ledger = Ledger()
    hosts = [Host(0, 0, ledger, is_honest=True) for _ in range(2)]
    for host in hosts:
        host.start(4)
    assert host_key(hosts[0]) == host_key(hosts[1])
    hosts[1].fire(next(iter(hosts[1].timers)))
    assert host_key(hosts[0]) != host_key(hosts[1])
