"""The one order of every administrative command: show, try, ask, sign, send, prove."""

import shlex
from typing import Any

import pytest

from consensus.chain.transaction import decode_transaction
from contracts.addresses import CURRENCY_REGISTRY
from contracts.native.roles import ISSUER_ROLE
from tests.wallet_cli.admin.conftest import Office
from tests.wallet_cli.chain import ALICE, BOB, EUR, JPY
from tests.wallet_cli.twin import Refusal
from wallet_cli.addresses import checksum_address

MINT = ("admin", "mint", "EUR", "bob", "100.50 EUR")


def test_minting_shows_what_changes_and_returns_when_it_is_final(office: Office) -> None:
    result = office.run(*MINT, "--memo", "DEPOSIT-1", "--yes")
    assert result.exit_code == 0, result.output
    shown = [" ".join(line.split()) for line in result.stderr.splitlines()]
    assert shown[0] == "Mint money network devnet, chain 23790"
    assert shown[1:] == [
        "contract Currency EUR",
        "function mint",
        f"to bob {checksum_address(BOB)}",
        "amount 100.50 EUR",
        "memo DEPOSIT-1",
        "changes supply: 200.00 EUR → 300.50 EUR",
        "changes balance: 90.00 EUR → 190.50 EUR",
        "changes left to mint: 49900.00 EUR → 49799.50 EUR",
        f"signs alice {checksum_address(ALICE)}",
        "state proven at height 2, 2 s old",
        "checks a node tried it without revert",
    ]
    lines = result.stdout.splitlines()
    assert lines[0] == "final at height 3, signed 3/4"
    assert lines[1].startswith("0x")
    assert office.node.view(EUR, "balanceOf", BOB) == (19_050,)


def test_one_json_object_has_the_outcome_for_people_and_for_scripts(office: Office) -> None:
    answer = office.json("admin", "role", "grant", "EUR", "issuer", "bob", "--yes")
    (action,) = answer["data"]["actions"]
    assert action["arguments"] == {"role": "issuer", "account": f"bob {checksum_address(BOB)}"}
    assert action["values"] == {"role": f"0x{ISSUER_ROLE.hex()}", "account": f"0x{BOB.hex()}"}
    assert action["changes"] == [{"what": "has the role", "before": "no", "after": "yes"}]
    assert action["height"] == 3
    assert [event["name"] for event in action["events"]] == ["RoleGranted"]
    assert answer["proof"]["level"] == "verified"


def test_what_would_fail_is_named_with_what_to_do_and_not_signed(office: Office) -> None:
    error = office.json(*MINT, "--yes", "--from", "bob", exit_code=8)["error"]
    assert error["code"] == "WOULD_REVERT"
    assert error["reason"] == "AccessControlUnauthorizedAccount"
    assert "needed role issuer" in error["message"]
    assert "sycee admin role grant EUR issuer bob" in error["next"]
    assert office.node.sent() == []


REFUSED = [
    ("admin mint EUR bob '60000 EUR'", "MinterAllowanceExceeded", "sycee admin minter EUR alice AMOUNT"),
    ("admin currency cap EUR '1 EUR'", "SupplyCapOutOfRange", "sycee admin currency show EUR"),
    ("admin currency pause JPY", "EnforcedPause", "sycee admin currency unpause JPY"),
    ("admin currency policy EUR 9", "UnknownPolicy", "sycee admin policy create allow"),
    ("admin currency create EUR Euro 2 bob", "CurrencyCodeTaken", "sycee admin currency list"),
    ("admin role accept EUR", "NoAdminTransfer", "sycee admin role begin-handover EUR alice"),
]


@pytest.mark.parametrize(("command", "reason", "advice"), REFUSED)
def test_each_refusal_says_what_to_type_next(office: Office, command: str, reason: str, advice: str) -> None:
    error = office.json(*_words(command), "--yes", exit_code=8)["error"]
    assert error["reason"] == reason
    assert advice in error["next"]


def test_without_a_terminal_and_without_yes_nothing_is_signed(office: Office) -> None:
    assert office.run(*MINT).exit_code == 3
    assert office.node.sent() == []


def test_dry_run_ends_after_the_trial_with_the_calldata(office: Office) -> None:
    answer = office.json(*MINT, "--dry-run")
    assert answer["data"]["dry_run"] is True
    assert answer["data"]["actions"][0]["data"].startswith("0x")
    assert "eth_call" in [method for method, _ in office.node.calls]
    assert office.node.sent() == []


def test_dry_run_of_what_would_fail_fails(office: Office) -> None:
    assert office.run(*MINT, "--dry-run", "--from", "bob").exit_code == 8


def test_a_lost_answer_is_resumed_with_the_same_bytes(office: Office) -> None:
    office.node.lies["sycee_getFinalityProof"] = lambda _params, _honest: None
    assert office.run(*MINT, "--yes", "--timeout", "1").exit_code == 9
    del office.node.lies["sycee_getFinalityProof"]
    assert office.run(*MINT, "--yes").exit_code == 0
    assert len(set(office.node.sent())) == 1
    assert office.node.view(EUR, "balanceOf", BOB) == (19_050,)


def test_the_same_command_after_it_is_final_mints_once_more(office: Office) -> None:
    assert office.run(*MINT, "--yes").exit_code == 0
    assert office.run(*MINT, "--yes").exit_code == 0
    assert office.node.view(EUR, "balanceOf", BOB) == (29_100,)


def test_a_word_of_storage_without_its_proof_is_not_shown(office: Office) -> None:
    def bend(_params: list[Any], honest: Any) -> Any:
        answer = honest()
        for entry in answer["storageProof"]:
            entry["proof"] = entry["proof"][:-1]
        return answer

    office.node.lies["eth_getProof"] = bend
    result = office.run("admin", "currency", "show", "EUR")
    assert result.exit_code == 7
    assert result.stdout == ""


def test_a_node_that_proves_nothing_is_not_governed_by(office: Office) -> None:
    def unknown(_params: list[Any], _honest: Any) -> Any:

        raise Refusal(-32601, "unknown method")

    office.node.lies["sycee_getCertificate"] = unknown
    assert office.json(*MINT, "--yes", exit_code=7)["error"]["code"] == "PROOF_MISSING"


def test_created_currency_can_be_shown_and_its_admin_grants_roles(office: Office) -> None:
    made = office.json("admin", "currency", "create", "CNY.BANKA", "Deposit of Bank A", "2", "alice", "--yes")
    (action,) = made["data"]["actions"]
    assert decode_transaction(bytes.fromhex(office.node.sent()[-1][2:])).to == CURRENCY_REGISTRY
    assert action["events"][0]["arguments"]["code"] == "CNY.BANKA"
    shown = office.json("admin", "currency", "show", "CNY.BANKA")["data"]
    assert (shown["name"], shown["supply"], shown["admins"]) == ("Deposit of Bank A", "0.00 CNY.BANKA", "1")
    assert office.run("admin", "role", "grant", "CNY.BANKA", "issuer", "alice", "--yes").exit_code == 0
    roles = office.json("admin", "role", "show", "CNY.BANKA", "alice", "bob")["data"]
    assert [row["roles"] for row in roles] == ["admin, issuer", "none"]


def test_admin_is_handed_over_in_two_steps(office: Office) -> None:
    shown = office.json("admin", "currency", "show", "JPY")["data"]
    assert shown["admin_offered_to"] == f"alice {checksum_address(ALICE)}"
    assert office.run("admin", "role", "accept", "JPY", "--yes").exit_code == 0
    assert "admin_offered_to" not in office.json("admin", "currency", "show", "JPY")["data"]
    assert office.node.view(JPY, "hasRole", bytes(32), ALICE) == (True,)


def test_what_is_so_already_says_that_it_stays(office: Office) -> None:
    result = office.run("admin", "role", "grant", "EUR", "issuer", "alice", "--dry-run")
    assert "keeps           has the role: yes already" in result.stderr


UNTYPABLE = [
    ("admin mint EUR bob 100.001", "2 decimals"),
    ("admin mint EUR bob '1 JPY'", "no currency 'JPY'"),
    ("admin mint CHF bob '1 CHF'", "no currency 'CHF'"),
    ("admin role grant EUR king bob", "one of admin, issuer"),
    ("admin currency create CHF Franc two bob", "a whole number"),
    ("admin currency create CHF Franc 300 bob", "does not fit"),
    ("admin currency policy EUR anybody", "everybody or nobody"),
]


@pytest.mark.parametrize(("command", "said"), UNTYPABLE)
def test_words_that_mean_nothing_are_refused_before_anything_is_tried(office: Office, command: str, said: str) -> None:
    error = office.json(*_words(command), "--yes", exit_code=2)["error"]
    assert said in error["message"]
    assert "eth_call" not in [method for method, _ in office.node.calls]


def _words(command: str) -> list[str]:

    return shlex.split(command)
