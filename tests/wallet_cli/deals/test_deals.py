"""Escrows, swaps, mandates and exchanges: what is sent is what was typed, and the screen says all of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from consensus.chain.transaction import decode_transaction
from contracts.declarations import encode_call
from tests.wallet_cli.chain import ALICE, BOB, EUR, JPY
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.deals.stubs import Stub, escrow_stub, fx_stub, mandate_stub, put_stubs, swap_stub
from wallet_cli.deals.desk import ALLOWANCE

CREATE = ("escrow", "create", "bob", "30.00 EUR", "20.00 EUR", "--memo", "ORDER-7")


def allowance(wallet: Wallet, stub: Stub, owner: bytes = ALICE, currency: bytes = EUR) -> int:
    call = {"to": "0x" + currency.hex(), "data": "0x" + encode_call(ALLOWANCE, owner, stub.place).hex()}
    return int(wallet.node._eth_call(call, "latest"), 16)


def put(wallet: Wallet, monkeypatch: pytest.MonkeyPatch, stub: Stub) -> Stub:
    put_stubs(wallet, monkeypatch, stub)
    return stub


# Escrow


@pytest.fixture
def escrow(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> Stub:
    return put(wallet, monkeypatch, escrow_stub())


def test_an_escrow_is_created_as_typed_and_allows_exactly_its_sum(wallet: Wallet, escrow: Stub) -> None:
    made = wallet.json(*CREATE, "--then", "pay", "--yes")["data"]
    assert made["escrow"] == 1
    [(name, values)] = escrow.called
    token, payee, arbiter, amounts, _, arbitration_s, outcome, memo = values
    assert (name, token, payee, any(arbiter)) == ("create", EUR, BOB, False)
    assert (list(amounts), arbitration_s, outcome, memo.rstrip(b"\0")) == ([3_000, 2_000], 0, 2, b"ORDER-7")
    assert allowance(wallet, escrow) == 5_000


def test_the_screen_of_an_escrow_says_who_gets_what_and_until_when(wallet: Wallet, escrow: Stub) -> None:
    screen = wallet.run(*CREATE, "--arbiter", "0x" + "00" * 18 + "ca40", "--dry-run", "--yes").stderr
    for line in (
        "  you pay   30.00 EUR  alice → bob  milestone 1",
        "  you pay   20.00 EUR  alice → bob  milestone 2",
        "at least 14d to decide",
        "then the rest goes to alice",
        "  memo      ORDER-7",
        "  allows    Escrow to take exactly 50.00 EUR",
    ):
        assert line in screen
    assert wallet.node.sent() == []


def test_milestones_are_released_in_order_or_by_their_number(wallet: Wallet, escrow: Stub) -> None:
    assert wallet.run(*CREATE, "--yes").exit_code == 0
    assert "milestone 1 paid" in wallet.run("escrow", "release", "1", "--yes").stdout
    assert "milestone 2 paid" in wallet.run("escrow", "release", "1", "--yes").stdout
    assert wallet.json("escrow", "release", "1", "--yes", exit_code=2)["error"]["code"] == "NO_MILESTONE"
    assert wallet.json("escrow", "release", "1", "--milestone", "3", exit_code=2)["error"]["code"] == "NO_MILESTONE"
    assert [values for name, values in escrow.called if name == "release"] == [(1, 0), (1, 1)]


def test_a_dispute_is_resolved_by_the_arbiter_alone(wallet: Wallet, escrow: Stub) -> None:
    carol = "0x" + "00" * 18 + "ca40"
    created = wallet.run("escrow", "create", carol, "70 EUR", "--arbiter", "bob", "--yes")
    assert created.exit_code == 0, created.output
    assert wallet.run("escrow", "dispute", "1", "--yes").exit_code == 0
    assert wallet.json("escrow", "resolve", "1", "60 EUR", "--yes", exit_code=2)["error"]["code"] == "OTHER_PARTY"
    too_much = wallet.json("escrow", "resolve", "1", "71 EUR", "--from", "bob", "--yes", exit_code=2)
    assert too_much["error"]["code"] == "SPLIT_INVALID"
    assert wallet.run("escrow", "resolve", "1", "60 EUR", "--from", "bob", "--yes").exit_code == 0
    assert escrow.called[-1] == ("resolve", (1, 6_000))
    assert wallet.json("escrow", "show", "1")["data"]["state"] == "closed"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("escrow", "create", "bob", "1 EUR", "1 JPY"), "MILESTONES_INVALID"),
        (("escrow", "create", "bob", *["1 EUR"] * 17), "MILESTONES_INVALID"),
        (("escrow", "create", "bob", "1 EUR", "--decide-within", "1d"), "NO_ARBITER"),
        (("escrow", "create", "bob", "1 EUR", "--arbiter", "bob", "--decide-within", "soon"), "TIME_INVALID"),
        (("escrow", "show", "7"), "DEAL_UNKNOWN"),
    ],
)
def test_what_is_no_escrow_is_refused_before_anything_is_signed(
    wallet: Wallet, escrow: Stub, words: tuple[str, ...], code: str
) -> None:
    assert wallet.json(*words, exit_code=2)["error"]["code"] == code
    assert wallet.node.sent() == []


def test_the_payees_and_the_payers_steps_are_theirs(wallet: Wallet, escrow: Stub) -> None:
    assert wallet.run(*CREATE, "--yes").exit_code == 0
    assert wallet.json("escrow", "refund", "1", "--yes", exit_code=2)["error"]["code"] == "OTHER_PARTY"
    other = wallet.json("escrow", "release", "1", "--from", "bob", "--yes", exit_code=2)
    assert other["error"]["code"] == "OTHER_PARTY"
    assert wallet.json("escrow", "dispute", "1", "--yes", exit_code=2)["error"]["code"] == "NO_ARBITER"
    assert wallet.run("escrow", "refund", "1", "--from", "bob", "--yes").exit_code == 0
    assert escrow.functions == ["create", "refund"]


# Swaps


@pytest.fixture
def swap(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> Stub:
    return put(wallet, monkeypatch, swap_stub())


def secret_files(wallet: Wallet) -> list[Path]:
    return sorted(wallet.home.rglob("swaps/*.txt"))


def test_a_secret_is_kept_for_its_owner_only_before_the_lock_is_sent(wallet: Wallet, swap: Stub) -> None:
    made = wallet.json("swap", "lock", "bob", "5 EUR", "--memo", "S-1", "--yes")["data"]
    (file,) = secret_files(wallet)
    assert file.stat().st_mode & 0o777 == 0o600
    assert made["digest"] == f"0x{file.stem}"
    assert file.read_text().strip() not in json.dumps(made)
    assert wallet.run("swap", "claim", "1", "--yes").exit_code == 0
    assert swap.called[-1] == ("claim", (1, bytes.fromhex(file.read_text().strip()[2:])))
    assert wallet.json("swap", "show", "1")["data"]["secret"] == file.read_text().strip()


def test_a_lock_whose_answer_was_lost_goes_on_with_its_own_secret(wallet: Wallet, swap: Stub) -> None:
    lock = ("swap", "lock", "bob", "5 EUR", "--yes")

    def lose(params: list[Any], honest: Any) -> Any:
        if decode_transaction(bytes.fromhex(params[0][2:])).to == swap.place:
            raise ConnectionError
        return honest()

    wallet.node.lies["eth_sendRawTransactionSync"] = lose
    assert wallet.run(*lock, "--timeout", "1").exit_code != 0
    wallet.node.lies.pop("eth_sendRawTransactionSync")
    assert wallet.run(*lock).exit_code == 0
    assert swap.functions.count("lock") == 1
    assert [file.stem for file in secret_files(wallet)] == [swap.called[-1][1][3].hex()]


def test_the_other_half_is_locked_by_its_digest_and_claimed_from_a_file(
    wallet: Wallet, swap: Stub, tmp_path: Path
) -> None:
    wallet.run("swap", "lock", "bob", "1 EUR", "--yes")
    (file,) = secret_files(wallet)
    locked = wallet.run("swap", "lock", "bob", "5 EUR", "--digest", file.stem, "--yes")
    assert locked.exit_code == 0, locked.output
    assert len(secret_files(wallet)) == 1
    moved = tmp_path / "secret.txt"
    moved.write_bytes(file.read_bytes())
    file.unlink()
    assert wallet.json("swap", "claim", "1", exit_code=2)["error"]["code"] == "SECRET_MISSING"
    assert wallet.run("swap", "claim", "1", "--secret-file", str(moved), "--yes").exit_code == 0
    moved.write_text("00" * 32)
    wrong = wallet.json("swap", "claim", "1", "--secret-file", str(moved), exit_code=2)
    assert wrong["error"]["code"] == "SECRET_MISSING"


def test_a_dry_run_makes_no_secret(wallet: Wallet, swap: Stub) -> None:
    assert wallet.run("swap", "lock", "bob", "5 EUR", "--dry-run").exit_code == 0
    assert secret_files(wallet) == []
    assert wallet.json("swap", "lock", "bob", "5 EUR", "--digest", "0x12", exit_code=2)["error"]["code"] == (
        "DIGEST_INVALID"
    )


# Mandates


@pytest.fixture
def mandate(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> Stub:
    return put(wallet, monkeypatch, mandate_stub())


def test_a_mandate_allows_at_most_all_that_it_can_ever_collect(wallet: Wallet, mandate: Stub) -> None:
    grant = ("mandate", "grant", "bob", "2.00 EUR", "--per-period", "5.00 EUR", "--every", "7days", "--until", "20d")
    told = wallet.run(*grant, "--memo", "PARK", "--yes")
    assert told.exit_code == 0, told.output
    assert "caps      2.00 EUR at once, 5.00 EUR a 7 days" in told.stderr
    assert "allows    Mandate to take exactly 15.00 EUR more" in told.stderr
    [(_, (collector, token, terms, memo))] = mandate.called
    assert (collector, token, terms[:6], memo.rstrip(b"\0")) == (BOB, EUR, (200, 500, 1, 7, 0, 0), b"PARK")
    assert allowance(wallet, mandate) == 1_500
    assert wallet.run(*grant, "--memo", "OTHER", "--yes").exit_code == 0
    assert allowance(wallet, mandate) == 3_000


def test_a_mandate_collects_for_its_collector_up_to_its_cap(wallet: Wallet, mandate: Stub) -> None:
    assert wallet.run("mandate", "grant", "bob", "2.00 EUR", "--until", "20d", "--yes").exit_code == 0
    assert wallet.json("mandate", "collect", "1", "1 EUR", exit_code=2)["error"]["code"] == "OTHER_PARTY"
    by_bob = ("mandate", "collect", "1", "--from", "bob", "--yes")
    assert wallet.json(*by_bob, "2.01 EUR", exit_code=2)["error"]["code"] == "COLLECTION_TOO_LARGE"
    assert wallet.run(*by_bob, "2.00 EUR", "--memo", "MAY").exit_code == 0
    assert mandate.called[-1] == ("collect", (1, 200, b"MAY".ljust(32, b"\0")))
    assert wallet.run("mandate", "revoke", "1", "--yes").exit_code == 0
    assert wallet.json("mandate", "show", "1")["data"]["is_revoked"] is True


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("2 EUR", "--per-period", "1 EUR", "--until", "20d"), "CAPS_INVALID"),
        (("2 EUR", "--per-period", "100 JPY", "--until", "20d"), "CAPS_INVALID"),
        (("2 EUR", "--every", "fortnight", "--until", "20d"), "PERIOD_INVALID"),
        (("2 EUR", "--until", "some day"), "TIME_INVALID"),
    ],
)
def test_what_is_no_mandate_is_refused(wallet: Wallet, mandate: Stub, words: tuple[str, ...], code: str) -> None:
    assert wallet.json("mandate", "grant", "bob", *words, exit_code=2)["error"]["code"] == code


# Exchange


@pytest.fixture
def desk(wallet: Wallet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stub:
    monkeypatch.chdir(tmp_path)
    return put(wallet, monkeypatch, fx_stub())


def quoted(wallet: Wallet, *more: str) -> dict[str, Any]:
    result = wallet.run("fx", "quote", "50.00 EUR", "JPY", "161.205", *more, "--yes")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(Path("quote.json").read_text())
    return document


def test_a_quote_is_signed_over_what_it_shows_and_allows_what_it_sells(wallet: Wallet, desk: Stub) -> None:
    document = quoted(wallet, "--customer", "bob")
    # 161.205 yen for 100 cents.
    assert (document["rateNumerator"], document["rateDenominator"]) == ("32241", "20000")
    assert allowance(wallet, desk) == 5_000
    shown = wallet.json("fx", "show", "quote.json")["data"]
    assert (shown["amount"], shown["left"]) == ("50.00 EUR", "50.00 EUR")
    assert wallet.json("fx", "quote", "1 EUR", "JPY", "2", exit_code=2)["error"]["code"] == "FILE_EXISTS"


def test_a_quote_is_taken_with_exactly_its_price_allowed(wallet: Wallet, desk: Stub) -> None:
    quoted(wallet)
    taken = wallet.run("fx", "take", "quote.json", "10.00 EUR", "--from", "bob", "--yes")
    assert taken.exit_code == 0, taken.output
    assert "  you pay   1612 JPY  bob → alice" in taken.stderr
    assert "  you get   10.00 EUR  alice → bob" in taken.stderr
    assert allowance(wallet, desk, BOB, JPY) == 1_612
    name, (quote, amount, signature) = desk.called[-1]
    assert (name, quote[0], quote[2:6], amount, len(signature)) == (
        "take",
        ALICE,
        (EUR, JPY, 32_241, 20_000),
        1_000,
        65,
    )
    assert wallet.json("fx", "show", "quote.json")["data"]["left"] == "40.00 EUR"


@pytest.mark.parametrize("field", ["rateNumerator", "amountMax", "customer", "validUntil", "nonce", "signature"])
def test_a_quote_that_was_changed_is_forged(wallet: Wallet, desk: Stub, field: str) -> None:
    document = quoted(wallet, "--customer", "bob")
    changed = {"customer": "", "signature": document["signature"][:-4] + "001b"}
    document[field] = changed.get(field, int(document[field]) + 1 if field not in changed else "")
    Path("quote.json").write_text(json.dumps(document))
    refused = wallet.json("fx", "take", "quote.json", "10.00 EUR", "--from", "bob", "--yes", exit_code=7)
    assert refused["error"]["code"] == "QUOTE_FORGED"
    assert desk.called == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("fx", "take", "quote.json", "50.01 EUR"), "QUOTE_AMOUNT"),
        (("fx", "take", "quote.json", "9.99 EUR"), "QUOTE_AMOUNT"),
        (("fx", "take", "quote.json", "20 JPY"), "QUOTE_AMOUNT"),
        (("fx", "take", "nowhere.json", "1 EUR"), "QUOTE_INVALID"),
        (("fx", "cancel", "quote.json", "--from", "bob"), "OTHER_PARTY"),
        (("fx", "quote", "1 EUR", "JPY", "0.00", "--out", "other.json"), "RATE_INVALID"),
        (("fx", "quote", "1 EUR", "JPY", "1,5", "--out", "other.json"), "RATE_INVALID"),
    ],
)
def test_what_a_quote_does_not_say_is_refused(wallet: Wallet, desk: Stub, words: tuple[str, ...], code: str) -> None:
    quoted(wallet, "--min", "10 EUR")
    assert wallet.json(*words, exit_code=2)["error"]["code"] == code


def test_a_bank_cancels_its_quote_by_its_number(wallet: Wallet, desk: Stub) -> None:
    document = quoted(wallet)
    assert wallet.run("fx", "cancel", "quote.json", "--yes").exit_code == 0
    assert desk.called[-1] == ("cancelQuote", (int(document["nonce"]),))
