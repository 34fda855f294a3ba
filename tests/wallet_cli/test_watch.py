"""Whoever waits for money is told of every payment once, proven, through endpoints that go away."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from click.testing import CliRunner, Result

from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.twin import Hangup
from wallet_cli.__main__ import cli


def watch(wallet: Wallet, deeds: Sequence[Callable[[], object]], *words: str) -> Result:
    """Watch as bob with --json, doing one deed in each pause; Ctrl-C after the last."""
    settings = wallet.settings()
    waiting = iter(deeds)

    def pause(duration_ms: int) -> None:
        wallet.now_ms += duration_ms
        deed = next(waiting, None)
        if deed is None:
            raise KeyboardInterrupt
        deed()

    settings.pause_ms = pause
    arguments = ["--home", str(wallet.home), *words]
    return CliRunner().invoke(cli, arguments, obj=settings)


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(row["schema"] == "sycee/1" and row["ok"] for row in found)
    return [row["data"] for row in found]


def pay(wallet: Wallet, amount: str, memo: str = "", sender: str = "alice", to: str = "bob") -> None:
    words = ("send", to, amount, "--yes", "--from", sender)
    paid = wallet.run(*words, *(("--memo", memo) if memo else ()))
    assert paid.exit_code == 0, paid.output


def process_words(wallet: Wallet) -> list[str]:
    """Return the command line of a process that watches as bob from genesis on, at the time of the test's chain."""
    script = (
        "import sys; from wallet_cli.__main__ import cli; from wallet_cli.session import Settings; "
        f"cli.main(sys.argv[1:], obj=Settings(now_ms=lambda: {wallet.now_ms}))"
    )
    return [sys.executable, "-c", script, "--home", str(wallet.home), *BOB, "--from-height", "0"]


def nothing() -> None:
    """Let time pass."""


BOB = ("watch", "bob", "--json")


def test_every_payment_is_one_line_once(wallet: Wallet) -> None:
    pay(wallet, "9 EUR")
    found = rows(
        watch(wallet, [lambda: pay(wallet, "1 EUR", "A"), nothing, lambda: pay(wallet, "2 EUR", "B"), nothing], *BOB)
    )
    assert [(row["amount"], row["memo"]) for row in found] == [("1.00", "A"), ("2.00", "B")]


def test_what_is_paid_out_is_no_line(wallet: Wallet) -> None:
    deeds = [lambda: pay(wallet, "5 EUR"), lambda: pay(wallet, "3 EUR", sender="bob", to="alice"), nothing]
    assert [row["units"] for row in rows(watch(wallet, deeds, *BOB))] == ["500"]


def test_watch_goes_on_where_it_was_left_without_gap_or_double(wallet: Wallet) -> None:
    for amount in ("1 EUR", "2 EUR", "3 EUR"):
        pay(wallet, amount)
    everything = rows(watch(wallet, [], *BOB, "--from-height", "0"))
    assert [row["units"] for row in everything] == ["100", "200", "300"]
    resumed = str(everything[0]["resumeHeight"])
    assert [row["units"] for row in rows(watch(wallet, [], *BOB, "--from-height", resumed))] == ["200", "300"]


def test_endpoint_that_goes_away_is_waited_for(wallet: Wallet) -> None:
    def go_away() -> None:
        def hang_up(params: list[Any], honest: Callable[[], Any]) -> Any:
            raise Hangup

        pay(wallet, "1 EUR")
        wallet.node.lies["sycee_getCertificate"] = hang_up

    deeds = [go_away, nothing, nothing, lambda: wallet.node.lies.clear(), nothing]
    result = watch(wallet, deeds, *BOB)
    assert [row["units"] for row in rows(result)] == ["100"]
    assert result.stderr.count("waiting for an endpoint") == 1
    assert "answers again" in result.stderr


def test_endpoint_that_is_away_at_the_beginning_is_waited_for(wallet: Wallet) -> None:
    def hang_up(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Hangup

    wallet.node.lies["sycee_getCertificate"] = hang_up
    assert rows(watch(wallet, [lambda: wallet.node.lies.clear(), lambda: pay(wallet, "1 EUR"), nothing], *BOB))


def test_payment_without_a_true_receipt_is_no_line(wallet: Wallet) -> None:
    def forge(params: list[Any], honest: Callable[[], Any]) -> Any:
        answer = honest()
        for row in answer["movements"]:
            row["transactionHash"] = "0x" + "ab" * 32
        return answer

    wallet.node.lies["sycee_getStatement"] = forge
    result = watch(wallet, [lambda: pay(wallet, "1 EUR"), nothing], *BOB)
    assert result.exit_code == 7
    assert not any(json.loads(line)["ok"] for line in result.stdout.splitlines())


def test_ctrl_c_ends_a_real_process_with_exit_0(wallet: Wallet) -> None:
    pay(wallet, "1 EUR")
    with subprocess.Popen(process_words(wallet), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["data"]["units"] == "100"
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=30)
    assert process.returncode == 0, talk


def test_request_waits_for_exactly_its_payment(wallet: Wallet) -> None:
    pay(wallet, "5 EUR", "INV-1")
    deeds = [
        lambda: pay(wallet, "4.99 EUR", "INV-1"),
        lambda: pay(wallet, "5 EUR", "INV-2"),
        lambda: pay(wallet, "5 EUR", "INV-1"),
    ]
    words = ("request", "5 EUR", "--memo", "INV-1", "--from", "bob", "--wait", "--json")
    (found,) = rows(watch(wallet, deeds, *words))
    assert found["payment"]["memo"] == "INV-1"
    assert found["payment"]["height"] == wallet.chain.head.header.height
    assert found["link"].startswith("sycee:")


def test_request_that_is_not_paid_in_time_is_unknown(wallet: Wallet) -> None:
    answer = wallet.json("request", "5 EUR", "--wait", "--timeout", "2", exit_code=9)
    assert answer["error"]["code"] == "NOT_PAID_YET"


def test_broken_pipe_ends_quietly(wallet: Wallet) -> None:
    pay(wallet, "1 EUR")
    with subprocess.Popen(process_words(wallet), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 0
