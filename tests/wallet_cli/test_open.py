"""Whatever is opened goes the way of its command, and is asked about as there."""

from pathlib import Path

import pytest

from contracts.layout import balance_slot
from tests.wallet_cli.chain import BOB, EUR
from tests.wallet_cli.conftest import Wallet
from wallet_cli.addresses import checksum_address
from wallet_cli.offline.frames import FrameType, split
from wallet_cli.qr_codes import make_qr, qr_png

LINK = f"sycee:{checksum_address(BOB)}@23790?currency=EUR&amount=12.34&memo=INV-2041"


def received(wallet: Wallet) -> int:
    return wallet.chain.head.storage[EUR].get(balance_slot(BOB), 0)


def test_link_is_paid_as_it_says(wallet: Wallet) -> None:
    (paid,) = wallet.json("open", LINK, "--yes")["data"]["payments"]
    assert (paid["to"], paid["amount"], paid["memo"]) == (checksum_address(BOB), "12.34", "INV-2041")
    assert received(wallet) == 1_234


@pytest.mark.parametrize("name", ["open", "uri"])
def test_link_is_not_paid_without_a_yes(wallet: Wallet, name: str) -> None:
    asked = wallet.run(name, LINK)
    assert asked.exit_code == 3
    assert "Pay online" in asked.stderr and "12.34 EUR" in asked.stderr
    assert wallet.node.sent() == []


def test_link_for_another_network_is_refused(wallet: Wallet) -> None:
    other = LINK.replace("@23790", "@1")
    assert wallet.json("open", other, "--yes", exit_code=2)["error"]["code"] == "CHAIN_DIFFERS"
    assert wallet.node.sent() == []


def test_picture_of_a_link_is_paid(wallet: Wallet, tmp_path: Path) -> None:
    picture = tmp_path / "invoice.png"
    picture.write_bytes(qr_png(make_qr(LINK)))
    assert wallet.run("open", str(picture), "--yes").exit_code == 0
    assert received(wallet) == 1_234


def signed_file(wallet: Wallet, folder: Path) -> Path:
    unsigned, signed = folder / "pay.json", folder / "pay.signed.json"
    assert wallet.run("tx", "build", "bob", "12.34 EUR", "--out", str(unsigned)).exit_code == 0
    assert wallet.run("tx", "sign", str(unsigned), "--out", str(signed), "--yes").exit_code == 0
    return signed


def test_signed_file_is_sent_once_however_often_it_is_opened(wallet: Wallet, tmp_path: Path) -> None:
    signed = signed_file(wallet, tmp_path)
    assert wallet.run("open", str(signed)).exit_code == 3
    assert received(wallet) == 0
    for _ in range(2):
        assert wallet.run("open", str(signed), "--yes").exit_code == 0
    assert received(wallet) == 1_234


def test_unsigned_file_and_what_is_nothing_are_refused(wallet: Wallet, tmp_path: Path) -> None:
    signed_file(wallet, tmp_path)
    assert wallet.run("open", str(tmp_path / "pay.json"), "--yes").exit_code == 2
    assert wallet.run("open", str(tmp_path / "nowhere"), "--yes").exit_code == 2
    assert wallet.run("open", "bob", "--yes").exit_code == 2


def test_offline_message_is_recognized(wallet: Wallet, tmp_path: Path) -> None:
    (frame,) = split(b"\xa1\x00\x01", FrameType.CBOR)
    assert wallet.json("open", frame, exit_code=2)["error"]["code"] == "MESSAGE_INVALID"
    assert wallet.json("open", str(tmp_path / "x.sycee"), exit_code=2)["error"]["code"] == "FILE_NOT_READ"


def test_payment_crosses_the_air_gap_as_pictures(wallet: Wallet, tmp_path: Path) -> None:
    built = wallet.json("tx", "build", "bob", "12.34 EUR", "--memo", "x" * 32, "--via", "qr")["data"]["frames"]
    assert len(built) > 1
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    # In another order than they were shown.
    for place, frame in enumerate(reversed(built)):
        (pictures / f"{place}.png").write_bytes(qr_png(make_qr(frame)))
    wallet.node.calls.clear()
    signed = wallet.json("tx", "sign", str(pictures), "--via", "qr", "--yes")["data"]
    assert wallet.node.calls == []
    sent = wallet.json("tx", "submit", "\n".join(signed["frames"]), "--yes")["data"]
    assert sent["hash"] == signed["hash"]
    assert wallet.run("open", " ".join(signed["frames"]), "--yes").exit_code == 0
    assert received(wallet) == 1_234


def test_transaction_comes_from_stdin_as_a_file_or_as_frames(wallet: Wallet, tmp_path: Path) -> None:
    content = signed_file(wallet, tmp_path).read_text()
    frames = "\n".join(split(content.encode(), FrameType.JSON))
    assert wallet.run("tx", "submit", "-", "--yes", stdin=content).exit_code == 0
    assert wallet.run("open", "-", "--yes", stdin=frames).exit_code == 0
    assert wallet.run("tx", "submit", "-", "--yes", stdin="nothing").exit_code == 2
    assert received(wallet) == 1_234


def test_frames_that_are_not_all_there_are_refused(wallet: Wallet) -> None:
    frames = wallet.json("tx", "build", "bob", "12.34 EUR", "--via", "qr")["data"]["frames"]
    assert len(frames) > 1
    missing = wallet.json("tx", "sign", frames[0], "--via", "qr", "--yes", exit_code=2)
    assert missing["error"]["code"] == "TRANSACTION_FILE_INVALID"
    assert wallet.run("tx", "sign", " ".join(frames), "--via", "qr", "--yes").exit_code == 0


def test_screen_shows_every_frame_as_a_code(wallet: Wallet) -> None:
    shown = wallet.run("tx", "build", "bob", "12.34 EUR", "--via", "qr").stdout
    frames = wallet.json("tx", "build", "bob", "12.34 EUR", "--via", "qr")["data"]["frames"]
    assert all(f"frame {place}/{len(frames)}" in shown for place in range(1, len(frames) + 1))
    assert "█" in shown


@pytest.mark.parametrize("words", [(), ("--via", "qr", "--out", "pay.json")])
def test_transaction_travels_one_way(wallet: Wallet, words: tuple[str, ...]) -> None:
    assert wallet.run("tx", "build", "bob", "1 EUR", *words).exit_code == 2


def test_unsigned_payment_is_what_build_writes_and_sends_nothing(wallet: Wallet, tmp_path: Path) -> None:
    first, second = tmp_path / "send.json", tmp_path / "build.json"
    assert wallet.run("send", "bob", "12.34 EUR", "--memo", "INV-1", "--unsigned", str(first)).exit_code == 0
    assert wallet.run("tx", "build", "bob", "12.34 EUR", "--memo", "INV-1", "--out", str(second)).exit_code == 0
    assert first.read_bytes() == second.read_bytes()
    assert wallet.node.sent() == []
    assert wallet.run("send", "bob", "1000000 EUR", "--unsigned", str(tmp_path / "x.json")).exit_code == 5
