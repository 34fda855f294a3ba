"""Offline messages, as a till reads them from a stranger's screen."""

import random
from collections.abc import Sequence
from functools import cache
from typing import assert_never

from tests.fuzz.mutators import mutate_bytes
from tests.fuzz.promise import Bound, Target
from tests.wallet_cli.offline.builders import (
    CHAIN_ID,
    LOCK_ID,
    LOCK_TERMS,
    NOW_S,
    PURSE_ID,
    SEPARATOR,
    every_message,
    make_hop,
)
from tests.wallet_cli.offline.tills import knowing_lock, make_payer, make_till
from wallet_cli.offline.acceptance import check_payment
from wallet_cli.offline.attachments import learn
from wallet_cli.offline.canonical_cbor import CborItem, DecodedCbor, decode, encode
from wallet_cli.offline.errors import MessageError
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import (
    Card,
    CommitteeMessage,
    Fraud,
    Heal,
    Invoice,
    PairedPayment,
    PursePayment,
    Receipt,
    Release,
    Revocations,
)
from wallet_cli.offline.payer import check_card, check_heal, check_invoice, check_receipt, check_release

HOSTILE_LEAVES: tuple[CborItem, ...] = (
    0, 1, 23, 24, 255, 256, 2**32 - 1, 2**32, 2**53, 2**64 - 1, b"", bytes(8), bytes(20), bytes(65), bytes(128),
    bytes(3_900), "", "x", "\u202e", "\x00", "x" * 40, [], {}, [[[[[[]]]]]], [0] * 300, {1: {2: {3: {4: {5: 6}}}}},
)  # fmt: skip
HOSTILE_HEADS = (0x1B, 0x3B, 0x5B, 0x7B, 0x9B, 0xBB, 0xDB, 0xFB, 0x5F, 0x9F, 0xBF, 0xFF, 0xC2, 0xF6)


@cache
def _messages() -> tuple[bytes, ...]:
    return tuple(encode_message(named.message) for named in every_message())


def mutate_message(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a message with lies in its fields, its keys or its lengths."""
    match drawn.randrange(3):
        case 0:
            return mutate_bytes(drawn, seeds)
        case 1:
            data = bytearray(drawn.choice(seeds))
            data[drawn.randrange(len(data))] = drawn.choice(HOSTILE_HEADS)
            return bytes(data)
        case _:
            return encode(_lie(drawn, decode(drawn.choice(seeds))))


def _lie(drawn: random.Random, tree: DecodedCbor) -> CborItem:
    """Return the tree with one field replaced, left out or added, somewhere."""
    if isinstance(tree, list) and tree and drawn.random() < 0.8:
        at = drawn.randrange(len(tree))
        return [*tree[:at], _lie(drawn, tree[at]), *tree[at + 1 :]]
    if isinstance(tree, dict) and tree and drawn.random() < 0.8:
        changed: dict[int, CborItem] = dict(tree)
        key = drawn.choice(list(tree))
        match drawn.randrange(4):
            case 0:
                del changed[key]
            case 1:
                changed[drawn.choice((24, 25, 32, 63, 64, 2**64 - 1))] = drawn.choice(HOSTILE_LEAVES)
            case _:
                changed[key] = _lie(drawn, tree[key])
        return changed
    return drawn.choice(HOSTILE_LEAVES)


def _check(data: bytes) -> None:
    """Put a stranger's bytes to a till and to a payer: both answer, whatever they are."""
    check_payment(TILL, data, now_s=NOW_S)
    try:
        message = decode_message(data)
    except MessageError:
        return
    match message:
        case Invoice():
            check_invoice(PAYER, message, now_s=NOW_S)
        case Heal():
            check_heal(SEPARATOR, PAYER.locks[0], message, invoice=message.invoice, amount_minor=1, now_s=NOW_S)
        case Card():
            check_card(CHAIN_ID, SEPARATOR, message, now_s=NOW_S)
        case Receipt():
            check_receipt(SEPARATOR, message, digest=LOCK_ID, invoice=message.invoice, till_key=TILL.till_key)
        case Release():
            check_release(SEPARATOR, LOCK_TERMS, message)
        case CommitteeMessage() | Revocations() | Fraud():
            learn(TILL.trust, TILL.revoked, [data], now_s=NOW_S)
        case PairedPayment() | PursePayment():
            pass
        case _:
            assert_never(message)


TILL = make_till(locks=knowing_lock(), spends={PURSE_ID: (make_hop(12_00, 13_00, number=7),)})
PAYER = make_payer()

TARGETS = (
    Target(
        "offline-message",
        "wallet_cli.offline.message_decoder:decode_message",
        _messages,
        mutate_message,
        lambda data: encode_message(decode_message(data)),
        (MessageError,),
    ),
    Target(
        "offline-verdict",
        "wallet_cli.offline.acceptance:check_payment",
        _messages,
        mutate_message,
        _check,
        (),
        # Decoded twice here, and a message may carry eight others: each may cost two signatures more.
        steps=Bound(12_000, 120),
        allocation=Bound(256 * 1024, 160),
    ),
)
