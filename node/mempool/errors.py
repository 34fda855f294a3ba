"""Why a well-formed transaction is not admitted now.

RejectedTransaction            `reason` is the stable word RPC clients see
├── NonceTooLow                already used on the ledger
├── NonceTaken                 another transaction with this nonce is pending; the first stays
├── NonceTooFar                further ahead than this node holds transactions for
├── InsufficientFunds          the native value moved is above the sender's balance
├── ExceedsBlockGas            no block could hold it
├── SenderLimit                too many pending transactions of one sender
├── SenderGasLimit             too much gas in pending transactions of one sender
├── GasAboveQuota              its gas limit alone is above what its bank may send in a minute
├── QuotaExceeded              its bank has used its gas of this minute
├── PoolFull                   too many pending transactions altogether
├── NotPermitted               the network does not let this sender send, or deploy
└── NotReady                   the node is still catching up
"""


class RejectedTransaction(Exception):
    """A transaction this node does not admit; it may be admitted later or elsewhere."""

    reason = "rejected"


class NonceTooLow(RejectedTransaction):
    """The nonce was used by a final transaction."""

    reason = "nonce_too_low"

    def __init__(self, *, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(f"nonce too low: next nonce {expected}, tx nonce {found}")


class NonceTaken(RejectedTransaction):
    """Another transaction with this nonce is pending; the first stays, whatever a later one offers."""

    reason = "nonce_taken"

    def __init__(self, nonce: int, pending_hash: bytes) -> None:
        self.nonce = nonce
        self.pending_hash = pending_hash
        super().__init__(
            f"replacement transaction underpriced: nonce {nonce} is taken by pending 0x{pending_hash.hex()}, "
            "and no fee can replace it"
        )


class NonceTooFar(RejectedTransaction):
    """The nonce is further ahead than this node holds transactions for."""

    reason = "nonce_gap"

    def __init__(self, *, found: int, expected: int, ahead_max: int) -> None:
        self.found = found
        self.expected = expected
        self.ahead_max = ahead_max
        super().__init__(f"nonce too high: next nonce {expected}, tx nonce {found}, held up to {ahead_max} ahead")


class InsufficientFunds(RejectedTransaction):
    """The native value moved is above what the sender has."""

    reason = "insufficient_funds"

    def __init__(self, *, balance: int, value: int) -> None:
        self.balance = balance
        self.value = value
        super().__init__(f"insufficient funds for transfer: balance {balance}, value {value}")


class ExceedsBlockGas(RejectedTransaction):
    """No block could hold it."""

    reason = "exceeds_block_gas_limit"

    def __init__(self, *, gas_limit: int, block_gas_limit: int) -> None:
        self.gas_limit = gas_limit
        self.block_gas_limit = block_gas_limit
        super().__init__(f"exceeds block gas limit: gas limit {gas_limit}, block gas limit {block_gas_limit}")


class SenderLimit(RejectedTransaction):
    """The sender has as many pending transactions as this node holds of one."""

    reason = "sender_limit"

    def __init__(self, sender: bytes, per_sender_max: int) -> None:
        self.sender = sender
        self.per_sender_max = per_sender_max
        super().__init__(
            f"sender 0x{sender.hex()} has {per_sender_max} pending transactions, the most this node holds: "
            "wait until some are final"
        )


class SenderGasLimit(RejectedTransaction):
    """The gas limits of the sender's pending transactions are together as high as this node lets them be."""

    reason = "sender_gas_limit"

    def __init__(self, sender: bytes, *, pending_gas: int, gas_limit: int, per_sender_gas_max: int) -> None:
        self.sender = sender
        self.pending_gas = pending_gas
        self.gas_limit = gas_limit
        self.per_sender_gas_max = per_sender_gas_max
        super().__init__(
            f"sender 0x{sender.hex()} has {pending_gas} gas in pending transactions, gas limit {gas_limit}, "
            f"this node holds {per_sender_gas_max}: lower the gas limit, or wait until some are final"
        )


class GasAboveQuota(RejectedTransaction):
    """The gas limit alone is above what the sender's bank may send in a minute: waiting does not help."""

    reason = "gas_above_quota"

    def __init__(self, *, bank_id: int, gas_limit: int, gas_per_minute: int) -> None:
        self.bank_id = bank_id
        self.gas_limit = gas_limit
        self.gas_per_minute = gas_per_minute
        super().__init__(
            f"gas limit {gas_limit} is above the quota of {_whose(bank_id)}, {gas_per_minute} gas a minute: "
            "lower the gas limit, or ask the governor for a larger quota"
        )


class QuotaExceeded(RejectedTransaction):
    """The sender's bank, its customers included, has used its gas of this minute."""

    reason = "quota_exceeded"

    def __init__(self, *, bank_id: int, used: int, gas_per_minute: int, gas_limit: int, retry_after_ms: int) -> None:
        self.bank_id = bank_id
        self.used = used
        self.gas_per_minute = gas_per_minute
        self.gas_limit = gas_limit
        self.retry_after_ms = retry_after_ms
        super().__init__(
            f"quota of {_whose(bank_id)} exceeded: {used} of {gas_per_minute} gas a minute used, "
            f"gas limit {gas_limit}; try again in {retry_after_ms} ms"
        )


class PoolFull(RejectedTransaction):
    """This node holds as many pending transactions as it may."""

    reason = "pool_full"

    def __init__(self, transactions_max: int) -> None:
        self.transactions_max = transactions_max
        super().__init__(f"mempool is full with {transactions_max} transactions: try again in a second")


class NotPermitted(RejectedTransaction):
    """The network does not let this sender: `not_registered`, `suspended`, `may_not_send`, `may_not_deploy`."""

    def __init__(self, rule: str, detail: str) -> None:
        self.reason = rule
        self.detail = detail
        super().__init__(f"{rule}: {detail}")


class NotReady(RejectedTransaction):
    """This node is catching up and cannot judge a transaction."""

    reason = "syncing"

    def __init__(self) -> None:
        super().__init__("this node is catching up with the network: try again, or use another node")


def _whose(bank_id: int) -> str:
    return f"bank {bank_id}" if bank_id else "accounts without a sponsor"
