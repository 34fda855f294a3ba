"""Deals are shown whole before they are signed, allow exactly what they take, and are believed only when proven."""

from typing import Any

import pytest

from contracts.declarations import declare_error, encode_call, encode_error
from contracts.native.errors import ZERO_AMOUNT
from tests.wallet_cli.chain import ALICE, BOB, EUR, JPY
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.deals.engine import PLACE, Engine, log
from wallet_cli.deals.desk import ALLOWANCE, APPROVE

PROPOSE = ("settle", "propose", "alice:bob:12.34 EUR", "bob:alice:1500 JPY", "--memo", "T-17", "--yes")


def allowance(wallet: Wallet) -> int:
    call = {"to": "0x" + EUR.hex(), "data": "0x" + encode_call(ALLOWANCE, ALICE, PLACE).hex()}
    return int(wallet.node._eth_call(call, "latest"), 16)


def test_proposing_sends_the_legs_as_typed_and_moves_nothing(wallet: Wallet, engine: Engine) -> None:
    answer = wallet.json(*PROPOSE)
    assert answer["data"]["instruction"] == 1
    assert answer["proof"]["level"] == "verified"
    assert [tuple(leg) for leg in engine.legs] == [(EUR, ALICE, BOB, 1_234), (JPY, BOB, ALICE, 1_500)]
    assert (engine.memo.rstrip(b"\0"), answer["data"]["payments"]) == (b"T-17", [])


def test_the_screen_names_every_movement_and_who_must_act(wallet: Wallet, engine: Engine) -> None:
    screen = wallet.run(*PROPOSE, "--dry-run").stderr.splitlines()
    assert screen[1:4] == [
        "  you pay   12.34 EUR  alice → bob",
        "  you get   1500 JPY  bob → alice",
        "  payers    alice, bob; all of them must affirm",
    ]
    assert wallet.node.sent() == []


def test_a_token_that_is_no_currency_is_counted_in_its_smallest_units(wallet: Wallet, engine: Engine) -> None:
    assert wallet.run("settle", "propose", f"bob:alice:5 BOND@0x{'b0' * 20}", "--yes").exit_code == 0
    assert [tuple(leg) for leg in engine.legs] == [(b"\xb0" * 20, BOB, ALICE, 5)]


@pytest.mark.parametrize(
    "leg", ["alice:bob", "alice:bob:12.345 EUR", "alice:bob:0.5 BOND@0x" + "b0" * 20, "alice:nobody:1 EUR"]
)
def test_a_leg_that_could_be_read_in_two_ways_is_refused(wallet: Wallet, engine: Engine, leg: str) -> None:
    wallet.json("settle", "propose", leg, "--yes", exit_code=2)
    assert wallet.node.sent() == []


def test_more_legs_than_settle_at_once_are_refused(wallet: Wallet, engine: Engine) -> None:
    legs = ["alice:bob:1 EUR"] * 17
    assert wallet.json("settle", "propose", *legs, exit_code=2)["error"]["code"] == "LEGS_TOO_MANY"


def test_affirming_allows_exactly_what_it_takes(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)
    told = wallet.run("settle", "affirm", "1", "--yes")
    assert told.exit_code == 0, told.output
    assert "allows    SettlementEngine to take exactly 12.34 EUR" in told.stderr
    assert "waits for other payers" in told.stdout
    assert allowance(wallet) == 1_234
    assert engine.simulated[0][0]["data"] == "0x" + encode_call(APPROVE, PLACE, 1_234).hex()
    assert engine.called == ["propose", "affirm"]


def test_what_is_allowed_already_is_not_allowed_again(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)
    wallet.run("settle", "affirm", "1", "--yes")
    sent = len(wallet.node.sent())
    assert wallet.run("settle", "affirm", "1", "--yes").exit_code == 0
    assert len(wallet.node.sent()) == sent + 1


def test_the_last_payer_settles(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)
    wallet.run("settle", "affirm", "1", "--yes")
    assert "instruction 1 settled" in wallet.run("settle", "affirm", "1", "--from", "bob", "--yes").stdout


def test_a_step_that_would_revert_is_refused_before_anything_is_allowed(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)
    sent = len(wallet.node.sent())
    error = declare_error("NothingToAffirm(uint256 instructionId, address caller)")
    engine.simulation_error = "0x" + encode_error(error, 1, ALICE).hex()
    refused = wallet.json("settle", "affirm", "1", "--yes", exit_code=8)["error"]
    assert (refused["code"], refused["next"]) == ("WOULD_REVERT", "sycee settle show 1")
    assert len(wallet.node.sent()) == sent
    engine.simulation_error = "0x" + encode_error(ZERO_AMOUNT).hex()
    assert "ZeroAmount" in wallet.json("settle", "affirm", "1", "--yes", exit_code=8)["error"]["message"]


def test_without_a_yes_nothing_is_allowed(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)
    sent = len(wallet.node.sent())
    assert wallet.run("settle", "affirm", "1", "--dry-run").exit_code == 0
    assert wallet.run("settle", "affirm", "1").exit_code == 3
    assert (len(wallet.node.sent()), allowance(wallet)) == (sent, 0)


def test_terms_that_no_receipt_proves_are_never_shown(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)

    def false_logs(params: list[Any], honest: Any) -> Any:
        found = honest()
        for entry in found["logs"]:
            entry["transactionHash"] = "0x" + "77" * 32
        return found

    wallet.node.lies["sycee_getLogs"] = false_logs
    assert wallet.json("settle", "affirm", "1", "--yes", exit_code=2)["error"]["code"] == "DEAL_UNKNOWN"


def test_a_node_cannot_change_the_terms(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)
    engine.legs = [(EUR, ALICE, BOB, 1)]
    shown = wallet.json("settle", "show", "1")["data"]
    assert [leg["amount"] for leg in shown["legs"]] == ["12.34 EUR", "1500 JPY"]


def test_showing_tells_who_is_waited_for(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)
    wallet.run("settle", "affirm", "1", "--yes")
    shown = wallet.run("settle", "show", "1").stdout
    assert "proposed  UNVERIFIED" in shown
    assert "affirmed  alice" in shown and "waits for bob" in shown
    assert wallet.json("settle", "list")["data"][0]["state"] == "proposed"


def test_a_party_rejects_and_the_state_says_so(wallet: Wallet, engine: Engine) -> None:
    wallet.run(*PROPOSE)
    assert wallet.run("settle", "reject", "1", "--from", "bob", "--yes").exit_code == 0
    assert wallet.json("settle", "show", "1")["data"]["state"] == "rejected"


def test_a_receipt_without_the_expected_log_is_not_believed(
    wallet: Wallet, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "execute", lambda sender, data: (log("InstructionSettled", 1),))
    assert wallet.json(*PROPOSE, exit_code=7)["error"]["code"] == "RECEIPT_UNEXPECTED"
