"""net_*: the network this node is on."""

from collections.abc import Sequence

from node.rpc.encoding import Json
from node.rpc.methods import Context, Method


def version(context: Context, parameters: Sequence[object]) -> Json:
    """Return the chain id in decimal digits."""
    return str(context.backend.chain_id)


def listening(context: Context, parameters: Sequence[object]) -> Json:
    """Return true: a running node always accepts links of its peers."""
    return True


def peer_count(context: Context, parameters: Sequence[object]) -> Json:
    """Return the number of links that are up."""
    return hex(context.backend.peer_count())


METHODS = {
    "net_version": Method(version, 0, 0, "", "String"),
    "net_listening": Method(listening, 0, 0, "", "Boolean"),
    "net_peerCount": Method(peer_count, 0, 0, "", "Uint64"),
}
