"""Every target by name, and the corpus: inputs that once broke a promise."""

from pathlib import Path

from tests.fuzz import (
    chain_targets,
    consensus_targets,
    contract_targets,
    file_targets,
    network_targets,
    offline_targets,
    rpc_targets,
    storage_targets,
)
from tests.fuzz.promise import Target

CORPUS = Path(__file__).resolve().parent / "corpus"

MODULES = (
    chain_targets,
    consensus_targets,
    network_targets,
    storage_targets,
    file_targets,
    contract_targets,
    rpc_targets,
    offline_targets,
)

TARGETS: dict[str, Target] = {target.name: target for module in MODULES for target in module.TARGETS}


def corpus_of(target: Target) -> list[bytes]:
    """Return the inputs kept for a target, by name of their files."""
    return [path.read_bytes() for path in sorted((CORPUS / target.name).glob("*.bin"))]
