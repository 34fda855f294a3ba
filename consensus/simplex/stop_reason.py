"""Why a validator stops signing for good; durable, so that a restart does not make it forget."""

from enum import IntEnum


class StopReason(IntEnum):
    """What made a validator stop; the number is what log and guard store."""

    DUPLICATE_KEY = 1
    CONFLICTING_CERTIFICATES = 2
    DIVERGENCE = 3

    @property
    def explanation(self) -> str:
        """What happened, in one sentence."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    StopReason.DUPLICATE_KEY: (
        "a vote with this validator's key appeared that it did not sign: its key runs elsewhere"
    ),
    StopReason.CONFLICTING_CERTIFICATES: "two certificates exclude each other: more than f validators are faulty",
    StopReason.DIVERGENCE: "a block that others notarized is invalid here: this node computes differently",
}
