"""Money set aside is paid, given back or extended exactly as agreed; a crash makes no second hold."""

import itertools
from typing import Any

import pytest

from contracts.layout import balance_slot, held_slot
from tests.wallet_cli.chain import ALICE, BOB, EUR
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.twin import Refusal
from wallet_cli import holds
from wallet_cli.addresses import checksum_address

MAKE = ("hold", "create", "bob", "12.34 EUR", "--memo", "TABLE-7", "--yes")
IDS = [bytes((number,)) * 32 for number in (0xA1, 0xA2, 0xB3)]


@pytest.fixture(autouse=True)
def known_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw ids in a known order."""
    drawn = itertools.cycle(IDS)
    monkeypatch.setattr("wallet_cli.holds.secrets.token_bytes", lambda count: next(drawn))


def word(wallet: Wallet, slot: int) -> int:
    return wallet.chain.head.storage[EUR].get(slot, 0)


def pass_time(wallet: Wallet, seconds: int) -> None:
    """Let the chain and the wallet's clock go on together."""
    wallet.chain.blocks.append(wallet.chain.make_block(step_ms=1_000 * seconds))
    wallet.now_ms += 1_000 * seconds


def test_hold_leaves_the_balance_and_says_so(wallet: Wallet) -> None:
    answer = wallet.json(*MAKE)
    made = answer["data"]["hold"]
    assert (made["id"], made["status"], made["remaining"]["amount"]) == (f"0x{IDS[0].hex()}", "open", "12.34")
    assert [payment["kind"] for payment in answer["data"]["payments"]] == ["hold_made"]
    assert answer["proof"]["level"] == "verified"
    assert (word(wallet, balance_slot(ALICE)), word(wallet, held_slot(ALICE))) == (8_766, 1_234)


def test_confirmation_says_what_will_move(wallet: Wallet) -> None:
    screen = wallet.run(*MAKE, "--expires", "36h", "--notary", "alice", "--dry-run").stderr.splitlines()
    assert screen[0] == "Make a hold" + "network devnet, chain 23790".rjust(69)
    fields = {line[2:12].strip(): line[12:] for line in screen[1:]}
    assert fields["amount"] == "12.34 EUR      twelve euro and thirty-four cent"
    assert fields["from"] == "alice          after it 87.66 EUR spendable"
    assert fields["paid by"].startswith("alice          own account")
    assert fields["until"].endswith("UTC; then anybody can give it back")
    assert (fields["memo"], fields["id"]) == ("TABLE-7", "0xa1a1a1a1a1a1")
    assert all(len(line) <= 80 for line in screen)
    assert wallet.node.sent() == []


def test_payee_takes_part_and_the_rest_stays_held(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    answer = wallet.json("hold", "pay", "a1a1", "2.34 EUR", "--from", "bob", "--yes")
    assert answer["data"]["hold"]["remaining"]["amount"] == "10.00"
    assert (word(wallet, balance_slot(BOB)), word(wallet, held_slot(ALICE))) == (234, 1_000)
    rest = wallet.json("hold", "pay", "a1a1", "--from", "bob", "--yes")
    assert rest["data"]["hold"]["status"] == "paid"
    assert word(wallet, balance_slot(BOB)) == 1_234


def test_payee_takes_part_and_gives_the_rest_back(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    result = wallet.run("hold", "pay", "a1a1", "2.34 EUR", "--release-rest", "--from", "bob", "--yes")
    assert result.exit_code == 0, result.output
    assert "10.00 EUR go back to the payer" in result.stderr
    assert (word(wallet, balance_slot(ALICE)), word(wallet, held_slot(ALICE))) == (9_766, 0)


def test_payee_gives_a_hold_back(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    answer = wallet.json("hold", "release", "a1a1", "--from", "bob", "--yes")
    assert answer["data"]["hold"]["status"] == "closed, the rest given back"
    assert word(wallet, balance_slot(ALICE)) == 10_000


def test_payer_takes_back_everything_that_expired_and_nothing_else(wallet: Wallet) -> None:
    for amount, expires in (("1 EUR", "1h"), ("2 EUR", "1h"), ("3 EUR", "48h")):
        assert wallet.run("hold", "create", "bob", amount, "--expires", expires, "--yes").exit_code == 0
    assert wallet.run("hold", "release", "--expired", "--yes").stdout == "no hold of yours has expired\n"
    pass_time(wallet, 2 * 3_600)
    listed = wallet.run("hold", "list").stdout
    assert "2 of your own expired; take them back: sycee hold release --expired" in listed
    result = wallet.run("hold", "release", "--expired", "--yes")
    assert result.exit_code == 0, result.output
    assert "together  3.00 EUR" in result.stderr
    assert (word(wallet, balance_slot(ALICE)), word(wallet, held_slot(ALICE))) == (9_700, 300)


def test_hold_is_extended_as_far_as_the_payee_consented(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    refused = wallet.json("hold", "extend", "a1a1", "--until", "7d", "--yes", exit_code=8)["error"]
    assert (refused["code"], refused["next"].split(":")[0]) == ("WOULD_REVERT", "ask for")
    assert wallet.run("hold", "consent", "a1a1", "--until", "7d", "--from", "bob", "--yes").exit_code == 0
    assert wallet.run("hold", "extend", "a1a1", "--until", "6d", "--yes").exit_code == 0
    shown = wallet.json("hold", "show", "a1a1")["data"]
    assert shown["expires_at_s"] // 86_400 == (wallet.now_ms // 1_000 + 6 * 86_400) // 86_400


def test_list_shows_roles_and_the_soonest_first(wallet: Wallet) -> None:
    wallet.run("hold", "create", "bob", "1 EUR", "--expires", "2d", "--yes")
    wallet.run("hold", "create", "alice", "2 EUR", "--notary", "bob", "--expires", "1d", "--from", "alice", "--yes")
    listed = wallet.json("hold", "list")["data"]
    assert [(entry["id"], entry["roles"]) for entry in listed] == [
        (f"0x{IDS[1].hex()}", ["payer", "payee"]),
        (f"0x{IDS[0].hex()}", ["payer"]),
    ]
    bobs = wallet.json("hold", "list", "--as", "notary", "--from", "bob")["data"]
    assert [entry["id"] for entry in bobs] == [f"0x{IDS[1].hex()}"]


def test_id_is_shortened_only_as_far_as_it_is_the_only_one(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    for text in ("a2a2", "a1", "0x" + "a2" * 32, "xyz"):
        assert wallet.json("hold", "show", text, exit_code=2)["error"]["code"] == "HOLD_UNKNOWN"
    for text in ("a1a1", "0xA1A1A1", "0x" + "a1" * 32):
        assert wallet.json("hold", "show", text)["data"]["to"] == checksum_address(BOB)


def test_closed_hold_is_shown_by_its_whole_id(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    wallet.run("hold", "release", "a1a1", "--from", "bob", "--yes")
    assert wallet.run("hold", "show", "a1a1").exit_code == 2
    assert wallet.json("hold", "show", "a1" * 32)["data"]["remaining"]["units"] == "0"


def test_stranger_may_neither_pay_nor_release_and_is_told_who_may(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    refused = wallet.json("hold", "pay", "a1" * 32, "--yes", exit_code=8)["error"]
    assert f"executor=0x{BOB.hex()}" in refused["message"]
    assert refused["next"] == f"ask {checksum_address(BOB)}, or act as it with --from NAME"
    early = wallet.json("hold", "release", "a1" * 32, "--yes", exit_code=8)["error"]
    assert early["next"].startswith("wait until 20")
    assert len(wallet.node.sent()) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create", "bob", "1000 EUR"), "INSUFFICIENT_FUNDS"),
        (("create", "bob", "1 EUR", "--expires", "tomorrow"), "TIME_INVALID"),
        (("create", "bob", "1 EUR", "--expires", "2026-13-01"), "TIME_INVALID"),
        (("create", checksum_address(EUR), "1 EUR"), "RECIPIENT_SYSTEM"),
        (("release",), "HOLD_NEEDED"),
        (("release", "a1a1", "--expired"), "HOLD_NEEDED"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_signing(wallet: Wallet, words: tuple[str, ...], code: str) -> None:
    result = wallet.run("hold", *words, "--yes", "--json")
    assert f'"code": "{code}"' in result.stdout
    assert wallet.node.sent() == []


def test_hold_a_lying_node_names_is_believed_only_with_its_proof(wallet: Wallet) -> None:
    wallet.run(*MAKE)

    def invent(params: list[Any], honest: Any) -> Any:
        answer = honest()
        return {**answer, "holds": [{**row, "id": "0x" + "cc" * 32} for row in answer["holds"]]}

    wallet.node.lies["sycee_getAccount"] = invent
    assert wallet.json("hold", "list")["data"] == []
    wallet.node.lies["sycee_getAccount"] = lambda params, honest: {"holds": [{"id": 1}]}
    assert wallet.json("hold", "list", exit_code=7)["error"]["code"] == "PROOF_INVALID"


def test_closed_hold_that_a_lying_node_names_is_not_listed(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    wallet.run("hold", "release", "a1a1", "--from", "bob", "--yes")
    row = {"currency": {"address": "0x" + EUR.hex()}, "id": "0x" + IDS[0].hex(), "roles": ["payer"]}
    wallet.node.lies["sycee_getAccount"] = lambda params, honest: {**honest(), "holds": [row]}
    assert wallet.json("hold", "list")["data"] == []


def test_node_without_the_index_says_so(wallet: Wallet) -> None:
    wallet.node.lies["sycee_getAccount"] = lambda params, honest: {**honest(), "holds": None, "redemptions": None}
    assert wallet.json("hold", "list", exit_code=2)["error"]["code"] == "INDEX_MISSING"


STEPS = (
    "wallet_cli.outbox.Outbox.save",
    "wallet_cli.acting.settle",
    "wallet_cli.transactions._send",
    "wallet_cli.verified.Verifier.finality",
    "wallet_cli.outbox.Outbox.mark_final",
)


@pytest.mark.parametrize("step", STEPS)
def test_process_that_dies_at_any_step_makes_one_hold(
    wallet: Wallet, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing in the wallet can catch this."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(step, die)
        with pytest.raises(Killed):
            wallet.run(*MAKE)
    wallet.now_ms += 5_000
    again = wallet.run(*MAKE)
    assert again.exit_code == 0, again.output
    assert word(wallet, held_slot(ALICE)) == 1_234
    assert len(set(wallet.node.sent())) == 1


def test_other_hold_to_the_same_payee_is_another_one(wallet: Wallet) -> None:
    wallet.node.lies["eth_sendRawTransactionSync"] = refuse
    assert wallet.run(*MAKE).exit_code == 8
    wallet.node.lies.clear()
    assert wallet.run("hold", "create", "bob", "1 EUR", "--yes").exit_code == 0
    assert wallet.run(*MAKE).exit_code == 0
    assert word(wallet, held_slot(ALICE)) == 1_334


def refuse(params: list[Any], honest: Any) -> Any:
    raise Refusal(-32003, "not now", {"reason": "quota_exceeded"})


def test_history_tells_holds_and_still_adds_up(wallet: Wallet) -> None:
    wallet.run(*MAKE)
    wallet.run("hold", "pay", "a1a1", "2.34 EUR", "--from", "bob", "--yes")
    wallet.run("hold", "release", "a1a1", "--from", "bob", "--yes")
    [statement] = wallet.json("history", "--all", "--prove", "--currency", "EUR")["data"]
    assert [(row["kind"], row["change"]["amount"], row["balance"]["amount"]) for row in statement["movements"]] == [
        ("hold_made", "-12.34", "87.66"),
        ("hold_paid", "0.00", "87.66"),
        ("hold_released", "10.00", "97.66"),
    ]
    assert {row["reference"] for row in statement["movements"]} == {f"0x{IDS[0].hex()}"}
    shown = wallet.run("history", "--all").stdout
    assert "hold made" in shown and "paid from hold" in shown and "hold released" in shown


def test_random_ids_are_of_32_bytes_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert len(holds.new_hold_id()) == 32
    assert holds.new_hold_id() != holds.new_hold_id()
