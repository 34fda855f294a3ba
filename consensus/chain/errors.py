"""Why bytes are not a transaction, a header or a proof.

ValueError
├── InvalidTransaction                 whoever signed or sent the transaction is at fault
│   ├── MalformedTransaction           not the canonical encoding of any type
│   ├── OversizedTransaction
│   ├── OversizedInitCode
│   ├── UnsupportedTransactionType
│   ├── NotReplayProtected
│   ├── WrongChainId
│   ├── InvalidTransactionSignature
│   ├── IntrinsicGasTooLow
│   ├── InconsistentFees
│   └── NonceExhausted
├── MalformedBlock                     not the canonical encoding of a header, body or receipt
├── InvalidProof                       Merkle nodes that do not lead to the root
└── InvalidGenesis                     names the field of the genesis document
"""


class InvalidTransaction(ValueError):
    """A transaction that can never enter a block. `reason` is the stable word that RPC clients see."""

    reason = "invalid_transaction"


class MalformedTransaction(InvalidTransaction):
    """The bytes are not the canonical encoding of a transaction."""

    reason = "malformed"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"transaction is not decodable: {detail}")


class OversizedTransaction(InvalidTransaction):
    """The encoded transaction is longer than a node accepts."""

    reason = "oversized"

    def __init__(self, transaction_bytes: int, transaction_bytes_max: int) -> None:
        self.transaction_bytes = transaction_bytes
        self.transaction_bytes_max = transaction_bytes_max
        super().__init__(f"transaction of {transaction_bytes} bytes, at most {transaction_bytes_max} are accepted")


class OversizedInitCode(InvalidTransaction):
    """A creation with more init code than is allowed (EIP-3860)."""

    reason = "oversized_init_code"

    def __init__(self, init_code_bytes: int, init_code_bytes_max: int) -> None:
        self.init_code_bytes = init_code_bytes
        self.init_code_bytes_max = init_code_bytes_max
        super().__init__(f"max initcode size exceeded: {init_code_bytes} bytes, at most {init_code_bytes_max}")


BLOB_TYPE = 3
"""EIP-4844. There is no place for blobs: what is on this ledger stays on it."""


class UnsupportedTransactionType(InvalidTransaction):
    """A transaction type this network does not execute."""

    reason = "transaction_type_not_supported"

    def __init__(self, transaction_type: int) -> None:
        self.transaction_type = transaction_type
        kind = "blob transactions are" if transaction_type == BLOB_TYPE else f"type 0x{transaction_type:02x} is"
        super().__init__(f"{kind} not supported here: send type 0 (with chain id), 1, 2 or 4")


class NotReplayProtected(InvalidTransaction):
    """A legacy transaction without a chain id in its signature (EIP-155)."""

    reason = "not_replay_protected"

    def __init__(self, v: int) -> None:
        self.v = v
        super().__init__(f"only replay-protected (EIP-155) transactions allowed: v is {v} and names no chain id")


class WrongChainId(InvalidTransaction):
    """Signed for another network."""

    reason = "wrong_chain_id"

    def __init__(self, *, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(f"invalid chain id for signer: have {found} want {expected}")


class InvalidTransactionSignature(InvalidTransaction):
    """No sender can be recovered."""

    reason = "invalid_signature"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"invalid sender: {detail}")


class IntrinsicGasTooLow(InvalidTransaction):
    """The gas limit does not even pay for the transaction's bytes."""

    reason = "intrinsic_gas_too_low"

    def __init__(self, *, gas_limit: int, intrinsic_gas: int) -> None:
        self.gas_limit = gas_limit
        self.intrinsic_gas = intrinsic_gas
        super().__init__(f"intrinsic gas too low: gas limit {gas_limit}, minimum needed {intrinsic_gas}")


class InconsistentFees(InvalidTransaction):
    """The priority fee is above the fee cap (EIP-1559)."""

    reason = "priority_fee_above_fee_cap"

    def __init__(self, *, priority_fee: int, fee_cap: int) -> None:
        self.priority_fee = priority_fee
        self.fee_cap = fee_cap
        super().__init__(
            f"max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas {priority_fee}, "
            f"maxFeePerGas {fee_cap}"
        )


class NonceExhausted(InvalidTransaction):
    """The nonce has reached 2^64 - 1 (EIP-2681)."""

    reason = "nonce_exhausted"

    def __init__(self, nonce: int) -> None:
        self.nonce = nonce
        super().__init__(f"nonce has max value: {nonce}")


class MalformedBlock(ValueError):
    """Bytes that are not the canonical encoding of a header, body or receipt."""


class InvalidProof(ValueError):
    """Merkle nodes that do not lead from the root to the key."""


class InvalidGenesis(ValueError):
    """A genesis document that no network can start from."""

    def __init__(self, field: str, detail: str) -> None:
        self.field = field
        self.detail = detail
        super().__init__(f"genesis document, {field}: {detail}")
