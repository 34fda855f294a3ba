"""The whole model: which function a call of OfflineLocks means, and what becomes of it."""

from collections.abc import Callable
from typing import Final

from tests.money.model.ledger import Answer, Order
from tests.money.model.state import Refused, State, Value
from tests.offline.model.held import clear, enforce_held, release_held
from tests.offline.model.locks import extend, open_lock, redeem, refund, release, top_up
from tests.offline.model.play import Offline, Play
from tests.offline.model.purses import claim, close_purse, create_class, flag_purse, open_purse, prove

FUNCTIONS: Final[dict[str, Callable[..., Value | None]]] = {
    "open": open_lock,
    "topUp": top_up,
    "extend": extend,
    "redeem": redeem,
    "release": release,
    "refund": refund,
    "createClass": create_class,
    "openPurse": open_purse,
    "claim": claim,
    "prove": prove,
    "flagPurse": flag_purse,
    "closePurse": close_purse,
    "releaseHeld": release_held,
    "enforceHeld": enforce_held,
    "clear": clear,
}


def answer_offline(state: State, offline: Offline, order: Order, now_s: int) -> Answer:
    """Return what a call of OfflineLocks comes to, and remember it."""
    play = Play(state, offline, order, now_s)
    try:
        result = FUNCTIONS[order.name](play, *order.arguments)
    except Refused as refused:
        return Answer((refused.name, refused.values), None, ())
    return Answer(None, result, tuple(play.own.events))
