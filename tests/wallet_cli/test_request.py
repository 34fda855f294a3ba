"""A request for money is a link that reads in one way only, and costs its payee no connection."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address
from tests.wallet_cli.chain import ALICE
from tests.wallet_cli.conftest import Wallet
from wallet_cli.addresses import checksum_address
from wallet_cli.errors import UsageRefused
from wallet_cli.payment_links import PaymentLink, decode_link, encode_link
from wallet_cli.qr_codes import read_qr

PAYEE = checksum_address(ALICE)
LINK = f"sycee:{PAYEE}@23790?currency=EUR&amount=12.34&memo=INV-2041"


def test_request_is_a_link_with_every_field_and_opens_no_connection(wallet: Wallet) -> None:
    assert wallet.run("balance").exit_code == 0
    wallet.node.calls.clear()
    answer = wallet.json("request", "12.34 EUR", "--memo", "INV-2041")
    assert answer["data"]["link"] == LINK
    assert (answer["data"]["units"], answer["data"]["memo"]) == ("1234", "INV-2041")
    assert wallet.node.calls == []
    assert wallet.run("request", "12.345 EUR").exit_code == 2
    assert wallet.run("request", "1 EUR", "--memo", "x" * 33).exit_code == 2


def test_picture_of_a_request_reads_as_its_link(wallet: Wallet, tmp_path: Path) -> None:
    assert wallet.run("balance").exit_code == 0
    picture = tmp_path / "invoice.png"
    words = ("request", "12.34 EUR", "--memo", "INV-2041", "--png", str(picture))
    assert wallet.run(*words).exit_code == 0
    assert read_qr(picture) == [LINK]
    assert wallet.json(*words, exit_code=2)["error"]["code"] == "FILE_EXISTS"


def test_address_is_that_of_the_account_in_use(wallet: Wallet) -> None:
    assert wallet.run("address").stdout == f"{PAYEE}\n"
    assert wallet.run("address", "--from", "bob").stdout != f"{PAYEE}\n"
    assert "█" in wallet.run("address", "--qr").stdout


@settings(max_examples=50)
@given(
    st.binary(min_size=20, max_size=20),
    st.integers(1, 10**18),
    st.from_regex(r"[A-Z0-9.]{3,12}", fullmatch=True),
    st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,9})?", fullmatch=True),
    st.text(max_size=16),
)
def test_link_reads_as_it_was_written(address: bytes, chain_id: int, code: str, amount: str, memo: str) -> None:
    try:
        memo.encode()
    except UnicodeEncodeError:
        return
    # An address of digits alone carries no checksum, and is refused in links.
    if checksum_address(address)[2:].isdigit():
        return
    link = PaymentLink(Address(address), chain_id, code, amount, memo)
    assert decode_link(encode_link(link)) == link


@pytest.mark.parametrize(
    "text",
    [
        LINK.replace("sycee:", "ethereum:"),
        LINK.replace(PAYEE, PAYEE.lower()),
        LINK.replace("@23790", ""),
        LINK.replace("@23790", "@023790"),
        LINK.replace("&amount=12.34", ""),
        LINK + "&amount=99",
        LINK + "&to=0x00",
        LINK + "&",
        LINK.replace("INV-2041", "%ff"),
        LINK + "x" * 512,
    ],
)
def test_link_that_is_not_exactly_one_request_is_refused(text: str) -> None:
    assert decode_link(LINK).amount == "12.34"
    with pytest.raises(UsageRefused):
        decode_link(text)
