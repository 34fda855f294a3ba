"""What moved an account's money: every row leads from one proven balance to the next, on screen and in files."""

import csv
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.wallet_cli.chain import ALICE, BOB
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.twin import Refusal
from wallet_cli.addresses import checksum_address
from wallet_cli.statement_files import CAMT_NAMESPACE

CAMT = f"{{{CAMT_NAMESPACE}}}"


@pytest.fixture
def payer(wallet: Wallet) -> Wallet:
    """A wallet that has paid three times."""
    for amount, memo in (("12.34 EUR", "INV-2041"), ("0.01 EUR", "=1+1"), ("5 EUR", "")):
        paid = wallet.run("send", "bob", amount, "--yes", *(("--memo", memo) if memo else ()))
        assert paid.exit_code == 0, paid.output
    return wallet


def test_screen_shows_each_movement_with_its_running_balance(payer: Wallet) -> None:
    lines = payer.run("history").stdout.splitlines()
    assert lines[0] == f"alice  {checksum_address(ALICE)}"
    assert "✓ verified at height 5" in lines[1]
    rows = [line.split() for line in lines if "→" in line]
    assert [row[3:] for row in rows] == [
        ["bob", "INV-2041", "−12.34", "87.66"],
        ["bob", "=1+1", "−0.01", "87.65"],
        ["bob", "−5.00", "82.65"],
    ]
    assert lines[-1] == "  balances proven; --prove proves every receipt too"
    assert max(map(len, lines)) <= 80


def test_payee_sees_the_other_side(payer: Wallet) -> None:
    rows = [line.split() for line in payer.run("history", "bob", "--prove").stdout.splitlines() if "←" in line]
    assert [row[-2:] for row in rows] == [["+12.34", "12.34"], ["+0.01", "12.35"], ["+5.00", "17.35"]]
    assert payer.run("history", "bob", "--prove").stdout.splitlines()[-1] == "  every receipt proven"


def test_record_has_amounts_as_strings(payer: Wallet) -> None:
    answer = payer.json("history", "--currency", "EUR")
    [statement] = answer["data"]
    assert statement["closing"] == {"amount": "82.65", "units": "8265"}
    assert statement["movements"][0]["change"] == {"amount": "-12.34", "units": "-1234"}
    assert statement["receipts_proven"] is False
    assert answer["proof"]["level"] == "verified"


def test_account_without_movements_is_told_so(wallet: Wallet) -> None:
    assert "no money moved" in wallet.run("history", "bob").stdout


def test_same_movements_give_the_same_files_whenever_they_are_written(payer: Wallet, tmp_path: Path) -> None:
    names = {"--csv": "a.csv", "--camt": "a.xml", "--json-file": "a.json"}

    def write(folder: Path) -> dict[str, bytes]:
        folder.mkdir()
        options = [word for option, name in names.items() for word in (option, str(folder / name))]
        result = payer.run("history", "--currency", "EUR", *options)
        assert result.exit_code == 0, result.output
        return {name: (folder / name).read_bytes() for name in names.values()}

    first = write(tmp_path / "first")
    payer.now_ms += 5_000
    payer.run("contacts", "rm", "bob", "--yes")
    assert write(tmp_path / "second") == first


def test_csv_has_a_row_for_each_movement_and_no_cell_that_runs_in_a_spreadsheet(payer: Wallet, tmp_path: Path) -> None:
    path = tmp_path / "alice.csv"
    payer.run("history", "--currency", "EUR", "--csv", str(path))
    rows = list(csv.DictReader(path.open(newline="")))
    assert [(row["memo"], row["change"], row["balance"]) for row in rows] == [
        ("INV-2041", "-12.34", "87.66"),
        ("'=1+1", "-0.01", "87.65"),
        ("", "-5.00", "82.65"),
    ]
    assert {row["counterparty"] for row in rows} == {checksum_address(BOB)}


def test_camt_leads_from_the_opening_to_the_closing_balance(payer: Wallet, tmp_path: Path) -> None:
    path = tmp_path / "alice.xml"
    payer.run("history", "--currency", "EUR", "--camt", str(path))
    statement = ElementTree.parse(path).getroot().find(f"{CAMT}BkToCstmrStmt/{CAMT}Stmt")
    assert statement is not None

    def cents(element: ElementTree.Element) -> int:
        amount, side = element.findtext(f"{CAMT}Amt"), element.findtext(f"{CAMT}CdtDbtInd")
        assert amount is not None
        return int(amount.replace(".", "")) * (-1 if side == "DBIT" else 1)

    balances = {
        balance.findtext(f"{CAMT}Tp/{CAMT}CdOrPrtry/{CAMT}Cd"): cents(balance)
        for balance in statement.findall(f"{CAMT}Bal")
    }
    entries = statement.findall(f"{CAMT}Ntry")
    assert balances == {"OPBD": 10_000, "CLBD": 8_265}
    assert balances["OPBD"] + sum(map(cents, entries)) == balances["CLBD"]
    references = [entry.findtext(f"{CAMT}NtryDtls/{CAMT}TxDtls/{CAMT}Refs/{CAMT}EndToEndId") for entry in entries]
    assert references == ["INV-2041", "=1+1", "NOTPROVIDED"]
    assert [entry.findtext(f"{CAMT}Amt") for entry in entries] == ["12.34", "0.01", "5.00"]


def test_since_begins_with_the_day(payer: Wallet) -> None:
    # The chain of the tests is a few seconds long: everything is before tomorrow, nothing before yesterday.
    day_ms = 86_400_000
    head_ms = payer.chain.head.header.timestamp_ms

    def since(timestamp_ms: int) -> list[Any]:
        day = datetime.datetime.fromtimestamp(timestamp_ms / 1_000, datetime.UTC).strftime("%Y-%m-%d")
        [statement] = payer.json("history", "--currency", "EUR", "--since", day)["data"]
        return list(statement["movements"])

    assert len(since(head_ms - day_ms)) == 3
    assert len(since(head_ms + day_ms)) <= 1


def test_file_of_several_currencies_is_refused(payer: Wallet, tmp_path: Path) -> None:
    answer = payer.json("history", "--csv", str(tmp_path / "x.csv"), exit_code=2)
    assert answer["error"]["code"] == "CURRENCY_NEEDED"
    assert not (tmp_path / "x.csv").exists()


def _leave_one_out(answer: Any) -> Any:
    return {**answer, "movements": answer["movements"][1:]}


def _change(member: str, value: object) -> Callable[[Any], Any]:
    def change(answer: Any) -> Any:
        rows = [dict(row) for row in answer["movements"]]
        if rows and rows[0]["height"] == 3:
            rows[0][member] = value
        return {**answer, "movements": rows}

    return change


@pytest.mark.parametrize(
    "lie",
    [
        _leave_one_out,
        _change("amount", "1"),
        _change("change", "0"),
        _change("balance", "9999"),
        _change("height", 99),
        _change("logIndex", -5),
        _change("from", "0x" + "11" * 20),
        _change("to", "0x12"),
        lambda answer: {**answer, "opening": "1"},
        lambda answer: {**answer, "nextCursor": "0x0"},
        lambda answer: {},
        lambda answer: [],
    ],
)
def test_statement_that_does_not_lead_to_the_proven_balance_is_refused(
    payer: Wallet, lie: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet_cli.statements.PAGES_MAX", 10)
    payer.node.lies["sycee_getStatement"] = lambda _params, honest: lie(honest())
    answer = payer.json("history", "--currency", "EUR", "--all", exit_code=7)
    assert answer["error"]["code"] == "PROOF_INVALID"


def test_memo_that_was_changed_passes_the_balances_and_not_the_receipts(payer: Wallet) -> None:
    memo = "0x" + b"INV-9999".ljust(32, b"\0").hex()
    payer.node.lies["sycee_getStatement"] = lambda _params, honest: _change("memo", memo)(honest())
    assert payer.run("history").exit_code == 0
    assert payer.json("history", "--prove", exit_code=7)["error"]["code"] == "PROOF_INVALID"


def test_opening_whose_proof_is_pruned_follows_from_the_rows(payer: Wallet) -> None:
    def pruned(params: list[Any], honest: Callable[[], Any]) -> Any:
        if params[2] == "0x0":
            raise Refusal(-32001, "the proof of height 0 is pruned", {"reason": "proof_pruned", "oldest": 1})
        return honest()

    payer.node.lies["eth_getProof"] = pruned
    [statement] = payer.json("history", "--currency", "EUR", "--all")["data"]
    assert statement["opening_proven"] is False
    assert statement["opening"]["units"] == "10000"


def test_node_without_the_index_is_told_apart_from_a_liar(payer: Wallet) -> None:
    def refuse(_params: list[Any], _honest: Callable[[], Any]) -> Any:
        raise Refusal(-32004, "this node keeps no index of addresses", {"reason": "index_missing"})

    payer.node.lies["sycee_getStatement"] = refuse
    error = payer.json("history", "--all", exit_code=6)["error"]
    assert (error["code"], error["reason"]) == ("RPC_REFUSED", "index_missing")


def test_json_file_is_the_record(payer: Wallet, tmp_path: Path) -> None:
    path = tmp_path / "alice.json"
    [shown] = payer.json("history", "--currency", "EUR", "--json-file", str(path))["data"]
    written = json.loads(path.read_text())
    assert written.pop("schema") == "sycee/1"
    assert written == {name: value for name, value in shown.items() if name != "receipts_proven"}
