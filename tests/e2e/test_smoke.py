"""One devnet of real processes in every test run: it starts, a payment settles, the wallet proves it, it stops."""

import socket
import subprocess
import sys
from pathlib import Path

from node.cli.supervisor import child_environment, module_arguments

START_AND_PAY_S = 120
"""Bound on the whole run, which takes ten seconds on an idle machine."""


def free_port_block() -> int:
    """Return a port from which RPC, status and mesh ports of four validators are most likely free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return 10_000 + port % 8_000


def test_a_payment_settles_on_four_real_validators(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *module_arguments("node", "devnet", "--smoke", "--rpc-port", str(free_port_block()))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=child_environment(),
        timeout=START_AND_PAY_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "final and verified by the wallet" in done.stdout
