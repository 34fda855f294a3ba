"""A file of payments is paid as a whole, every row once, whatever dies in between; a bad row stops all of it."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from consensus.primitives.hashing import keccak256
from contracts.layout import balance_slot, frozen_slot
from tests.wallet_cli.chain import ALICE, BOB, EUR
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.twin import Hangup, Refusal
from wallet_cli.addresses import checksum_address

STRANGERS = [keccak256(bytes((number,)))[:20] for number in range(3)]
WAGES = [("bob", "1.00 EUR", "WAGE-1"), *((checksum_address(who), "2.00 EUR", "WAGE-2") for who in STRANGERS)]
WAGES.append(("bob", "0.50 EUR", "BONUS"))
SUM = 750
PARTS = 3
"""Of two rows at most."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet_cli.batches.PART_ROWS_MAX", 2)


def write(
    folder: Path, rows: Sequence[tuple[str, ...]], header: str = "to,amount,memo", name: str = "wages.csv"
) -> str:
    path = folder / name
    lines = [header, *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    path.write_text("\r\n".join(lines) + "\r\n")
    return str(path)


def balance_of(wallet: Wallet, account: bytes) -> int:
    return wallet.chain.head.storage[EUR].get(balance_slot(account), 0)


def assert_all_paid_once(wallet: Wallet) -> None:
    assert balance_of(wallet, ALICE) == 10_000 - SUM
    assert balance_of(wallet, BOB) == 150
    assert [balance_of(wallet, who) for who in STRANGERS] == [200, 200, 200]


def report_of(file: str) -> list[dict[str, str]]:
    with open(f"{file}.report.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_row_is_paid_and_reported_with_its_transaction(wallet: Wallet, tmp_path: Path) -> None:
    file = write(tmp_path, WAGES)
    answer = wallet.json("batch", file, "--yes")["data"]
    assert_all_paid_once(wallet)
    assert (answer["rows"], [part["rows"] for part in answer["transactions"]]) == (5, [2, 2, 1])
    report = report_of(file)
    assert [(row["line"], row["to"], row["memo"], row["status"]) for row in report] == [
        (str(line), row[0], row[2], "paid") for line, row in enumerate(WAGES, 2)
    ]
    assert [row["transaction"] for row in report] == [
        part["hash"] for part in answer["transactions"] for _ in range(part["rows"])
    ]
    assert [int(row["height"]) for row in report] == [3, 3, 4, 4, 5]


def test_confirmation_shows_rows_sums_and_what_is_left(wallet: Wallet, tmp_path: Path) -> None:
    result = wallet.run("batch", write(tmp_path, [*WAGES, WAGES[0]]), "--dry-run")
    screen = result.stderr.splitlines()
    assert screen[0].startswith("Pay a file")
    assert "  rows      6 payments, 3 transactions" in screen
    assert "  amount    8.50 EUR       eight euro and fifty cent" in screen
    assert "  from      alice          after it 91.50 EUR spendable" in screen
    assert "  warning   1 rows repeat another: same payee, amount and memo" in screen
    assert all(len(line) <= 80 for line in screen)
    assert wallet.node.sent() == []


def test_lines_say_what_is_paid_where_there_is_no_terminal(wallet: Wallet, tmp_path: Path) -> None:
    result = wallet.run("batch", write(tmp_path, WAGES), "--yes")
    told = [line for line in result.stderr.splitlines() if " paid: final at height " in line]
    assert [line.split(" paid")[0] for line in told] == ["2 rows of lines 2–3", "2 rows of lines 4–5", "line 6"]
    assert result.stdout.startswith("5 rows paid, 7.50 EUR; report in ")


def test_currency_may_stand_in_a_column_of_its_own(wallet: Wallet, tmp_path: Path) -> None:
    file = write(tmp_path, [("1.00", "bob", "EUR")], header="amount,to,currency")
    assert wallet.run("batch", file, "--yes").exit_code == 0
    assert balance_of(wallet, BOB) == 100


BAD_ROWS = [
    (("nobody", "1 EUR", ""), "neither a known name nor an address"),
    (("bob", "1,00 EUR", ""), "is not an amount"),
    (("bob", "1.001 EUR", ""), "nothing is rounded"),
    (("bob", "1", ""), "names no currency"),
    (("bob", "1 DEM", ""), "there is no currency 'DEM'"),
    (("bob", "0 EUR", ""), "is nothing"),
    (("bob", "1 EUR", "x" * 33), "32 printable bytes fit"),
    ((checksum_address(EUR), "1 EUR", ""), "contract of the ledger itself"),
    (("bob", "1 EUR"), "more or fewer cells"),
    (("bob", "1 EUR", "", "x"), "more or fewer cells"),
]


def test_every_bad_row_is_named_with_its_line_and_nothing_is_paid(wallet: Wallet, tmp_path: Path) -> None:
    file = write(tmp_path, [WAGES[0], *(row for row, _ in BAD_ROWS)])
    result = wallet.run("batch", file, "--yes", "--json")
    assert '"code": "BATCH_ROWS_INVALID"' in result.stdout
    told = [line for line in result.stderr.splitlines() if line.startswith("line ")]
    assert len(told) == len(BAD_ROWS)
    for line, (text, (_, reason)) in enumerate(zip(told, BAD_ROWS, strict=True), 3):
        assert text.startswith(f"line {line}: ")
        assert reason in text
    assert wallet.node.sent() == []


@pytest.mark.parametrize(
    "content",
    [b"", b"to,amount\r\n", b"bob,1 EUR\r\n", b"to,amount,to\r\n", b"to,amount,iban\r\nbob,1 EUR,x\r\n",
     b'to,amount\r\n"bob,1 EUR\r\n', b"to,amount\r\n\xff,1 EUR\r\n"],
)  # fmt: skip
def test_other_files_are_refused(wallet: Wallet, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.csv").write_bytes(content)
    error = wallet.json("batch", str(tmp_path / "file.csv"), "--yes", exit_code=2)["error"]
    assert error["code"] == "BATCH_FILE_INVALID"
    assert wallet.json("batch", str(tmp_path / "none.csv"), "--yes", exit_code=2)["error"] != error


def test_more_than_the_balance_in_all_rows_together_is_refused(wallet: Wallet, tmp_path: Path) -> None:
    file = write(tmp_path, [("bob", "60 EUR", "1"), ("bob", "40.01 EUR", "2")])
    error = wallet.json("batch", file, "--yes", exit_code=5)["error"]
    assert "alice can spend 100.00 EUR, 100.01 EUR are to be paid" in error["message"]
    assert wallet.node.sent() == []


def refuse_payee(line_account: bytes) -> Callable[[list[Any], Callable[[], Any]], Any]:
    """Return a node that says of every part with this payee that its row cannot be paid."""
    from contracts.declarations import encode_error
    from contracts.native import errors

    def estimate(params: list[Any], honest: Callable[[], Any]) -> Any:
        data = bytes.fromhex(params[0]["data"][2:])
        words = [data[at : at + 32] for at in range(4, len(data), 32)]
        wanted = bytes(12) + line_account
        if wanted in words:
            # Two offsets, lengths and rows before: the payees are the first list.
            row = words.index(wanted) - 4
            reason = encode_error(errors.CANNOT_RECEIVE, line_account)
            raise Refusal(3, "reverted", "0x" + encode_error(errors.TRANSFER_ROW_FAILED, row, reason).hex())
        return honest()

    return estimate


def test_row_the_ledger_refuses_is_named_before_any_is_paid(wallet: Wallet, tmp_path: Path) -> None:
    wallet.node.lies["eth_estimateGas"] = refuse_payee(STRANGERS[2])
    error = wallet.json("batch", write(tmp_path, WAGES), "--yes", exit_code=8)["error"]
    assert error["code"] == "BATCH_ROW_REFUSED"
    assert f"the payment of line 5, to {checksum_address(STRANGERS[2])}, would revert" in error["message"]
    assert "ERC7943CannotReceive" in error["message"]
    assert error["next"] == "ask the payee's bank"
    assert wallet.node.sent() == []


def test_row_that_fails_on_the_way_is_named_and_the_rest_goes_on_later(wallet: Wallet, tmp_path: Path) -> None:
    file = write(tmp_path, WAGES)
    sends = 0

    def freeze_before_second(params: list[Any], honest: Callable[[], Any]) -> Any:
        nonlocal sends
        sends += 1
        if sends == 2:
            wallet.chain.head.storage[EUR][frozen_slot(ALICE)] = 9_400
            wallet.chain.head.storage[EUR][0] |= 1 << 160
        return honest()

    wallet.node.lies["eth_sendRawTransactionSync"] = freeze_before_second
    error = wallet.json("batch", file, "--yes", exit_code=8)["error"]
    assert error["code"] == "BATCH_ROW_REFUSED"
    assert "the payment of line 5" in error["message"] and "is final and reverted: ERC7943" in error["message"]
    assert [row["status"] for row in report_of(file)] == ["paid", "paid", "unpaid", "unpaid", "unpaid"]
    wallet.node.lies.clear()
    wallet.chain.head.storage[EUR][frozen_slot(ALICE)] = 0
    wallet.chain.add_block()
    assert wallet.run("batch", file, "--yes").exit_code == 0
    assert_all_paid_once(wallet)


# Killed in between


class Killed(BaseException):
    """Nothing in the wallet can catch this, as nothing can catch SIGKILL."""


STEPS = (
    "wallet_cli.outbox.Outbox.open_batch",
    "wallet_cli.outbox.Outbox.save",
    "wallet_cli.batches.settle",
    "wallet_cli.transactions._send",
    "wallet_cli.verified.Verifier.finality",
    "wallet_cli.outbox.Outbox.mark_final",
    "wallet_cli.batches._validate_rows",
    "wallet_cli.batch_files.BatchReport.save",
    "wallet_cli.output.Output.result",
    "wallet_cli.outbox.Outbox.close_batch",
)


def kill_at(monkeypatch: pytest.MonkeyPatch, step: str, call: int, *, after: bool) -> list[int]:
    """Make the given call of a function the last thing the process does; `after` it took effect or before."""
    from importlib import import_module

    owner, _, name = step.rpartition(".")
    module, _, attribute = owner.rpartition(".")
    try:
        holder = import_module(owner)
    except ModuleNotFoundError:
        holder = getattr(import_module(module), attribute)
    original = getattr(holder, name)
    calls: list[int] = []

    def run(*words: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) != call:
            return original(*words, **named)
        if after:
            original(*words, **named)
        raise Killed

    monkeypatch.setattr(holder, name, run)
    return calls


DEATHS = [(step, 2, is_after) for step in STEPS for is_after in (False, True)]
DEATHS += [(step, call, True) for step in STEPS[1:7] for call in (1, 3)]
DEATHS += [(step, 1, is_after) for step in (STEPS[0], *STEPS[-2:]) for is_after in (False, True)]


@pytest.mark.parametrize(("step", "call", "after"), DEATHS)
def test_process_that_dies_at_any_step_pays_everybody_once_when_run_again(
    wallet: Wallet, tmp_path: Path, step: str, call: int, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, WAGES)
    with monkeypatch.context() as broken:
        calls = kill_at(broken, step, call, after=after)
        try:
            wallet.run("batch", file, "--yes")
        except Killed:
            pass
        was_killed = len(calls) >= call
    again = wallet.run("batch", file, "--yes")
    is_over = not was_killed or (step.endswith("close_batch") and after)
    # What was finished is not begun again without being asked for.
    assert again.exit_code == (10 if is_over else 0), again.output
    assert_all_paid_once(wallet)
    assert len(set(wallet.node.sent())) == PARTS
    assert [row["status"] for row in report_of(file)] == ["paid"] * 5
    assert wallet.json("batch", file, "--yes", exit_code=10)["error"]["code"] == "BATCH_PAID_BEFORE"


def lose_answer(params: list[Any], honest: Callable[[], Any]) -> Any:
    honest()
    raise Hangup


def lose_request(params: list[Any], honest: Callable[[], Any]) -> Any:
    raise Hangup


@pytest.mark.parametrize("loss", [lose_answer, lose_request])
def test_lost_answer_is_unknown_and_the_same_command_goes_on(wallet: Wallet, tmp_path: Path, loss: Any) -> None:
    file = write(tmp_path, WAGES)
    wallet.node.lies["eth_sendRawTransactionSync"] = loss
    wallet.node.lies["sycee_getFinalityProof"] = lambda params, honest: None
    assert wallet.json("batch", file, "--yes", exit_code=9)["error"]["code"] == "OUTCOME_UNKNOWN"
    wallet.node.lies.clear()
    resumed = wallet.run("batch", file, "--yes")
    assert resumed.exit_code == 0, resumed.output
    assert "resuming: 2 of 5 rows are paid, proven" in resumed.stderr
    assert_all_paid_once(wallet)


def test_part_that_another_payment_replaced_is_signed_anew(wallet: Wallet, tmp_path: Path) -> None:
    def refuse(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Refusal(-32003, "not now", {"reason": "quota_exceeded"})

    file = write(tmp_path, WAGES)
    wallet.node.lies["eth_sendRawTransactionSync"] = refuse
    assert wallet.run("batch", file, "--yes").exit_code == 8
    [replaced] = wallet.node.sent()
    wallet.node.lies.clear()
    wallet.node.lies["eth_sendRawTransaction"] = refuse
    assert wallet.run("send", "alice", "1 EUR", "--yes").exit_code == 0
    wallet.node.lies.clear()
    wallet.node.calls.clear()
    assert wallet.run("batch", file, "--yes").exit_code == 0
    assert replaced not in wallet.node.sent()
    assert_all_paid_once(wallet)


def test_changed_file_is_not_paid_before_the_unfinished_one_is_settled(wallet: Wallet, tmp_path: Path) -> None:
    file = write(tmp_path, WAGES)
    wallet.node.lies["sycee_getFinalityProof"] = lambda params, honest: None
    assert wallet.run("batch", file, "--yes").exit_code == 9
    wallet.node.lies.clear()
    changed = write(tmp_path, [*WAGES[:-1], ("bob", "0.51 EUR", "BONUS")], name="changed.csv")
    assert wallet.json("batch", changed, "--yes", exit_code=10)["error"]["code"] == "BATCH_UNFINISHED"
    refused = wallet.json("batch", "--abandon", exit_code=10)["error"]
    assert refused["code"] == "BATCH_OUTCOME_UNKNOWN"
    assert wallet.run(*refused["next"].split()[1:]).exit_code == 0
    assert wallet.json("batch", "--abandon")["data"] == {"abandoned": 1}
    assert wallet.run("batch", changed, "--yes").exit_code == 0


def test_file_paid_before_is_paid_again_only_when_asked_for(wallet: Wallet, tmp_path: Path) -> None:
    file = write(tmp_path, WAGES[:1])
    assert wallet.run("batch", file, "--yes").exit_code == 0
    assert wallet.run("batch", file, "--yes").exit_code == 10
    assert balance_of(wallet, BOB) == 100
    assert wallet.run("batch", file, "--yes", "--again").exit_code == 0
    assert balance_of(wallet, BOB) == 200


def test_report_that_cannot_be_written_is_found_out_before_anybody_is_paid(wallet: Wallet, tmp_path: Path) -> None:
    file = write(tmp_path, WAGES)
    words = ("batch", file, "--yes", "--report", str(tmp_path / "none" / "report.csv"))
    assert wallet.json(*words, exit_code=2)["error"]["code"] == "REPORT_UNWRITABLE"
    assert wallet.node.sent() == []


def test_payment_without_yes_and_without_terminal_pays_nobody(wallet: Wallet, tmp_path: Path) -> None:
    assert wallet.json("batch", write(tmp_path, WAGES), exit_code=3)["error"]["code"] == "DECLINED"
    assert wallet.node.sent() == []


def test_receipt_that_pays_something_else_is_no_success(
    wallet: Wallet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet_cli.batches.payments_in", lambda found, currencies: [])
    error = wallet.json("batch", write(tmp_path, WAGES), "--yes", exit_code=7)["error"]
    assert error["code"] == "RECEIPT_UNEXPECTED"


def test_file_or_abandon_is_needed_and_not_both(wallet: Wallet, tmp_path: Path) -> None:
    assert wallet.json("batch", exit_code=2)["error"]["code"] == "BATCH_FILE_NEEDED"
    assert (
        wallet.json("batch", write(tmp_path, WAGES), "--abandon", exit_code=2)["error"]["code"] == "BATCH_FILE_NEEDED"
    )
