"""Offline messages have golden bytes, one spelling, and a named error for everything else."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wallet_cli.offline.builders import Named, every_message, make_invoice, make_paired, make_purse_payment
from tests.wallet_cli.offline.vectors import VECTORS, build_vectors
from wallet_cli.offline.canonical_cbor import CborItem, decode, encode
from wallet_cli.offline.errors import (
    FieldNotValid,
    MessageError,
    MissingField,
    NotCanonical,
    UnknownField,
    UnknownKind,
    UnknownVersion,
)
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.message_encoder import encode_message

STORED = json.loads(VECTORS.read_text())
EVERY = pytest.mark.parametrize("named", every_message(), ids=lambda named: named.name)

Change = Callable[[dict[int, CborItem]], None]


def entries_of(named: Named) -> dict[int, CborItem]:
    found = decode(encode_message(named.message))
    assert isinstance(found, dict)
    return dict(found)


def named(name: str) -> Named:
    return next(entry for entry in every_message() if entry.name == name)


def test_vectors_are_what_the_builders_make() -> None:
    assert build_vectors() == STORED


@EVERY
def test_message_decodes_to_itself(named: Named) -> None:
    assert decode_message(encode_message(named.message)) == named.message


@EVERY
def test_every_truncation_is_refused(named: Named) -> None:
    encoded = encode_message(named.message)
    for end in range(len(encoded)):
        with pytest.raises(NotCanonical):
            decode_message(encoded[:end])


@EVERY
def test_every_bit_flip_is_refused_by_name_or_is_another_message(named: Named) -> None:
    encoded = bytearray(encode_message(named.message))
    for at in range(len(encoded)):
        bit = 1 << at % 8
        encoded[at] ^= bit
        try:
            found = decode_message(bytes(encoded))
        except MessageError:
            pass
        else:
            assert encode_message(found) == bytes(encoded)
            assert found != named.message
        encoded[at] ^= bit


@EVERY
def test_every_field_but_the_optional_is_missed(named: Named) -> None:
    optional = {"INVOICE": {5, 10, 13, 15, 23}, "PAYMENT": {19, 20, 23}, "HEAL": {26}, "CARD": {5}}
    kind = type(named.message).__name__.upper().removeprefix("PAIRED").removeprefix("PURSE")
    for key in entries_of(named):
        entries = entries_of(named)
        del entries[key]
        if key in optional.get(kind, set()) or key >= 64:
            decode_message(encode(entries))
        else:
            with pytest.raises(MissingField):
                decode_message(encode(entries))


@EVERY
def test_a_field_of_another_kind_is_refused_and_one_of_a_later_version_is_kept(named: Named) -> None:
    for key in (24, 25, 63):
        with pytest.raises(UnknownField):
            decode_message(encode({**entries_of(named), key: 1}))
    found = decode_message(encode({**entries_of(named), 70: [1, b"x"]}))
    assert (70, encode([1, b"x"])) in found.extensions


REFUSED: tuple[tuple[str, str, Change, type[MessageError]], ...] = (
    ("kind 0", "card", lambda entries: entries.update({0: 0}), UnknownKind),
    ("kind 10", "card", lambda entries: entries.update({0: 10}), UnknownKind),
    ("version 2", "card", lambda entries: entries.update({1: 2}), UnknownVersion),
    ("chain 0", "card", lambda entries: entries.update({2: 0}), FieldNotValid),
    ("chain 2^53", "card", lambda entries: entries.update({2: 2**53}), FieldNotValid),
    ("a payee of 19 bytes", "card", lambda entries: entries.update({4: bytes(19)}), FieldNotValid),
    ("a till of zero", "card", lambda entries: entries.update({5: bytes(20)}), FieldNotValid),
    ("a time of 33 bits", "card", lambda entries: entries.update({9: 2**32}), FieldNotValid),
    ("no letters in a name", "card", lambda entries: entries.update({10: ""}), FieldNotValid),
    ("a name of 33 bytes", "card", lambda entries: entries.update({10: "x" * 33}), FieldNotValid),
    ("a name that turns around", "card", lambda entries: entries.update({10: "a\u202eb"}), FieldNotValid),
    ("a name with a space behind", "card", lambda entries: entries.update({10: "a "}), FieldNotValid),
    ("a name in bytes", "card", lambda entries: entries.update({10: b"a"}), FieldNotValid),
    ("a signature of 128 bytes", "card", lambda entries: entries.update({14: bytes(128)}), FieldNotValid),
    ("currency 0", "invoice, minimal", lambda entries: entries.update({6: 0}), FieldNotValid),
    ("currency 2^32", "invoice, minimal", lambda entries: entries.update({6: 2**32}), FieldNotValid),
    ("amount 0", "invoice, minimal", lambda entries: entries.update({7: 0}), FieldNotValid),
    ("mode 0", "invoice, minimal", lambda entries: entries.update({11: 0}), FieldNotValid),
    ("mode 4", "invoice, minimal", lambda entries: entries.update({11: 4}), FieldNotValid),
    ("a card of one member", "invoice, minimal", lambda entries: entries.update({13: [1]}), FieldNotValid),
    ("a channel of bytes", "invoice, minimal", lambda entries: entries.update({15: b""}), FieldNotValid),
    ("no attachments in a list", "invoice, minimal", lambda entries: entries.update({23: []}), FieldNotValid),
    ("an attached number", "invoice, minimal", lambda entries: entries.update({23: [1]}), FieldNotValid),
    ("attached rubbish", "invoice, minimal", lambda entries: entries.update({23: [b"\xff"]}), NotCanonical),
    (
        "an attached invoice",
        "invoice, minimal",
        lambda entries: entries.update({23: [encode_message(make_invoice())]}),
        UnknownKind,
    ),
    (
        "an attached payment",
        "invoice, minimal",
        lambda entries: entries.update({23: [encode_message(make_paired())]}),
        UnknownKind,
    ),
    (
        "nine attachments",
        "invoice, minimal",
        lambda entries: entries.update({23: [encode_message(named("receipt").message)] * 9}),
        FieldNotValid,
    ),
    ("both modes", "payment from a known lock", lambda entries: entries.update({11: 3}), FieldNotValid),
    ("mode changed", "payment from a known lock", lambda entries: entries.update({11: 2}), MissingField),
    ("cumulative 0", "payment from a known lock", lambda entries: entries.update({16: 0}), FieldNotValid),
    ("cumulative 2^64", "payment from a known lock", lambda entries: entries.update({16: bytes(9)}), FieldNotValid),
    ("units of a lock", "payment from a known lock", lambda entries: entries.update({17: 0}), UnknownField),
    ("terms in a list", "payment from a known lock", lambda entries: entries.update({19: []}), FieldNotValid),
    (
        "terms with a surplus field",
        "payment from a lock, first",
        lambda entries: entries.update({19: {**entries[19], 64: 1}}),  # type: ignore[dict-item]  # it is a map
        UnknownField,
    ),
    (
        "an empty bitmap",
        "committee",
        lambda entries: entries.update({20: {**entries[20], 5: b""}}),  # type: ignore[dict-item]  # it is a map
        FieldNotValid,
    ),
    (
        "half a signature",
        "committee",
        lambda entries: entries.update({20: {**entries[20], 6: bytes(96)}}),  # type: ignore[dict-item]  # it is a map
        FieldNotValid,
    ),
    ("no keys", "committee", lambda entries: entries.update({27: b""}), FieldNotValid),
    ("101 keys", "committee", lambda entries: entries.update({27: bytes(101 * 32)}), FieldNotValid),
    ("half a prefix", "revocations, none", lambda entries: entries.update({29: bytes(4)}), FieldNotValid),
    ("a prefix twice", "revocations, none", lambda entries: entries.update({29: bytes(16)}), FieldNotValid),
    (
        "a spend of four members",
        "fraud",
        lambda entries: entries.update({30: [0, 1, bytes(20), bytes(8)]}),
        FieldNotValid,
    ),
)


@pytest.mark.parametrize(("name", "change", "error"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_field_out_of_bounds_is_refused(name: str, change: Change, error: type[MessageError]) -> None:
    entries = entries_of(named(name))
    change(entries)
    with pytest.raises(error):
        decode_message(encode(entries))


@settings(max_examples=50, deadline=None)
@given(
    cumulative=st.integers(1, 2**64 - 1),
    ref=st.binary(min_size=16, max_size=16),
    signature=st.one_of(st.binary(min_size=65, max_size=65), st.binary(min_size=128, max_size=128)),
    invoice=st.binary(min_size=8, max_size=8),
    extensions=st.dictionaries(st.integers(64, 2**64 - 1), st.integers(0, 99), max_size=3),
)
def test_any_paired_payment_round_trips(
    cumulative: int, ref: bytes, signature: bytes, invoice: bytes, extensions: dict[int, int]
) -> None:
    base = make_paired()
    message = replace(
        base,
        ref=ref,
        voucher=replace(base.voucher, cumulative=cumulative, invoice=invoice, signature=signature),
        extensions=tuple((key, encode(extensions[key])) for key in sorted(extensions)),
    )
    assert decode_message(encode_message(message)) == message


@settings(max_examples=50, deadline=None)
@given(
    lo=st.integers(0, 2**64 - 1),
    hi=st.integers(0, 2**64 - 1),
    value=st.integers(0, 2**64 - 1),
    delay=st.integers(0, 2**32 - 1),
)
def test_any_purse_payment_round_trips(lo: int, hi: int, value: int, delay: int) -> None:
    base = make_purse_payment()
    assert base.terms is not None
    message = replace(base, lo=lo, hi=hi, terms=replace(base.terms, value=value, settle_delay_s=delay))
    assert decode_message(encode_message(message)) == message


def test_attachments_do_not_nest() -> None:
    inner = encode_message(named("card").message)
    card = entries_of(named("card"))
    with pytest.raises(UnknownField):
        decode_message(encode({**card, 23: [inner]}))
