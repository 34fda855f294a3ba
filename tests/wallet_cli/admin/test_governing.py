"""Protocol parameters, the governor's place, and several actions in one transaction."""

import shlex
from pathlib import Path

import pytest

from contracts.addresses import PROTOCOL_CONFIG
from contracts.native.roles import ISSUER_ROLE
from tests.wallet_cli.admin.conftest import Office
from tests.wallet_cli.chain import ALICE, BOB, EUR
from wallet_cli.addresses import checksum_address


def test_parameter_is_scheduled_with_its_bounds_shown(office: Office) -> None:
    result = office.run("admin", "config", "set", "block_gas_limit", "200000000", "--yes")
    assert result.exit_code == 0, result.output
    shown = [" ".join(line.split()) for line in result.stderr.splitlines()]
    assert "bounds 30000000 to 10000000000" in shown
    assert "in force 100000000" in shown
    assert "changes from the next epoch: 100000000 → 200000000" in shown
    listed = office.json("admin", "config", "show")["data"]
    (entry,) = [entry for entry in listed["parameters"] if entry["parameter"] == "block_gas_limit"]
    assert (entry["in_force"], entry["next_epoch"], entry["lowest"]) == ("100000000", "200000000", "30000000")


def test_governors_place_is_handed_over_in_two_steps(office: Office) -> None:
    offered = office.json("admin", "config", "show")["data"]
    assert offered["governor"] == f"alice {checksum_address(ALICE)}"
    assert offered["governor_offered_to"] == f"bob {checksum_address(BOB)}"
    assert office.run("admin", "config", "accept", "--from", "bob", "--yes").exit_code == 0
    assert office.node.view(PROTOCOL_CONFIG, "governor") == (BOB,)


def test_governor_decides_on_applicants_and_validators(office: Office) -> None:
    def statuses() -> dict[str, tuple[str, str]]:
        rows = office.json("admin", "validator", "list")["data"]
        return {row["name"]: (row["status"], row["what_waits"]) for row in rows}

    before = statuses()
    assert before["bank-20"] == ("applicant", "-")
    assert before["v2"] == ("validator", "suspended from the next epoch on")
    approved = office.run("admin", "validator", "approve", "bank-20", "--yes")
    assert "status: applicant → candidate" in approved.stderr
    assert office.run("admin", "validator", "reinstate", "v2", "--yes").exit_code == 0
    assert office.run("admin", "validator", "suspend", "v1", "--yes").exit_code == 0
    after = statuses()
    assert after["bank-20"] == ("candidate", "not ready yet")
    assert (after["v1"][1], after["v2"][1]) == ("suspended from the next epoch on", "-")
    assert office.run("admin", "validator", "reject", "bank-20", "--yes").exit_code == 0
    assert "bank-20" not in statuses()


def test_batch_is_one_transaction_shown_action_by_action(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "actions.txt"
    file.write_text("# first money\nrole grant EUR issuer bob\n\nmint EUR bob '3 EUR' --memo 'INV 7'\n")
    result = office.run("admin", "batch", str(file), "--yes")
    assert result.exit_code == 0, result.output
    assert "2 actions in one transaction" in result.stderr
    assert f"Mint money: Currency EUR, to bob {checksum_address(BOB)}, amount 3.00 EUR, memo INV 7" in result.stderr
    assert "0, has the role: no → yes" in result.stderr
    assert "value 3.00 EUR" in result.stdout
    assert len(office.node.sent()) == 1
    assert office.node.view(EUR, "hasRole", ISSUER_ROLE, BOB) == (True,)
    assert office.node.view(EUR, "balanceOf", BOB) == (9_300,)


def test_batch_that_fails_in_one_action_names_it_and_does_nothing(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "actions.txt"
    file.write_text("role grant EUR issuer bob\nmint EUR bob '60000 EUR'\n")
    error = office.json("admin", "batch", str(file), "--yes", exit_code=8)["error"]
    assert error["reason"] == "MinterAllowanceExceeded"
    assert error["message"].startswith("action 1 of the batch would be refused")
    assert office.node.sent() == []


WRONG_LINES = [
    "role grant EUR king bob",
    "role show EUR",
    "currency list",
    "batch other.txt",
    "dance",
    "role",
    "mint EUR bob '1 EUR' --from bob",
    "mint EUR bob '1 EUR' --yes",
    "mint EUR bob 'unclosed",
    "",
]


@pytest.mark.parametrize("line", WRONG_LINES)
def test_batch_takes_only_what_changes_something_and_no_global_option(
    office: Office, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "actions.txt"
    file.write_text(line + "\n")
    office.json("admin", "batch", str(file), "--dry-run", exit_code=2)
    assert office.node.sent() == []


def test_batch_of_more_calls_than_the_ledger_takes_is_refused(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "actions.txt"
    file.write_text("currency pause EUR\n" * 101)
    assert office.json("admin", "batch", str(file), "--dry-run", exit_code=2)["error"]["code"] == "BATCH_WRONG"


REFUSED = [
    ("admin config set block_gas_limit 5", 8, "ParameterOutOfRange"),
    ("admin config set speed 5", 2, None),
    ("admin config account-mode closed", 2, None),
    ("admin config set block_gas_limit 200000000 --from bob", 8, "GovernorOnly"),
    ("admin config accept", 8, "NoGovernorTransfer"),
    ("admin batch nowhere.txt", 2, None),
    ("admin validator approve v1", 8, "WrongStatus"),
    ("admin validator approve bank-20 --from bob", 8, "GovernorOnly"),
    ("admin validator suspend v2", 8, "RequestPending"),
    ("admin validator suspend nobody-knows", 2, None),
]


@pytest.mark.parametrize(("command", "exit_code", "reason"), REFUSED)
def test_refusals_name_their_reason_and_sign_nothing(
    office: Office, command: str, exit_code: int, reason: str | None
) -> None:
    error = office.json(*shlex.split(command), "--yes", exit_code=exit_code)["error"]
    assert error.get("reason") == reason
    assert office.node.sent() == []
