"""The import rules of ARCHITECTURE.md as allow-lists: what is not allowed is forbidden.

Checking direct imports is enough, because the lists contain no cycle. Each message says where the import belongs.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("consensus", "contracts", "network", "node", "wallet_cli", "tests")

MAY_IMPORT_OURS: dict[str, tuple[str, ...]] = {
    "consensus.primitives": ("consensus.primitives",),
    "consensus.chain": ("consensus.primitives", "consensus.chain"),
    "consensus.simplex": ("consensus.primitives", "consensus.simplex"),
    "consensus.light": (
        "consensus.primitives",
        "consensus.chain",
        "consensus.light",
        "consensus.simplex.messages",
        "consensus.simplex.validators",
        "consensus.simplex.certificates",
    ),
    "contracts": ("consensus.primitives", "contracts"),
    "contracts.native": (
        "consensus.primitives",
        "consensus.simplex.messages",
        "consensus.simplex.evidence",
        "consensus.simplex.parameters",
        "consensus.simplex.validators",
        "contracts",
    ),
    "network": ("network",),
    "node": ("consensus", "contracts", "network", "node"),
    "wallet_cli": ("consensus.primitives", "consensus.chain", "consensus.light", "contracts", "wallet_cli"),
}
"""Folder -> the folders and modules of ours it may import. The longest matching key counts."""

PURE = ("consensus", "contracts")
PURE_EXCEPT = ("contracts.loader", "contracts.rebuild")
NEVER_IN_PURE = {
    "asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time", "datetime",
}  # fmt: skip

DOORS: dict[str, tuple[str, ...]] = {
    "sha3": ("consensus.primitives.hashing",),
    "coincurve": ("consensus.primitives.signatures",),
    "nacl": ("consensus.primitives.signatures", "node.validator.signer", "node.validator.keys", "wallet_cli.backup"),
    "cryptography": ("network.tls", "consensus.primitives.signatures"),
    "plyvel": ("node.storage.leveldb",),
    "eth": ("node.execution.py_evm",),
    "pyrevm": ("node.execution.py_evm.revm_precompiles",),
    "py_arkworks_bls12381": ("node.execution.py_evm.bls12_381",),
    "aiohttp": ("node.rpc", "node.observe", "node.cli"),
    "uvloop": ("node.runtime.loop",),
    "orjson": ("node.rpc", "node.cli.json_rpc"),
    "prometheus_client": ("node.observe.metrics",),
    "rich": ("node.cli", "node.observe", "wallet_cli"),
    "click": ("node.cli", "wallet_cli"),
    "web3": ("wallet_cli.client",),
    "eth_account": ("wallet_cli",),
    "google_crc32c": ("node.storage",),
}
"""Third-party package -> the modules or folders that may import it: one door each."""

ASYNCIO_SHELLS = (
    "network.links",
    "node.runtime.loop",
    "node.rpc",
    "node.observe",
    "node.cli",
    "node.rpc_service",
    "node.app",
)
"""What may know an event loop: sockets, the loop itself, servers, clients of the command line, and the root."""

NODE_LAYERS = (
    ("node.storage",),
    ("node.state",),
    ("node.execution",),
    ("node.chain",),
    ("node.runtime.ports",),
    ("node.mempool",),
    ("node.validator",),
    ("node.observe",),
    ("node.peers",),
    ("node.runtime",),
    ("node.services", "node.rpc"),
    ("node.config",),
    ("node.rpc_service",),
    ("node.app",),
    ("node.cli",),
    ("node.__main__",),
)
"""Lowest first; a module imports only its own layer and those above it in this list."""


def modules() -> Iterator[tuple[str, Path]]:
    for package in OURS[:-1]:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            yield node.module
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def layer_of(module: str) -> int:
    best = max(
        (prefix for layer in NODE_LAYERS for prefix in layer if within(module, (prefix,))), key=len, default=None
    )
    assert best is not None, f"{module} has no layer: add it to NODE_LAYERS"
    return next(index for index, layer in enumerate(NODE_LAYERS) if best in layer)


ALL = list(modules())


@pytest.mark.parametrize(("module", "path"), ALL, ids=[name for name, _ in ALL])
def test_module_imports_only_what_its_folder_may(module: str, path: Path) -> None:
    key = max((key for key in MAY_IMPORT_OURS if within(module, (key,))), key=len, default=None)
    for name in imports_of(path):
        top = name.split(".")[0]
        if top in OURS and key is not None:
            allowed = MAY_IMPORT_OURS[key]
            parent_of_allowed = any(entry.startswith(name + ".") for entry in allowed)
            assert within(name, allowed) or parent_of_allowed, f"{module} imports {name}; {key} may import {allowed}"
        if top in DOORS:
            assert within(module, DOORS[top]), f"{module} imports {name}; its door is {DOORS[top]}"
        if within(module, PURE) and not within(module, PURE_EXCEPT):
            assert top not in NEVER_IN_PURE, f"{module} is pure and imports {name}: pass its result in as an argument"
        if top == "asyncio":
            assert within(module, ASYNCIO_SHELLS), f"{module} imports asyncio: only shells around sans-I/O code do"


@pytest.mark.parametrize(
    ("module", "path"), [pair for pair in ALL if within(pair[0], ("node",)) and pair[0] != "node"], ids=lambda v: str(v)
)
def test_node_module_imports_only_lower_layers(module: str, path: Path) -> None:
    for name in imports_of(path):
        if name.startswith("node.") and within(name, tuple(prefix for layer in NODE_LAYERS for prefix in layer)):
            assert layer_of(name) <= layer_of(module), f"{module} imports {name}, which is in a higher layer"
