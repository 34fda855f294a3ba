"""The currencies that were proven before, for commands that ask nobody."""

from wallet_cli.amounts import Currency
from wallet_cli.errors import UsageRefused
from wallet_cli.session import Session


def pinned_currencies(session: Session) -> list[Currency]:
    """Return the pinned currencies. Raises: UsageRefused if none was ever proven."""
    pinned = session.trust_store.load_currencies()
    if not pinned:
        raise UsageRefused(
            "this network's currencies are not known",
            why="no endpoint proves anything, and none was proven before",
            next_step="once with a network: sycee balance",
            code="CURRENCIES_UNKNOWN",
        )
    return pinned
