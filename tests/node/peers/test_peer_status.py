"""What a status proves, and what it does not."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import Epoch, Hash32, Height, ValidatorIndex, View
from consensus.simplex.messages import Certificate, Status
from node.peers.peer_status import proved_view
from node.peers.wire import MalformedMessage, decode_nonce
from tests.consensus.simplex.keys import DOMAIN, certificate, finalize, notarize, nullify, validator_set

VALIDATORS = validator_set(4)
BLOCK = Hash32(b"\x0b" * 32)


def status(view: int, entry: Certificate | None) -> Status:
    return Status(
        is_resuming=False,
        is_syncing=False,
        final_epoch=Epoch(0),
        final_view=View(0),
        final_height=Height(0),
        final_hash=BLOCK,
        height_oldest=Height(0),
        nonce=bytes(32),
        view=View(view),
        signer=ValidatorIndex(1),
        signature=bytes(64),
        entry=entry,
    )


ENTRIES = {
    "nullification": certificate(VALIDATORS, nullify(6)),
    "notarization": certificate(VALIDATORS, notarize(6, 2, BLOCK)),
    "finalization": certificate(VALIDATORS, finalize(6, 2, BLOCK)),
}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_view_is_proved_by_the_certificate_that_led_into_it(entry: Certificate) -> None:
    assert proved_view(status(7, entry), DOMAIN, VALIDATORS) == 7


@pytest.mark.parametrize("view", [6, 8, 2**64 - 1])
def test_certificate_of_another_view_proves_nothing(view: int) -> None:
    assert proved_view(status(view, ENTRIES["nullification"]), DOMAIN, VALIDATORS) is None


def test_view_without_a_certificate_is_proved_only_if_it_is_the_first() -> None:
    assert proved_view(status(1, None), DOMAIN, VALIDATORS) == 1
    assert proved_view(status(2, None), DOMAIN, VALIDATORS) is None


def test_false_certificate_is_misbehaviour() -> None:
    entry = ENTRIES["nullification"]
    false = replace(entry, signatures=(*entry.signatures[:-1], bytes(64)))
    with pytest.raises(MalformedMessage, match="false certificate"):
        proved_view(status(7, false), DOMAIN, VALIDATORS)


def test_certificate_of_another_epoch_is_misbehaviour() -> None:
    with pytest.raises(MalformedMessage, match="of epoch 0, the set is that of epoch 1"):
        proved_view(status(7, ENTRIES["nullification"]), DOMAIN, validator_set(4, epoch=1))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_status_request_carries_a_nonce_of_thirty_two_bytes(length: int) -> None:
    assert decode_nonce(bytes(32)) == bytes(32)
    with pytest.raises(MalformedMessage):
        decode_nonce(bytes(length))
