"""Checks that the seeds' checkers do not make, asked for every frame of a scenario.

Like those they look at what leaves a node and at what is on its disk, never at what it believes.
"""

from consensus.simplex.messages import Statement, decode_certificate, decode_status, encode_statement
from network.channels import Channel
from tests.simulator.disk import Disk
from tests.simulator.world import Broken


class ScenarioChecks:
    """Every method raises `Broken` and returns nothing."""

    def __init__(self) -> None:
        self._heights: dict[int, int] = {}
        self._passed_on: set[tuple[int, Statement]] = set()

    def frame_leaves(self, index: int, channel: Channel, payload: bytes, disk: Disk) -> None:
        """Look at a frame that an honest validator hands to its links."""
        if channel is Channel.STATUS:
            self._status_leaves(index, payload, disk)
        elif channel is Channel.CERTIFICATES:
            self._certificate_leaves(index, payload, disk)

    def _status_leaves(self, index: int, payload: bytes, disk: Disk) -> None:
        """Final height never falls, restarts included, and the floor is never below what is committed."""
        status = decode_status(payload)
        known = self._heights.get(index, 0)
        if status.final_height < known:
            raise Broken("monotone_height", f"validator {index} says height {status.final_height}, it said {known}")
        self._heights[index] = status.final_height
        head = disk.chain.final_head()
        if (status.final_epoch, status.final_view) < (head.epoch, head.view):
            raise Broken(
                "monotone_height",
                f"validator {index} says its floor is {status.final_view}, its disk holds one of {head.view}",
            )

    def _certificate_leaves(self, index: int, payload: bytes, disk: Disk) -> None:
        """A signature inside a certificate has left like any other: it must be on disk before."""
        certificate = decode_certificate(payload)
        statement = certificate.statement
        if index not in certificate.signers or (index, statement) in self._passed_on:
            return
        self._passed_on.add((index, statement))
        head = disk.chain.final_head()
        is_above = (statement.epoch, statement.view) > (head.epoch, head.view)
        if is_above and not disk.logged(encode_statement(statement)):
            raise Broken(
                "durable_before_send",
                f"validator {index}, view {statement.view}: a certificate leaves with its own "
                f"{statement.kind.name.lower()}, which is not in the synced log",
            )
