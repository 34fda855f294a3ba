"""The page of costs is what the node counts today."""

from tests.contracts.settlement.gas import PAGE, page


def test_the_page_of_costs_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.contracts.settlement.gas"
