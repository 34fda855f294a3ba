"""Transactions against eth-account, which signs and recovers independently."""

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.chain.errors import (
    InconsistentFees,
    IntrinsicGasTooLow,
    InvalidTransaction,
    InvalidTransactionSignature,
    MalformedTransaction,
    NotReplayProtected,
    OversizedTransaction,
    UnsupportedTransactionType,
    WrongChainId,
)
from consensus.chain.transaction import (
    TRANSACTION_BYTES_MAX,
    decode_transaction,
    floor_gas,
    intrinsic_gas,
    recover_sender,
    sign_dynamic_fee_transaction,
    validate_transaction,
)
from consensus.primitives.rlp_codec import decode, encode, read_list
from consensus.primitives.scalars import Address
from consensus.primitives.signatures import SECP256K1_ORDER

KEY = bytes(range(1, 33))
SENDER = Account.from_key(KEY).address
TO = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BASE = {"nonce": 7, "gas": 100_000, "to": TO, "value": 5, "data": "0x00ff00", "chainId": 23790}
LEGACY = BASE | {"gasPrice": 3}
ACCESS_LIST = LEGACY | {"type": 1, "accessList": [{"address": TO, "storageKeys": ["0x" + "11" * 32]}]}
DYNAMIC_FEE = BASE | {"type": 2, "maxFeePerGas": 9, "maxPriorityFeePerGas": 4, "accessList": []}


def signed(fields: dict[str, object]) -> bytes:
    return bytes(Account.sign_transaction(fields, KEY).raw_transaction)


@pytest.mark.parametrize("fields", [LEGACY, ACCESS_LIST, DYNAMIC_FEE], ids=["legacy", "access list", "dynamic fee"])
def test_decoded_fields_hash_and_sender_equal_those_of_eth_account(fields: dict[str, object]) -> None:
    reference = Account.sign_transaction(fields, KEY)
    transaction = decode_transaction(bytes(reference.raw_transaction))
    assert transaction.hash == bytes(reference.hash)
    assert transaction.chain_id == 23790
    assert transaction.nonce == 7
    assert transaction.gas_limit == 100_000
    assert transaction.to == bytes.fromhex(TO[2:])
    assert transaction.value == 5
    assert transaction.data == b"\x00\xff\x00"
    assert (transaction.r, transaction.s) == (reference.r, reference.s)
    assert recover_sender(transaction) == bytes.fromhex(SENDER[2:])


@settings(max_examples=50)
@given(
    nonce=st.integers(0, 2**64 - 2),
    gas=st.integers(21_000, 2**63),
    value=st.integers(0, 2**200),
    data=st.binary(max_size=300),
    kind=st.sampled_from([LEGACY, ACCESS_LIST, DYNAMIC_FEE]),
)
def test_sender_survives_any_field_values(
    nonce: int, gas: int, value: int, data: bytes, kind: dict[str, object]
) -> None:
    transaction = decode_transaction(signed(kind | {"nonce": nonce, "gas": gas, "value": value, "data": data}))
    assert recover_sender(transaction) == bytes.fromhex(SENDER[2:])


def test_own_signing_equals_eth_account_byte_for_byte() -> None:
    fields = DYNAMIC_FEE | {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0, "value": 0}
    own = sign_dynamic_fee_transaction(
        KEY, chain_id=23790, nonce=7, gas_limit=100_000, to=Address(bytes.fromhex(TO[2:])), data=b"\x00\xff\x00"
    )
    assert own == signed(fields)


def test_creation_has_no_recipient() -> None:
    fields = {name: value for name, value in DYNAMIC_FEE.items() if name != "to"}
    assert decode_transaction(signed(fields)).to is None


def rewritten(raw: bytes, index: int, item: bytes) -> bytes:
    items = read_list(decode(raw[1:]))
    items[index] = item
    return raw[:1] + encode(items)


@pytest.mark.parametrize(
    ("description", "raw", "error"),
    [
        ("nothing", b"", MalformedTransaction),
        ("one byte too many", signed(DYNAMIC_FEE) + b"\x00", MalformedTransaction),
        ("truncated", signed(DYNAMIC_FEE)[:-1], MalformedTransaction),
        ("leading zero in nonce", rewritten(signed(DYNAMIC_FEE), 1, b"\x00\x07"), MalformedTransaction),
        ("recipient of 19 bytes", rewritten(signed(DYNAMIC_FEE), 5, bytes(19)), MalformedTransaction),
        ("string instead of a list", b"\xb8\x40" + bytes(64), MalformedTransaction),
        ("blob transaction", b"\x03" + signed(DYNAMIC_FEE)[1:], UnsupportedTransactionType),
        ("unknown type", b"\x7e" + signed(DYNAMIC_FEE)[1:], UnsupportedTransactionType),
        ("too long", signed(DYNAMIC_FEE | {"data": bytes(TRANSACTION_BYTES_MAX)}), OversizedTransaction),
        ("no chain id", signed({k: v for k, v in LEGACY.items() if k != "chainId"}), NotReplayProtected),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_undecodable_bytes_are_refused_by_name(description: str, raw: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_transaction(raw)


@pytest.mark.parametrize(
    ("index", "item"),
    [(9, b"\x02"), (10, b""), (11, b""), (11, (SECP256K1_ORDER - 1).to_bytes(32, "big"))],
    ids=["parity 2", "r zero", "s zero", "s in the upper half"],
)
def test_signature_outside_the_canonical_range_is_refused(index: int, item: bytes) -> None:
    transaction = decode_transaction(rewritten(signed(DYNAMIC_FEE), index, item))
    with pytest.raises(InvalidTransactionSignature):
        recover_sender(transaction)


def test_other_chain_is_refused() -> None:
    transaction = decode_transaction(signed(DYNAMIC_FEE))
    validate_transaction(transaction, chain_id=23790)
    with pytest.raises(WrongChainId, match="have 23790 want 1"):
        validate_transaction(transaction, chain_id=1)


def test_gas_limit_is_checked_at_its_exact_boundary() -> None:
    gas = 21_000 + 2 * 4 + 16
    validate_transaction(decode_transaction(signed(DYNAMIC_FEE | {"gas": gas + 36})), chain_id=23790)
    with pytest.raises(IntrinsicGasTooLow):
        validate_transaction(decode_transaction(signed(DYNAMIC_FEE | {"gas": gas - 1})), chain_id=23790)


def test_calldata_floor_is_above_the_intrinsic_gas() -> None:
    transaction = decode_transaction(signed(DYNAMIC_FEE | {"data": b"\xff" * 100}))
    assert intrinsic_gas(transaction) == 21_000 + 1_600
    assert floor_gas(transaction) == 21_000 + 4_000


def test_access_list_is_charged_per_address_and_slot() -> None:
    plain = decode_transaction(signed(ACCESS_LIST | {"accessList": []}))
    listed = decode_transaction(signed(ACCESS_LIST))
    assert intrinsic_gas(listed) - intrinsic_gas(plain) == 2_400 + 1_900


def test_priority_fee_above_the_cap_is_refused() -> None:
    raw = rewritten(signed(DYNAMIC_FEE), 2, b"\x0a")
    with pytest.raises(InconsistentFees):
        validate_transaction(decode_transaction(raw), chain_id=23790)


@settings(max_examples=50)
@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_invalid_transaction(raw: bytes) -> None:
    try:
        decode_transaction(raw)
    except InvalidTransaction:
        return
