"""Every story, on networks of real processes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from tests.scenarios.playing import SCENARIOS, headline, play, stages
from tests.scenarios.stage import NotRefused, Stage, Surprise

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Stage]]:
    """As many networks as any story needs."""
    with ExitStack() as open_until:
        folder = tmp_path_factory.mktemp("scenarios")
        yield stages(max(SCENARIOS.values()), folder, lambda sentence: None, open_until)


@pytest.mark.parametrize("name", SCENARIOS)
def test_story_comes_to_the_balances_it_tells(name: str, networks: Sequence[Stage]) -> None:
    assert headline(name).endswith(".")
    play(name, networks)


def test_a_story_that_tells_too_little_is_caught(networks: Sequence[Stage]) -> None:
    stage = networks[0]
    euro = stage.currency("EUR")
    with pytest.raises(Surprise, match="happened"), stage.changes({"alice": {"EUR": -1}}):
        stage.send("alice", euro.functions.transfer(stage.address("bob"), 1))
    with pytest.raises(NotRefused):
        stage.refused("alice", euro.functions.transfer(stage.address("bob"), 1), "ERC20InsufficientBalance")
