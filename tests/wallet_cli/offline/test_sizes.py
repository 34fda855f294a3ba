"""No message is larger than a payer can hold still for: bytes and QR frames of the largest field values."""

import pytest

from tests.wallet_cli.offline.sizes import Size, checks, rows
from wallet_cli.offline.frames import FRAME_BYTES_DEFAULT
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.message_encoder import encode_message


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_largest_message_is_within_its_cap(row: Size) -> None:
    assert row.byte_count <= row.bytes_max
    assert row.frames <= row.frames_max
    assert decode_message(encode_message(row.message)) == row.message


def test_frame_holds_240_bytes() -> None:
    assert FRAME_BYTES_DEFAULT == 240


def test_every_timed_check_passes() -> None:
    for _, act in checks():
        act()
