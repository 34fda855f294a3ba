"""One running network for all stock clients; each client pays from an account of its own."""

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster, running_devnet

RPC_PORT = 11_200


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four validators, started when the first client needs them."""
    with running_devnet(tmp_path_factory.mktemp("clients") / "devnet", RPC_PORT) as running:
        yield running
