"""eth_subscribe and sycee_subscribe: notifications over a WebSocket.

What is told is final and never taken back. `sycee_subscribe` adds kinds, and `fromHeight`, from which on everything is
told once and in order: a client that lost its connection goes on where it was.
"""

from collections.abc import Mapping, Sequence

from consensus.primitives.scalars import Height
from node.rpc.currencies import read_currency
from node.rpc.encoding import Json
from node.rpc.errors import InvalidParameter, NotSupported, PendingHidden, Pruned, SubscriptionNotFound
from node.rpc.logs_api import LOG_FILTER_MEMBERS, OPEN_ENDS, read_addresses, read_topics
from node.rpc.methods import Context, Method
from node.rpc.parameters import optional, read_address, read_bool, read_count, read_object, read_quantity
from node.rpc.subscription_kinds import Finalizations, NewHeads, NewLogs, Positions
from node.rpc.subscriptions import Kind, PendingTransactions, Subscriptions, Syncing

ETHEREUM_KINDS = ("newHeads", "logs", "newPendingTransactions", "syncing")
SYCEE_KINDS = ("newHeads", "logs", "finalizations", "positions")

HEIGHT_MAX = 2**63 - 1
SUBSCRIPTION_ID_MAX = 2**256 - 1


def subscribe(context: Context, parameters: Sequence[object]) -> Json:
    """Open a subscription to newHeads, logs, newPendingTransactions or syncing, beginning with the next block.

    Raises: InvalidParameter, NotSupported, PendingHidden, TooManySubscriptions.
    """
    subscriptions = _of_connection(context, "eth_subscribe", instead="or poll a filter with eth_getFilterChanges")
    name, options = parameters[0], optional(parameters, 1)
    kind: Kind
    match name:
        case "newHeads" | "syncing":
            # Clients send an empty filter here, which no node reads.
            read_object({} if options is None else options, "options", frozenset())
            kind = NewHeads() if name == "newHeads" else Syncing()
        case "logs":
            members = read_object({} if options is None else options, "filter", LOG_FILTER_MEMBERS - {"blockHash"})
            for name in ("fromBlock", "toBlock"):
                if members.get(name, "latest") not in OPEN_ENDS:
                    expected = "left out: only sycee_subscribe tells of old blocks, with fromHeight"
                    raise InvalidParameter(f"filter.{name}", expected=expected, actual=members[name])
            kind = _logs(members)
        case "newPendingTransactions":
            if "txpool" not in context.limits.namespaces:
                raise PendingHidden()
            kind = PendingTransactions(is_full=options is not None and read_bool(options, "fullTransactions"))
        case _:
            raise InvalidParameter("kind", expected=f"one of {', '.join(ETHEREUM_KINDS)}", actual=name)
    return subscriptions.add("eth", kind, Height(context.backend.head().height + 1))


def subscribe_from(context: Context, parameters: Sequence[object]) -> Json:
    """Open a subscription to newHeads, logs, finalizations or positions, beginning at fromHeight or the next block.

    Positions begin with the present one.

    Raises: InvalidParameter, NotSupported, Pruned, TooManySubscriptions.
    """
    subscriptions = _of_connection(context, "sycee_subscribe", instead="or poll sycee_getLogs with its cursor")
    name, options = parameters[0], optional(parameters, 1)
    members: Mapping[str, object]
    given = {} if options is None else options
    head = context.backend.head().height
    kind: Kind
    match name:
        case "newHeads" | "finalizations":
            members = read_object(given, "options", frozenset({"fromHeight"}))
            first = _read_first(context, members, default=head + 1)
            kind = NewHeads() if name == "newHeads" else Finalizations()
        case "logs":
            members = read_object(given, "options", frozenset({"address", "topics", "fromHeight"}))
            first = _read_first(context, members, default=head + 1)
            kind = _logs(members)
        case "positions":
            members = read_object(given, "options", frozenset({"currency", "account", "fromHeight"}))
            first = _read_first(context, members, default=head)
            currency = read_currency(members.get("currency"), context.backend)
            kind = Positions(currency, read_address(members.get("account"), "options.account"), first)
        case _:
            raise InvalidParameter("kind", expected=f"one of {', '.join(SYCEE_KINDS)}", actual=name)
    return subscriptions.add("sycee", kind, first)


def unsubscribe(context: Context, parameters: Sequence[object]) -> Json:
    """End a subscription of this connection. Raises: InvalidParameter, NotSupported, SubscriptionNotFound."""
    subscriptions = _of_connection(context, "eth_unsubscribe", instead="where subscriptions are")
    subscription_id = hex(read_quantity(parameters[0], "subscriptionId", SUBSCRIPTION_ID_MAX))
    if not subscriptions.remove(subscription_id):
        raise SubscriptionNotFound(subscription_id)
    return True


def _of_connection(context: Context, method: str, *, instead: str) -> Subscriptions:
    if context.subscriptions is None:
        raise NotSupported(f"{method} over HTTP", instead=f"connect by WebSocket to the same port, {instead}")
    return context.subscriptions


def _logs(members: Mapping[str, object]) -> NewLogs:
    return NewLogs(read_addresses(members.get("address")), read_topics(members.get("topics")))


def _read_first(context: Context, members: Mapping[str, object], *, default: int) -> Height:
    value = members.get("fromHeight")
    if value is None:
        return Height(default)
    first = Height(read_count(value, "options.fromHeight", HEIGHT_MAX))
    oldest = context.backend.earliest_height()
    if first < oldest:
        raise Pruned(height=first, oldest=oldest)
    return first


METHODS = {
    "eth_subscribe": Method(subscribe, 1, 2, "kind options", "Uint256"),
    "eth_unsubscribe": Method(unsubscribe, 1, 1, "subscriptionId", "Boolean"),
    "sycee_subscribe": Method(subscribe_from, 1, 2, "kind options", "Uint256"),
    "sycee_unsubscribe": Method(unsubscribe, 1, 1, "subscriptionId", "Boolean"),
}
