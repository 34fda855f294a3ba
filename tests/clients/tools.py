"""Where the foreign clients are installed, and what a script of theirs runs in."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_PATIENCE_S = 300
"""For 400 MB of packages; a registry that is slower is as good as none."""


@dataclass(frozen=True, slots=True)
class Tools:
    """One installation."""

    folder: Path
    """What install_tools.sh printed."""

    @property
    def artifacts(self) -> Path:
        """The compiled contracts: {name: {abi, bytecode, runtime}}."""
        return self.folder / "artifacts.json"

    @property
    def packages(self) -> Path:
        """Where programs find JavaScript packages."""
        return self.folder / "node_modules"

    def program(self, name: str) -> Path:
        """Return the path of `anvil`, `cast`, `forge` or `solc`."""
        return self.folder / "bin" / name


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a node under test listens. Ethereum's development nodes answer HTTP and WebSocket at one port."""

    url: str
    """`http://127.0.0.1:8545`."""

    @property
    def socket_url(self) -> str:
        """The same place, for WebSocket."""
        return "ws" + self.url.removeprefix("http")


def find_tools() -> Tools | None:
    """Return the installation that SYCEE_CLIENT_TOOLS names, else the one in the user's cache; None without one."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("SYCEE_CLIENT_TOOLS") or cache / "sycee-tests" / "clients")
    tools = Tools(folder.resolve())
    return tools if tools.artifacts.exists() and shutil.which("node") else None


def install_tools() -> Tools | None:
    """Install what is not installed or has changed; return None where there is no npm or no registry."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    try:
        subprocess.run([HERE / "install_tools.sh"], check=True, capture_output=True, timeout=INSTALL_PATIENCE_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return find_tools()


def script_environment(tools: Tools, node: NodeAddress) -> Mapping[str, str]:
    """Return the variables a script runs with: its node, its contracts, its programs, and nothing of the caller's."""
    return {
        "PATH": f"{tools.folder / 'bin'}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "NODE_PATH": str(tools.packages),
        "NODE_URL": node.url,
        "NODE_SOCKET_URL": node.socket_url,
        "ETH_RPC_URL": node.url,
        "ARTIFACTS": str(tools.artifacts),
    }
