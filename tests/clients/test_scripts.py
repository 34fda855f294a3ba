"""Stock clients cannot tell this network from Ethereum: each script prints what it prints against another node.

The committed transcripts were recorded from another development node; the slow half of this file records them anew.
"""

import subprocess
from collections.abc import Iterator, Mapping

import pytest

from contracts.addresses import currency_address
from tests.clients.running import (
    NO_VARIABLES,
    SCRIPTS,
    Script,
    describe_difference,
    differing_parts,
    load_transcript,
    run_script,
)
from tests.clients.tools import NodeAddress, Tools, install_tools
from tests.e2e.cluster import Cluster, height_of, wait_until

ANVIL_PORT = 11_300
IN_EVERY_RUN = ("web3.py", "cast", "ethers")
"""A library of each language and the tool of the shell: 20 s with the network. The others run with `-m e2e`."""
EVERY_SCRIPT = pytest.mark.parametrize("script", SCRIPTS, ids=[script.name for script in SCRIPTS])


@pytest.fixture(scope="session")
def tools() -> Tools:
    found = install_tools()
    if found is None:
        pytest.skip("not run: the clients cannot be installed here (tests/clients/install_tools.sh needs node and npm)")
    return found


@pytest.fixture(scope="module")
def anvil(tools: Tools) -> Iterator[NodeAddress]:
    """Foundry's development node: nobody's here, with the rules of Prague and struct logs switched on."""
    node = NodeAddress(f"http://127.0.0.1:{ANVIL_PORT}")
    with subprocess.Popen(
        [tools.program("anvil"), "--port", str(ANVIL_PORT), "--hardfork", "prague", "--steps-tracing", "--silent"],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: height_of(node.url) >= 0, lambda: f"anvil does not answer at {node.url}")
            yield node
        finally:
            process.terminate()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=script.name, marks=() if script.name in IN_EVERY_RUN else pytest.mark.e2e)
        for script in SCRIPTS
    ],
)
def test_a_client_prints_what_it_prints_elsewhere(script: Script, tools: Tools, cluster: Cluster) -> None:
    require_transcript(script, NodeAddress(cluster.urls[0]), tools)


@pytest.mark.e2e
def test_a_native_currency_prints_what_an_openzeppelin_token_prints(tools: Tools, cluster: Cluster) -> None:
    [script] = [script for script in SCRIPTS if script.name == "token"]
    euro = {"TOKEN": "0x" + currency_address(2).hex()}

    require_transcript(script, NodeAddress(cluster.urls[0]), tools, euro)


@pytest.mark.e2e
@pytest.mark.slow
@EVERY_SCRIPT
def test_the_committed_transcript_is_what_another_node_prints(script: Script, anvil: NodeAddress, tools: Tools) -> None:
    require_transcript(script, anvil, tools)


def require_transcript(
    script: Script, node: NodeAddress, tools: Tools, variables: Mapping[str, str] = NO_VARIABLES
) -> None:
    """Run `script` and assert that its transcript is the committed one, showing the lines that are not."""
    committed = load_transcript(script)

    printed = run_script(script, node, tools, variables)

    different = differing_parts(committed, printed)
    differences = [f"{part}: {line}" for part in different for line in describe_difference(committed, printed, part)]
    assert not different, "\n".join([*differences, printed.complaints])
    assert printed.lines == committed.lines
