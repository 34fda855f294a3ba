"""rpc_*: what can be asked here."""

from collections.abc import Sequence
from functools import lru_cache

import orjson

from node.observe.build_info import build_facts
from node.rpc.encoding import Json
from node.rpc.methods import Context, Method
from node.rpc.openrpc.document import namespace_of, openrpc_document

MODULE_VERSION = "1.0"
"""What Ethereum nodes answer for every namespace; tools look at the names alone."""

DOCUMENTS_KEPT_MAX = 16
"""Documents remembered: one for each set of methods that some key may call, 150 kB each."""


def discover(context: Context, parameters: Sequence[object]) -> Json:
    """Return this description of every method the caller may use (OpenRPC)."""
    return _document(tuple(context.methods.items()))


def modules(context: Context, parameters: Sequence[object]) -> Json:
    """Return the namespaces the caller may use."""
    return dict.fromkeys(sorted({namespace_of(name) for name in context.methods}), MODULE_VERSION)


@lru_cache(maxsize=DOCUMENTS_KEPT_MAX)
def _document(methods: tuple[tuple[str, Method], ...]) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(openrpc_document(dict(methods), build_facts().version)))


METHODS = {
    "rpc.discover": Method(discover, 0, 0, "", "OpenRpcDocument"),
    "rpc_discover": Method(discover, 0, 0, "", "OpenRpcDocument"),
    "rpc_modules": Method(modules, 0, 0, "", "ModuleVersions"),
}
