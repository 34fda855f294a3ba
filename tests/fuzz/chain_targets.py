"""What a block is made of: RLP, transactions, headers, bodies, receipts, the genesis document."""

import random
from collections.abc import Sequence

from consensus.chain.block import decode_body, encode_body
from consensus.chain.errors import InvalidGenesis, InvalidTransaction, MalformedBlock
from consensus.chain.genesis import decode_genesis, encode_genesis
from consensus.chain.header import decode_header, encode_header
from consensus.chain.receipt import decode_receipt, encode_receipt
from consensus.chain.transaction import decode_transaction, recover_sender, validate_transaction
from consensus.light.verify import genesis_set_payload
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import RlpError, decode, encode, split_list
from consensus.primitives.signatures import sign_secp256k1
from tests.fuzz import samples
from tests.fuzz.mutators import mutate_json, mutate_rlp, read_tree, write_tree
from tests.fuzz.promise import Bound, Target
from tests.node.execution.ledger import ALICE_KEY


def _rlp(data: bytes) -> bytes:
    return encode(decode(data))


def _rlp_list(data: bytes) -> bytes:
    return _joined(split_list(data))


def _joined(items: Sequence[bytes]) -> bytes:
    """Write a list of encoded items by the oracle's own writer: as one string, whose prefix becomes a list's."""
    payload = b"".join(items)
    if len(payload) == 1:
        return b"\xc1" + payload
    encoded = write_tree(payload)
    return bytes((encoded[0] + 0x40,)) + encoded[1:]


def _transaction(data: bytes) -> bytes:
    transaction = decode_transaction(data)
    assert transaction.hash == keccak256(data)
    return transaction.raw


def _signed_transaction(data: bytes) -> None:
    transaction = decode_transaction(data)
    validate_transaction(transaction, chain_id=samples.CHAIN_ID)
    recover_sender(transaction)


def mutate_signed(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a hostile transaction whose signature is right, so that what lies behind the signature is reached."""
    data = mutate_rlp(drawn, seeds)
    tree = read_tree(data[1:] if data[:1] < b"\x80" else data)
    if not isinstance(tree, list) or len(tree) not in (9, 11, 12):
        return data
    if len(tree) == 9:
        chain = samples.CHAIN_ID.to_bytes(2, "big")
        r, s, y_parity = sign_secp256k1(ALICE_KEY, keccak256(write_tree([*tree[:6], chain, b"", b""])))
        v = 35 + 2 * samples.CHAIN_ID + y_parity
        return write_tree([*tree[:6], _big(v), _big(r), _big(s)])
    r, s, y_parity = sign_secp256k1(ALICE_KEY, keccak256(data[:1] + write_tree(tree[:-3])))
    return data[:1] + write_tree([*tree[:-3], _big(y_parity), _big(r), _big(s)])


def _big(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _genesis(data: bytes) -> bytes:
    document = decode_genesis(data)
    genesis_set_payload(document)
    return encode_genesis(document)


TARGETS = (
    Target("rlp", "consensus.primitives.rlp_codec:decode", samples.rlp_items, mutate_rlp, _rlp, (RlpError,)),
    Target(
        "rlp-list",
        "consensus.primitives.rlp_codec:split_list",
        lambda: [item for item in samples.rlp_items() if item[0] >= 0xC0],
        mutate_rlp,
        _rlp_list,
        (RlpError,),
    ),
    Target(
        "transaction",
        "consensus.chain.transaction:decode_transaction",
        samples.transactions,
        mutate_rlp,
        _transaction,
        (InvalidTransaction,),
    ),
    Target(
        "signed-transaction",
        "consensus.chain.transaction:recover_sender",
        lambda: samples.transactions()[:4],
        mutate_signed,
        _signed_transaction,
        (InvalidTransaction,),
    ),
    Target(
        "header",
        "consensus.chain.header:decode_header",
        samples.headers,
        mutate_rlp,
        lambda data: encode_header(decode_header(data)),
        (MalformedBlock,),
    ),
    Target(
        "body",
        "consensus.chain.block:decode_body",
        samples.bodies,
        mutate_rlp,
        lambda data: encode_body(decode_body(data)),
        (MalformedBlock,),
    ),
    Target(
        "receipt",
        "consensus.chain.receipt:decode_receipt",
        samples.receipts,
        mutate_rlp,
        lambda data: encode_receipt(decode_receipt(data)),
        (MalformedBlock,),
    ),
    Target(
        "genesis",
        "consensus.chain.genesis:decode_genesis",
        samples.geneses,
        mutate_json,
        _genesis,
        (InvalidGenesis,),
        # The encoder of Python's own json is Python code when it indents: a call for each mark.
        steps=Bound(40_000, 60),
        allocation=Bound(1024 * 1024, 80),
    ),
)
