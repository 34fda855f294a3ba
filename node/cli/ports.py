"""Find out before anything starts whether ports are free, and name the flag that moves a taken one."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass

from node.cli.errors import CommandError, UsageError
from node.config import PORT_MAX

LOOPBACK = "127.0.0.1"
OPS_PORT_DISTANCE = 1_000
"""Health and status of a validator are this far above its RPC port: 8545 and 9545."""
MESH_PORT_DISTANCE = 17_000
"""The mesh listener of a validator is this far above its RPC port: 8545 and 25545."""

MESH_PORT_DISTANCE_HIGH = 2_000
"""The same where the other distance would reach the ports that kernels hand out to outgoing connections."""

EPHEMERAL_PORT_FIRST = 32_768
"""First port that Linux hands out to outgoing connections: a listener there may find its port taken."""


class PortTaken(CommandError):
    """Another program listens on a port that is needed."""

    def __init__(self, port: int, purpose: str, flag: str) -> None:
        self.port = port
        self.purpose = purpose
        self.flag = flag
        super().__init__(f"port {port} ({purpose}) is taken on {LOOPBACK}; {flag} moves it")


class PortOutOfRange(UsageError):
    """A first port that leaves no room for the others."""

    def __init__(self, port: int, highest: int) -> None:
        self.port = port
        super().__init__(f"--rpc-port {port} is not between 1024 and {highest}: the other ports lie above it")


@dataclass(frozen=True, slots=True)
class NodePorts:
    """The three listeners of one validator."""

    rpc: int
    ops: int
    mesh: int


def assign_ports(rpc_port: int, count: int) -> tuple[NodePorts, ...]:
    """Return the ports of `count` validators on one machine, the first with `rpc_port`.

    Raises: PortOutOfRange.
    """
    highest = PORT_MAX - MESH_PORT_DISTANCE_HIGH - count + 1
    if not 1_024 <= rpc_port <= highest:
        raise PortOutOfRange(rpc_port, highest)
    is_low = rpc_port + count + MESH_PORT_DISTANCE <= EPHEMERAL_PORT_FIRST
    mesh_distance = MESH_PORT_DISTANCE if is_low else MESH_PORT_DISTANCE_HIGH
    return tuple(
        NodePorts(rpc=port, ops=port + OPS_PORT_DISTANCE, mesh=port + mesh_distance)
        for port in range(rpc_port, rpc_port + count)
    )


def require_free(ports: Iterable[tuple[int, str, str]]) -> None:
    """Check that each port can be listened on; every entry is (port, purpose, flag that moves it).

    Raises: PortTaken for the first that cannot.
    """
    for port, purpose, flag in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                raise PortTaken(port, purpose, flag) from error
