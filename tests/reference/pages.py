"""Which page comes from what."""

import json
from functools import cache
from pathlib import Path

from node.rpc.call_list import METHODS
from node.rpc.openrpc.document import openrpc_document
from tests.reference.commands_page import commands_page, node_commands, wallet_commands
from tests.reference.contracts_page import contracts_page
from tests.reference.errors_page import errors_page
from tests.reference.rpc_page import rpc_page
from tests.reference.scenarios_page import scenarios_page
from tests.reference.settings_pages import metrics_page, settings_page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"

DOCUMENT_VERSION = "reference"
"""In place of a release, so that a new release alone changes no page."""


@cache
def pages() -> dict[str, str]:
    """Return the text of every page by file name."""
    return {
        "README.md": INDEX,
        "config.md": settings_page(),
        "contracts.md": contracts_page(),
        "errors.md": errors_page(),
        "metrics.md": metrics_page(),
        "node-commands.md": commands_page("sycee-node", node_commands()),
        "openrpc.json": json.dumps(openrpc_document(METHODS, DOCUMENT_VERSION), indent=1) + "\n",
        "rpc.md": rpc_page(),
        "scenarios.md": scenarios_page(),
        "wallet-commands.md": commands_page("sycee", wallet_commands()),
    }


def stale() -> list[str]:
    """Return the names of committed pages that are not what the code says, or are missing or not from here."""
    wanted = pages()
    found = {path.name: path.read_text() for path in FOLDER.iterdir()} if FOLDER.exists() else {}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


INDEX = """# Reference

Written from the code by `python -m tests.reference`; a test compares.

| page | what it lists |
| --- | --- |
| [rpc.md](rpc.md), [openrpc.json](openrpc.json) | every JSON-RPC method; a node serves it as `rpc.discover` |
| [errors.md](errors.md) | every JSON-RPC error by code and reason |
| [contracts.md](contracts.md) | every function, event and error of the system contracts, with gas |
| [scenarios.md](scenarios.md) | ten stories of settlement that run on a devnet |
| [config.md](config.md) | every key of `node.toml`, its flag and its place in the environment |
| [metrics.md](metrics.md) | every Prometheus metric and when it wakes somebody |
| [node-commands.md](node-commands.md) | `sycee-node` |
| [wallet-commands.md](wallet-commands.md) | `sycee` |
"""
