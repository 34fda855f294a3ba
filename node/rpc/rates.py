"""How much a client may ask: a bucket of units that fills with time, and what each method takes out of it."""

from collections.abc import Callable
from typing import Final

from node.rpc.errors import RateExceeded

COSTS: Final = {
    "eth_call": 4,
    "eth_createAccessList": 20,
    "eth_estimateGas": 20,
    "eth_feeHistory": 4,
    "eth_getBlockReceipts": 8,
    "eth_getFilterLogs": 20,
    "eth_getLogs": 20,
    "eth_getProof": 8,
    "eth_simulateV1": 40,
    "rpc.discover": 8,
    "rpc_discover": 8,
    "sycee_getAccount": 8,
    "sycee_getAddressHistory": 8,
    "sycee_getFinalityProof": 8,
    "sycee_getHolders": 8,
    "sycee_getLogs": 20,
    "sycee_getStatement": 20,
    "sycee_subscribe": 8,
    "eth_subscribe": 8,
    "txpool_content": 20,
    "txpool_inspect": 20,
    "debug_traceBlockByHash": 200,
    "debug_traceBlockByNumber": 200,
    "debug_traceCall": 40,
    "debug_traceTransaction": 40,
    "ots_getBlockTransactions": 8,
    "ots_searchTransactionsAfter": 20,
    "ots_searchTransactionsBefore": 20,
    "ots_traceTransaction": 40,
    "ots_getInternalOperations": 40,
    "ots_getTransactionError": 40,
}
"""Units of the methods that cost more than one: about their usual time in fifths of a millisecond."""

BURST_SECONDS: Final = 2
"""A full bucket holds so many seconds of its rate, where nothing else is said: wallets open with many calls at once."""

_MICRO: Final = 1_000_000


class RateLimit:
    """A bucket of units. Loop thread only."""

    def __init__(self, *, units_per_s: int, burst: int, now_us: Callable[[], int]) -> None:
        self._units_per_s = units_per_s
        self._full = burst * _MICRO
        self._now_us = now_us
        self._filled_us = now_us()
        self._left = self._full
        """Millionths of a unit; below zero after a method that costs more than a full bucket."""

    def take(self, method: str) -> None:
        """Take what a call of `method` costs.

        A method that costs more than the bucket holds takes all of it and leaves a debt, or nobody could ever call it.

        Raises: RateExceeded, and takes nothing.
        """
        now_us = self._now_us()
        self._left = min(self._full, self._left + (now_us - self._filled_us) * self._units_per_s)
        self._filled_us = now_us
        cost = COSTS.get(method, 1) * _MICRO
        missing = min(cost, self._full) - self._left
        if missing > 0:
            # Rounded up, so that who comes back then is let in.
            wait_ms = -(-missing // (self._units_per_s * 1_000))
            raise RateExceeded(units_per_s=self._units_per_s, retry_after_ms=wait_ms)
        self._left -= cost
