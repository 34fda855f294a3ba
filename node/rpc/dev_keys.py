"""Keys a node signs with for whoever asks: the public ones of a development network, and none anywhere else."""

import asyncio
from collections.abc import Mapping

from consensus.primitives.scalars import Address


class DevKeys:
    """Private keys by address. Loop thread only."""

    def __init__(self, private_keys: Mapping[Address, bytes]) -> None:
        self.private_keys = private_keys
        self.sending = asyncio.Lock()
        """Held from the choice of a nonce until the mempool has decided, so that two at once get two nonces."""


NO_KEYS = DevKeys({})
