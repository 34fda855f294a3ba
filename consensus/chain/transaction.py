"""Transactions of types 0 (replay-protected), 1, 2 and 4: decode, hash, sender, stateless rules.

Nothing here looks at the ledger. Fee fields are decoded because tools sign them; nobody is ever charged.
"""

from dataclasses import dataclass
from enum import IntEnum

from consensus.chain.errors import (
    InconsistentFees,
    IntrinsicGasTooLow,
    InvalidTransactionSignature,
    MalformedTransaction,
    NonceExhausted,
    NotReplayProtected,
    OversizedInitCode,
    OversizedTransaction,
    UnsupportedTransactionType,
    WrongChainId,
)
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import (
    DecodedItem,
    RlpError,
    decode,
    encode_bytes,
    encode_joined,
    encode_uint,
    read_bytes,
    read_list,
    read_uint,
)
from consensus.primitives.scalars import Address, Hash32
from consensus.primitives.signatures import InvalidSignature, recover_address, sign_secp256k1

TRANSACTION_BYTES_MAX = 120 * 1024
"""Bytes of one encoded transaction: with its envelope it fits a gossip frame of 128 KiB.
A batch of 500 payments needs 100 KiB; twice this would let one sender fill a block with few messages."""

NONCE_MAX = 2**64 - 2
"""Highest usable nonce (EIP-2681)."""

INIT_CODE_BYTES_MAX = 49_152
"""Bytes of init code in one creation (EIP-3860)."""

GAS_TRANSACTION = 21_000
GAS_CREATION = 32_000
GAS_INIT_CODE_WORD = 2
GAS_ACCESS_LIST_ADDRESS = 2_400
GAS_ACCESS_LIST_SLOT = 1_900
GAS_AUTHORIZATION = 25_000
GAS_TOKEN_STANDARD = 4
GAS_TOKEN_FLOOR = 10
TOKENS_PER_NONZERO_BYTE = 4

AccessList = tuple[tuple[Address, tuple[int, ...]], ...]
"""Addresses and storage slots a transaction names in advance (EIP-2930)."""


class TransactionType(IntEnum):
    """EIP-2718 type byte; legacy transactions have none and count as 0."""

    LEGACY = 0
    ACCESS_LIST = 1
    DYNAMIC_FEE = 2
    SET_CODE = 4


@dataclass(frozen=True, slots=True)
class Authorization:
    """An account's word that a contract's code shall run for it (EIP-7702). One that does not hold is skipped."""

    chain_id: int
    """The network it is for; 0 for any."""
    address: Address
    """Whose code shall run; zero takes an earlier word back."""
    nonce: int
    """The account's own, which it uses up."""
    y_parity: int
    r: int
    s: int

    @property
    def signing_hash(self) -> Hash32:
        """Return what the account signed."""
        fields = encode_uint(self.chain_id) + encode_bytes(self.address) + encode_uint(self.nonce)
        return keccak256(AUTHORIZATION_PREFIX + encode_joined(fields))


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction. `raw` are the bytes as they arrived and are never encoded again."""

    type: TransactionType
    """EIP-2718 type."""
    chain_id: int
    """The network it was signed for."""
    nonce: int
    """How many transactions the sender has made before; below 2^64 - 1."""
    max_priority_fee_per_gas: int
    """Offered tip (for types 0 and 1 the gas price). Ignored."""
    max_fee_per_gas: int
    """Offered fee cap (for types 0 and 1 the gas price). Ignored."""
    gas_limit: int
    """Gas after which execution stops."""
    to: Address | None
    """Called account; None creates a contract."""
    value: int
    """Native value moved, in wei; currencies move through calls instead."""
    data: bytes
    """Call data, or init code."""
    access_list: AccessList
    """EIP-2930; empty for legacy transactions."""
    y_parity: int
    """0 or 1: which of two curve points r names."""
    r: int
    """Signature, first half."""
    s: int
    """Signature, second half; the lower of the two possible values (EIP-2)."""
    raw: bytes
    """Encoded transaction, type byte included."""
    hash: Hash32
    """keccak-256 of `raw`."""
    signing_hash: Hash32
    """What the sender signed."""
    authorizations: tuple[Authorization, ...] = ()
    """EIP-7702; empty for all other types."""


AUTHORIZATION_PREFIX = b"\x05"
"""What the signed bytes of an authorization begin with (EIP-7702)."""

_DYNAMIC_FEE_BYTE = bytes((TransactionType.DYNAMIC_FEE,))

KEYLESS_S = 1
"""The s of transactions that nobody signed; low, as EIP-2 demands, and never what a signer comes to."""


def decode_transaction(raw: bytes) -> Transaction:
    """Return the transaction that `raw` encodes.

    Raises: OversizedTransaction, MalformedTransaction, UnsupportedTransactionType, NotReplayProtected.
    Source: EIP-2718, EIP-155, EIP-2930, EIP-1559, EIP-7702.
    """
    if len(raw) > TRANSACTION_BYTES_MAX:
        raise OversizedTransaction(len(raw), TRANSACTION_BYTES_MAX)
    if not raw:
        raise MalformedTransaction("no bytes at all")
    first = raw[0]
    try:
        if first >= 0xC0:
            return _decode_legacy(raw)
        if first == TransactionType.DYNAMIC_FEE:
            return _decode_dynamic_fee(raw)
        if first == TransactionType.ACCESS_LIST:
            return _decode_access_list(raw)
        if first == TransactionType.SET_CODE:
            return _decode_set_code(raw)
    except RlpError as error:
        raise MalformedTransaction(str(error)) from error
    if first < 0x80:
        raise UnsupportedTransactionType(first)
    raise MalformedTransaction(f"first byte 0x{first:02x} is neither a list nor a transaction type")


def recover_sender(transaction: Transaction) -> Address:
    """Return the address that signed `transaction`.

    Raises: InvalidTransactionSignature.
    """
    try:
        return recover_address(
            transaction.signing_hash, r=transaction.r, s=transaction.s, y_parity=transaction.y_parity
        )
    except InvalidSignature as error:
        raise InvalidTransactionSignature(str(error)) from error


def intrinsic_gas(transaction: Transaction) -> int:
    """Return the gas a transaction uses before anything is executed.

    Source: Yellow Paper g0, EIP-2930, EIP-3860, EIP-7702.
    """
    gas = GAS_TRANSACTION + GAS_TOKEN_STANDARD * _calldata_tokens(transaction.data)
    if transaction.to is None:
        # Init code is charged by the started word: the remainder counts as a whole one.
        gas += GAS_CREATION + GAS_INIT_CODE_WORD * ((len(transaction.data) + 31) // 32)
    for _, slots in transaction.access_list:
        gas += GAS_ACCESS_LIST_ADDRESS + GAS_ACCESS_LIST_SLOT * len(slots)
    return gas + GAS_AUTHORIZATION * len(transaction.authorizations)


def floor_gas(transaction: Transaction) -> int:
    """Return the least gas a transaction uses, whatever it executes (EIP-7623)."""
    return GAS_TRANSACTION + GAS_TOKEN_FLOOR * _calldata_tokens(transaction.data)


def created_address(sender: Address, nonce: int) -> Address:
    """Return where an account's creation at `nonce` puts its contract (Yellow Paper, section 7)."""
    return Address(keccak256(encode_joined(encode_bytes(sender) + encode_uint(nonce)))[12:])


def validate_transaction(transaction: Transaction, *, chain_id: int, has_floor: bool = True) -> None:
    """Check every rule that needs no ledger and no signature recovery; forks before EIP-7623 have no floor of gas.

    Raises: WrongChainId, NonceExhausted, InconsistentFees, OversizedInitCode, IntrinsicGasTooLow.
    """
    if transaction.chain_id != chain_id:
        raise WrongChainId(found=transaction.chain_id, expected=chain_id)
    if transaction.nonce > NONCE_MAX:
        raise NonceExhausted(transaction.nonce)
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise InconsistentFees(priority_fee=transaction.max_priority_fee_per_gas, fee_cap=transaction.max_fee_per_gas)
    if transaction.to is None and len(transaction.data) > INIT_CODE_BYTES_MAX:
        raise OversizedInitCode(len(transaction.data), INIT_CODE_BYTES_MAX)
    gas_needed = max(intrinsic_gas(transaction), floor_gas(transaction) if has_floor else 0)
    if transaction.gas_limit < gas_needed:
        raise IntrinsicGasTooLow(gas_limit=transaction.gas_limit, intrinsic_gas=gas_needed)


def sign_dynamic_fee_transaction(
    private_key: bytes, *, chain_id: int, nonce: int, gas_limit: int, to: Address | None, data: bytes, value: int = 0
) -> bytes:
    """Return the raw type 2 transaction with zero fees, signed with a secp256k1 `private_key` (32 bytes).

    Without `to` it creates a contract.
    """
    fields = _dynamic_fee_fields(chain_id, nonce, gas_limit, to, value, data)
    r, s, y_parity = sign_secp256k1(private_key, keccak256(_DYNAMIC_FEE_BYTE + encode_joined(fields)))
    return _join_dynamic_fee(fields, r, s, y_parity)


def make_keyless_transaction(*, chain_id: int, gas_limit: int, to: Address, data: bytes) -> bytes:
    """Return a raw type 2 transaction that nobody signed: its signature values follow from its content.

    The sender is whoever's key would fit them, an address nobody controls, at nonce 0. Everybody who has `data` makes
    the same bytes, so that a ledger takes them once. Source: the method known as Nick's, after its first user.
    """
    fields = _dynamic_fee_fields(chain_id, 0, gas_limit, to, 0, data)
    digest = keccak256(_DYNAMIC_FEE_BYTE + encode_joined(fields))
    candidate = digest
    while True:
        # Every second number is an abscissa of the curve: hashing again finds one soon.
        candidate = keccak256(candidate)
        r = int.from_bytes(candidate, "big")
        try:
            recover_address(digest, r=r, s=KEYLESS_S, y_parity=0)
        except InvalidSignature:
            continue
        return _join_dynamic_fee(fields, r, KEYLESS_S, 0)


def _dynamic_fee_fields(
    chain_id: int, nonce: int, gas_limit: int, to: Address | None, value: int, data: bytes
) -> bytes:
    """Return the encoded fields of a type 2 transaction without fees and access list."""
    return b"".join(
        (
            encode_uint(chain_id),
            encode_uint(nonce),
            b"\x80\x80",
            encode_uint(gas_limit),
            encode_bytes(to or b""),
            encode_uint(value),
            encode_bytes(data),
            b"\xc0",
        )
    )


def _join_dynamic_fee(fields: bytes, r: int, s: int, y_parity: int) -> bytes:
    signature = encode_uint(y_parity) + encode_uint(r) + encode_uint(s)
    return _DYNAMIC_FEE_BYTE + encode_joined(fields + signature)


def _calldata_tokens(data: bytes) -> int:
    zero_count = data.count(0)
    return zero_count + TOKENS_PER_NONZERO_BYTE * (len(data) - zero_count)


def _read_to(item: DecodedItem) -> Address | None:
    to = read_bytes(item)
    if not to:
        return None
    if len(to) != 20:
        raise RlpError(f"recipient has {len(to)} bytes, not 20 and not none")
    return Address(to)


def _read_access_list(item: DecodedItem) -> AccessList:
    entries = []
    for entry in read_list(item):
        address, slots = read_list(entry, 2)
        keys = tuple(int.from_bytes(read_bytes(slot, 32), "big") for slot in read_list(slots))
        entries.append((Address(read_bytes(address, 20)), keys))
    return tuple(entries)


def _unsigned_part(raw: bytes, payload_start: int, signature_items: list[DecodedItem]) -> bytes:
    """Return the encoded fields before the signature, sliced from the bytes that arrived."""
    signature_bytes = sum(len(encode_bytes(read_bytes(item))) for item in signature_items)
    return raw[payload_start : len(raw) - signature_bytes]


def _payload_start(raw: bytes, list_at: int) -> int:
    prefix = raw[list_at]
    return list_at + 1 if prefix < 0xF8 else list_at + 1 + prefix - 0xF7


def _decode_legacy(raw: bytes) -> Transaction:
    items = read_list(decode(raw), 9)
    v = read_uint(items[6], bytes_max=9)
    if v in (27, 28):
        raise NotReplayProtected(v)
    if v < 35:
        raise MalformedTransaction(f"v is {v}: neither a chain id nor a parity")
    # v = 35 + 2 · chain id + parity, so the remainder of the division is the parity (EIP-155).
    chain_id = (v - 35) // 2
    gas_price = read_uint(items[1])
    unsigned = _unsigned_part(raw, _payload_start(raw, 0), items[6:]) + encode_uint(chain_id) + b"\x80\x80"
    return Transaction(
        type=TransactionType.LEGACY,
        chain_id=chain_id,
        nonce=read_uint(items[0], bytes_max=8),
        max_priority_fee_per_gas=gas_price,
        max_fee_per_gas=gas_price,
        gas_limit=read_uint(items[2], bytes_max=8),
        to=_read_to(items[3]),
        value=read_uint(items[4]),
        data=read_bytes(items[5]),
        access_list=(),
        y_parity=(v - 35) & 1,
        r=read_uint(items[7]),
        s=read_uint(items[8]),
        raw=raw,
        hash=keccak256(raw),
        signing_hash=keccak256(encode_joined(unsigned)),
    )


def _decode_access_list(raw: bytes) -> Transaction:
    items = read_list(decode(raw[1:]), 11)
    gas_price = read_uint(items[2])
    unsigned = _unsigned_part(raw, _payload_start(raw, 1), items[8:])
    return Transaction(
        type=TransactionType.ACCESS_LIST,
        chain_id=read_uint(items[0], bytes_max=8),
        nonce=read_uint(items[1], bytes_max=8),
        max_priority_fee_per_gas=gas_price,
        max_fee_per_gas=gas_price,
        gas_limit=read_uint(items[3], bytes_max=8),
        to=_read_to(items[4]),
        value=read_uint(items[5]),
        data=read_bytes(items[6]),
        access_list=_read_access_list(items[7]),
        y_parity=read_uint(items[8], bytes_max=1),
        r=read_uint(items[9]),
        s=read_uint(items[10]),
        raw=raw,
        hash=keccak256(raw),
        signing_hash=keccak256(raw[:1] + encode_joined(unsigned)),
    )


def _decode_dynamic_fee(raw: bytes) -> Transaction:
    items = read_list(decode(raw[1:]), 12)
    unsigned = _unsigned_part(raw, _payload_start(raw, 1), items[9:])
    return Transaction(
        type=TransactionType.DYNAMIC_FEE,
        chain_id=read_uint(items[0], bytes_max=8),
        nonce=read_uint(items[1], bytes_max=8),
        max_priority_fee_per_gas=read_uint(items[2]),
        max_fee_per_gas=read_uint(items[3]),
        gas_limit=read_uint(items[4], bytes_max=8),
        to=_read_to(items[5]),
        value=read_uint(items[6]),
        data=read_bytes(items[7]),
        access_list=_read_access_list(items[8]),
        y_parity=read_uint(items[9], bytes_max=1),
        r=read_uint(items[10]),
        s=read_uint(items[11]),
        raw=raw,
        hash=keccak256(raw),
        signing_hash=keccak256(raw[:1] + encode_joined(unsigned)),
    )


def _decode_set_code(raw: bytes) -> Transaction:
    items = read_list(decode(raw[1:]), 13)
    unsigned = _unsigned_part(raw, _payload_start(raw, 1), items[10:])
    authorizations = tuple(_read_authorization(item) for item in read_list(items[9]))
    if not authorizations:
        raise MalformedTransaction("a transaction of type 4 needs an authorization")
    return Transaction(
        type=TransactionType.SET_CODE,
        chain_id=read_uint(items[0], bytes_max=8),
        nonce=read_uint(items[1], bytes_max=8),
        max_priority_fee_per_gas=read_uint(items[2]),
        max_fee_per_gas=read_uint(items[3]),
        gas_limit=read_uint(items[4], bytes_max=8),
        to=Address(read_bytes(items[5], 20)),
        value=read_uint(items[6]),
        data=read_bytes(items[7]),
        access_list=_read_access_list(items[8]),
        y_parity=read_uint(items[10], bytes_max=1),
        r=read_uint(items[11]),
        s=read_uint(items[12]),
        raw=raw,
        hash=keccak256(raw),
        signing_hash=keccak256(raw[:1] + encode_joined(unsigned)),
        authorizations=authorizations,
    )


def _read_authorization(item: DecodedItem) -> Authorization:
    chain_id, address, nonce, y_parity, r, s = read_list(item, 6)
    return Authorization(
        chain_id=read_uint(chain_id),
        address=Address(read_bytes(address, 20)),
        nonce=read_uint(nonce, bytes_max=8),
        y_parity=read_uint(y_parity, bytes_max=1),
        r=read_uint(r),
        s=read_uint(s),
    )
