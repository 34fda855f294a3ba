"""Why a block is invalid for ever. A verdict depends on the block and its parent state only.

InvalidBlock
├── WrongHeaderField             names the field and both values
├── OversizedBody
├── UndecodableBody
└── TransactionNotAllowed        names the rule
    └── BankShareExceeded        one bank would fill more of the block than it may send in a minute
"""


class InvalidBlock(Exception):
    """A block that no correct validator votes for."""


class WrongHeaderField(InvalidBlock):
    """A header field differs from what the parent and the body make it."""

    def __init__(self, field: str, *, header: object, computed: object) -> None:
        self.field = field
        self.header = header
        self.computed = computed
        super().__init__(f"{field} differs: header {_show(header)}, computed {_show(computed)}")


class OversizedBody(InvalidBlock):
    """The body is longer than the network allows."""

    def __init__(self, body_bytes: int, body_bytes_max: int) -> None:
        self.body_bytes = body_bytes
        self.body_bytes_max = body_bytes_max
        super().__init__(f"body of {body_bytes} bytes, at most {body_bytes_max}")


class UndecodableBody(InvalidBlock):
    """The body or a transaction in it is not the canonical encoding of anything."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class TransactionNotAllowed(InvalidBlock):
    """A transaction that must not be in a block on this state."""

    def __init__(self, rule: str, detail: str) -> None:
        self.rule = rule
        self.detail = detail
        super().__init__(f"{rule}: {detail}")


class BankShareExceeded(TransactionNotAllowed):
    """A transaction that would put its bank above its share of the block."""

    def __init__(self, *, bank_id: int, gas_limit: int, used: int, share: int) -> None:
        self.bank_id = bank_id
        self.gas_limit = gas_limit
        self.used = used
        self.share = share
        whose = f"bank {bank_id}" if bank_id else "accounts without a sponsor"
        super().__init__(
            "bank_share",
            f"{whose} may fill {share} gas of a block, its quota of a minute: {used} used, gas limit {gas_limit}",
        )


def _show(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
