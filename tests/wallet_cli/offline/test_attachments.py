"""COMMITTEE and REVOCATIONS prove themselves, and no altered bit of them proves anything."""

from dataclasses import replace

import pytest

from consensus.light.attestation import AttestationNotValid, CommitteeUnknown
from consensus.light.trust import LightError
from tests.wallet_cli.offline.builders import (
    ALICE_ADDRESS,
    ATTESTED_S,
    LOCK_ID,
    NOW_S,
    PURSE_ID,
    committee,
    make_committee_message,
    make_fraud,
    make_receipt,
    make_revocations,
    trust,
)
from wallet_cli.offline.attachments import RevokedList, follow_message, learn, verify_revocations
from wallet_cli.offline.errors import MessageError
from wallet_cli.offline.fraud import OtherNetwork
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import CommitteeMessage, Message, Revocations

LIST = make_revocations((PURSE_ID, ALICE_ADDRESS))


def prove(message: Message) -> None:
    if isinstance(message, CommitteeMessage):
        follow_message(trust(), message, now_s=NOW_S)
    else:
        assert isinstance(message, Revocations)
        verify_revocations(trust(), message)


@pytest.mark.parametrize("message", [make_committee_message(), LIST], ids=["committee", "revocations"])
def test_no_flipped_bit_proves_anything(message: Message) -> None:
    prove(message)
    encoded = bytearray(encode_message(message))
    for at in range(len(encoded)):
        bit = 1 << at % 8
        encoded[at] ^= bit
        with pytest.raises((MessageError, LightError, OtherNetwork)):
            prove(decode_message(bytes(encoded)))
        encoded[at] ^= bit


def test_messages_of_another_network_are_refused_as_such() -> None:
    for message in (replace(make_committee_message(), chain_id=1), replace(LIST, chain_id=1)):
        with pytest.raises(OtherNetwork):
            prove(message)


def test_list_tells_purses_and_owners() -> None:
    found = verify_revocations(trust(), LIST)
    assert found.time_s == ATTESTED_S
    assert found.has(PURSE_ID)
    assert found.has(ALICE_ADDRESS)
    assert not found.has(LOCK_ID)
    assert not RevokedList().has(PURSE_ID)


def test_entry_left_out_or_added_is_no_list() -> None:
    for prefixes in (LIST.prefixes[:1], (*LIST.prefixes, b"\xff" * 8), ()):
        with pytest.raises(AttestationNotValid):
            verify_revocations(trust(), replace(LIST, prefixes=prefixes))


def test_committees_are_followed_in_their_order_and_what_fails_is_left_out() -> None:
    messages = (make_committee_message(8), make_committee_message(7), make_fraud(), make_receipt(LOCK_ID), LIST)
    gap = learn(trust(), RevokedList(), [encode_message(message) for message in messages], now_s=NOW_S)
    assert gap.trust.newest == committee(5)
    assert (len(gap.frauds), len(gap.receipts), len(gap.left_out)) == (1, 1, 2)
    assert gap.revoked.prefixes == LIST.prefixes
    whole = learn(
        trust(),
        RevokedList(),
        [encode_message(message) for message in (*messages, make_committee_message(6))],
        now_s=NOW_S,
    )
    assert whole.trust.newest == committee(8)
    assert whole.left_out == ()


def test_older_list_does_not_replace_a_newer_one() -> None:
    newer = RevokedList((), ATTESTED_S + 1)
    assert learn(trust(), newer, [encode_message(LIST)], now_s=NOW_S).revoked == newer
    older = RevokedList((), ATTESTED_S - 1)
    assert learn(trust(), older, [encode_message(LIST)], now_s=NOW_S).revoked.has(PURSE_ID)


def test_list_by_an_unknown_committee_is_refused() -> None:
    certificate = replace(LIST.certificate, committee=6)
    with pytest.raises(CommitteeUnknown):
        verify_revocations(trust(), replace(LIST, certificate=certificate))
