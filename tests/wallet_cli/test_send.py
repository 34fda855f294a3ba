"""One intent is one payment, whatever is lost on the way; and nothing is called final that is not proven."""

import fcntl
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from consensus.chain.transaction import decode_transaction
from consensus.primitives.hashing import keccak256
from contracts.addresses import CURRENCY_REGISTRY
from contracts.layout import balance_slot
from tests.wallet_cli.chain import ALICE, BOB, EUR
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.twin import Hangup, Refusal
from wallet_cli.addresses import checksum_address

PAY = ("send", "bob", "12.34 EUR", "--memo", "INV-2041", "--yes")


def balance_of(wallet: Wallet, account: bytes) -> int:
    return wallet.chain.head.storage[EUR].get(balance_slot(account), 0)


@pytest.mark.parametrize("amount", [("12.34 EUR",), ("12.34", "EUR")])
def test_payment_is_final_proven_and_says_so(wallet: Wallet, amount: tuple[str, ...]) -> None:
    result = wallet.run("send", "bob", *amount, "--yes")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "final at height 3, signed 3/4"
    assert balance_of(wallet, BOB) == 1234


def test_record_of_a_payment_has_amounts_as_strings_and_its_proof(wallet: Wallet) -> None:
    answer = wallet.json(*PAY)
    assert answer["data"]["payments"] == [
        {
            "kind": "payment",
            "from": checksum_address(ALICE),
            "to": checksum_address(BOB),
            "amount": "12.34",
            "units": "1234",
            "currency": "EUR",
            "memo": "INV-2041",
        }
    ]
    assert (answer["data"]["status"], answer["data"]["height"]) == ("final", 3)
    assert (answer["proof"]["level"], answer["proof"]["signed"]) == ("verified", "3/4")


def test_confirmation_shows_every_field_at_80_columns(wallet: Wallet) -> None:
    screen = wallet.run(*PAY, "--dry-run").stderr.splitlines()
    assert screen == [
        "Pay online" + "network devnet, chain 23790".rjust(70),
        f"  to        bob            contact          {checksum_address(BOB)[:6]}…{checksum_address(BOB)[-4:]}",
        "  amount    12.34 EUR      twelve euro and thirty-four cent",
        "  from      alice          after it 87.66 EUR spendable",
        "  memo      INV-2041",
        "  finality  final when shown, about 0.1 s          fee none",
        "  checks    balance proven at height 2, 2 s old; a node tried it without revert",
    ]
    assert all(len(line) <= 80 for line in screen)
    assert wallet.node.sent() == []


def test_payment_without_terminal_and_without_yes_signs_nothing(wallet: Wallet) -> None:
    answer = wallet.json(*PAY[:-1], exit_code=3)
    assert answer["error"]["code"] == "DECLINED"
    assert wallet.node.sent() == []
    assert wallet.run(*PAY).exit_code == 0


def test_more_than_the_proven_balance_is_refused_before_signing(wallet: Wallet) -> None:
    assert wallet.run("send", "bob", "100.00 EUR", "--dry-run").exit_code == 0
    answer = wallet.json("send", "bob", "100.01 EUR", "--yes", exit_code=5)
    assert "alice can spend 100.00 EUR, 100.01 EUR are to be paid" in answer["error"]["message"]
    assert wallet.node.sent() == []


def test_system_addresses_are_no_recipients(wallet: Wallet) -> None:
    for address in (EUR, CURRENCY_REGISTRY, bytes(20)):
        answer = wallet.json("send", checksum_address(address), "1 EUR", "--yes", exit_code=2)
        assert answer["error"]["code"] == "RECIPIENT_SYSTEM"


def test_unnamed_recipient_is_pointed_out(wallet: Wallet) -> None:
    stranger = checksum_address(keccak256(b"stranger")[:20])
    assert "no name for the recipient" in wallet.run("send", stranger, "1 EUR", "--dry-run").stderr
    assert "has no checksum" in wallet.run("send", stranger.lower(), "1 EUR", "--dry-run").stderr
    assert wallet.run("send", "nobody", "1 EUR", "--yes").exit_code == 2


# Lost answers and crashes


def sent_transactions(wallet: Wallet) -> set[str]:
    return set(wallet.node.sent())


def lose_answer(params: list[Any], honest: Callable[[], Any]) -> Any:
    honest()
    raise Hangup


def lose_request(params: list[Any], honest: Callable[[], Any]) -> Any:
    raise Hangup


def time_out(params: list[Any], honest: Callable[[], Any]) -> Any:
    raise Refusal(4, "timed out, still pending", "0x" + keccak256(bytes.fromhex(params[0][2:])).hex())


@pytest.mark.parametrize("loss", [lose_answer, lose_request, time_out])
def test_lost_answer_is_unknown_and_the_retry_sends_the_same_bytes(wallet: Wallet, loss: Any) -> None:
    wallet.node.lies["eth_sendRawTransactionSync"] = loss
    wallet.node.lies["sycee_getFinalityProof"] = lambda params, honest: None
    answer = wallet.json(*PAY, exit_code=9)
    assert answer["error"]["code"] == "OUTCOME_UNKNOWN"
    assert answer["error"]["next"].startswith("sycee tx wait 0x")
    wallet.node.lies.clear()
    resumed = wallet.run(*PAY)
    assert resumed.exit_code == 0, resumed.output
    assert "resuming the payment signed before" in resumed.stderr
    assert len(sent_transactions(wallet)) == 1
    assert balance_of(wallet, BOB) == 1234


STEPS = (
    "wallet_cli.outbox.Outbox.save",
    "wallet_cli.acting.settle",
    "wallet_cli.transactions._send",
    "wallet_cli.verified.Verifier.finality",
    "wallet_cli.outbox.Outbox.mark_final",
    "wallet_cli.acting.validate_succeeded",
)


@pytest.mark.parametrize("step", STEPS)
def test_process_that_dies_at_any_step_pays_once_after_a_retry(
    wallet: Wallet, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing in the wallet can catch this, as nothing can catch SIGKILL."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(step, die)
        with pytest.raises(Killed):
            wallet.run(*PAY)
    after_crash = sent_transactions(wallet)
    if step == STEPS[-1]:
        # The outcome was proven and noted before it died: the same words are a new payment now.
        assert balance_of(wallet, BOB) == 1234
        return
    assert wallet.run(*PAY).exit_code == 0
    assert balance_of(wallet, BOB) == 1234
    assert after_crash <= sent_transactions(wallet)
    assert len(sent_transactions(wallet)) == 1


def test_same_payment_after_a_proven_one_is_a_new_payment(wallet: Wallet) -> None:
    assert wallet.run(*PAY).exit_code == 0
    assert wallet.run(*PAY).exit_code == 0
    assert balance_of(wallet, BOB) == 2468
    nonces = [decode_transaction(bytes.fromhex(raw[2:])).nonce for raw in wallet.node.sent()]
    assert nonces == [0, 1]


def test_other_payment_waits_behind_the_open_one_and_neither_is_doubled(wallet: Wallet) -> None:
    wallet.node.lies["eth_sendRawTransactionSync"] = time_out
    assert wallet.run(*PAY).exit_code == 9
    wallet.node.lies.clear()
    assert wallet.run("send", "bob", "1 EUR", "--yes").exit_code == 0
    assert balance_of(wallet, BOB) == 1334
    assert wallet.run(*PAY).exit_code == 0
    assert balance_of(wallet, BOB) == 1334
    assert len(sent_transactions(wallet)) == 2


def test_wait_sends_stored_bytes_again_and_proves_the_outcome(wallet: Wallet) -> None:
    wallet.node.lies["eth_sendRawTransactionSync"] = lose_request
    assert wallet.run(*PAY).exit_code == 9
    wallet.node.lies.clear()
    transaction_hash = "0x" + keccak256(bytes.fromhex(wallet.node.sent()[0][2:])).hex()
    waited = wallet.run("tx", "wait", transaction_hash)
    assert waited.exit_code == 0
    assert "✓ finalization and receipt checked by this wallet" in waited.stdout
    assert balance_of(wallet, BOB) == 1234


def test_wait_for_what_never_comes_is_unknown(wallet: Wallet) -> None:
    before = wallet.now_ms
    answer = wallet.json("tx", "wait", "0x" + "ab" * 32, "--timeout", "3", exit_code=9)
    assert wallet.now_ms - before >= 3_000
    assert answer["error"]["code"] == "OUTCOME_UNKNOWN"
    assert wallet.node.sent() == []


def test_endpoint_that_comes_back_in_time_gets_the_same_bytes_again(wallet: Wallet) -> None:
    def lose_twice(params: list[Any], honest: Callable[[], Any]) -> Any:
        if len(wallet.node.sent()) < 3:
            raise Hangup
        return honest()

    wallet.node.lies["eth_sendRawTransactionSync"] = lose_twice
    assert wallet.run(*PAY).exit_code == 0
    assert len(sent_transactions(wallet)) == 1
    assert balance_of(wallet, BOB) == 1234


def test_receipt_of_a_lying_node_without_proof_is_unknown(wallet: Wallet) -> None:
    wallet.node.lies["eth_sendRawTransactionSync"] = lambda params, honest: {"status": "0x1", "blockNumber": "0x9"}
    result = wallet.run(*PAY)
    assert result.exit_code == 9
    assert "final at" not in result.stdout


@pytest.mark.parametrize(
    ("code", "message", "data"),
    [(5, "not ready", "0x"), (6, "nonce gap", "0x3"), (-32003, "quota", {"reason": "quota_exceeded"})],
)
def test_refused_transaction_is_exit_8_and_kept(wallet: Wallet, code: int, message: str, data: object) -> None:
    def refuse(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Refusal(code, message, data)

    wallet.node.lies["eth_sendRawTransactionSync"] = refuse
    answer = wallet.json(*PAY, exit_code=8)
    assert answer["error"]["code"] == "NOT_ADMITTED"
    assert answer["error"].get("reason") == ("quota_exceeded" if code < 0 else None)
    wallet.node.lies.clear()
    assert wallet.run(*PAY).exit_code == 0
    assert len(sent_transactions(wallet)) == 1


def test_refusal_of_a_payment_that_is_final_already_is_no_failure(wallet: Wallet) -> None:
    def refuse(params: list[Any], honest: Callable[[], Any]) -> Any:
        honest()
        raise Refusal(-32000, "nonce too low", {"reason": "nonce_too_low"})

    wallet.node.lies["eth_sendRawTransactionSync"] = refuse
    assert wallet.run(*PAY).exit_code == 0
    assert balance_of(wallet, BOB) == 1234


def test_payment_that_would_revert_is_not_signed(wallet: Wallet) -> None:
    def paused(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Refusal(3, "execution reverted: CurrencyPaused()", "0x" + keccak256(b"CurrencyPaused()")[:4].hex())

    wallet.node.lies["eth_estimateGas"] = paused
    assert wallet.json(*PAY, exit_code=8)["error"]["code"] == "WOULD_REVERT"
    assert wallet.node.sent() == []


def test_final_but_reverted_payment_is_exit_8_with_its_proof(wallet: Wallet) -> None:
    def spend_first(params: list[Any], honest: Callable[[], Any]) -> Any:
        wallet.chain.head.storage[EUR][balance_slot(ALICE)] = 1
        return honest()

    wallet.node.lies["eth_sendRawTransactionSync"] = spend_first
    answer = wallet.json(*PAY, exit_code=8)
    assert answer["error"]["code"] == "REVERTED"
    wallet.node.lies.clear()
    paid = answer["error"]["next"].split()[-1]
    assert wallet.json("tx", "show", paid)["data"]["status"] == "reverted"


def test_node_without_the_waiting_call_is_polled(wallet: Wallet) -> None:
    def missing(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Refusal(-32601, "the method does not exist/is not available")

    def take(params: list[Any], honest: Callable[[], Any]) -> Any:
        answer = honest()
        wallet.chain.add_block(wallet.node.pending)
        wallet.node.pending.clear()
        return answer

    wallet.node.lies["eth_sendRawTransactionSync"] = missing
    wallet.node.lies["eth_sendRawTransaction"] = take
    assert wallet.run(*PAY).exit_code == 0
    assert balance_of(wallet, BOB) == 1234


def test_two_processes_never_assign_nonces_of_one_account(wallet: Wallet) -> None:
    folder = wallet.home / "devnet"
    folder.mkdir(exist_ok=True)
    handle = os.open(folder / f"{ALICE.hex()}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert wallet.json(*PAY, exit_code=12)["error"]["code"] == "WALLET_LOCKED"
    finally:
        os.close(handle)
    assert wallet.run(*PAY).exit_code == 0


def test_wrong_password_is_exit_4_and_nothing_is_sent(wallet: Wallet) -> None:
    wallet.password_file.write_text("wrong\n")
    assert wallet.json(*PAY, exit_code=4)["error"]["code"] == "PASSWORD_WRONG"
    assert wallet.node.sent() == []


def test_memo_longer_than_a_word_is_refused(wallet: Wallet) -> None:
    assert wallet.run("send", "bob", "1 EUR", "--memo", "x" * 32, "--dry-run").exit_code == 0
    for memo in ("x" * 33, "ü" * 17, "a\x1bb"):
        answer = wallet.json("send", "bob", "1 EUR", "--memo", memo, "--yes", exit_code=2)
        assert answer["error"]["code"] == "MEMO_INVALID"


def test_errors_are_three_lines_on_stderr_and_stdout_stays_clean(wallet: Wallet) -> None:
    result = wallet.run("send", "bob", "1,00 EUR", "--yes")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["error", "why", "next"]
    assert json.loads(wallet.run("send", "--json").stdout)["error"]["exit"] == 2


def test_payment_that_another_final_one_replaced_is_not_resumed(wallet: Wallet) -> None:
    def refuse(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Refusal(-32003, "not now", {"reason": "quota_exceeded"})

    wallet.node.lies["eth_sendRawTransactionSync"] = refuse
    assert wallet.run(*PAY).exit_code == 8
    wallet.node.lies.clear()
    wallet.node.lies["eth_sendRawTransaction"] = refuse
    assert wallet.run("send", "bob", "1 EUR", "--yes").exit_code == 0
    assert balance_of(wallet, BOB) == 100
    # The first can never be final now: its nonce is used. The same words are a payment of their own again.
    again = wallet.run(*PAY)
    assert again.exit_code == 0
    assert "resuming" not in again.stderr
    assert balance_of(wallet, BOB) == 1334


@pytest.mark.parametrize(("answer", "exit_code", "sent"), [("y\n", 0, 1), ("n\n", 3, 0), ("\n", 3, 0), ("", 3, 0)])
def test_person_is_asked_and_only_yes_is_yes(
    wallet: Wallet, answer: str, exit_code: int, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet_cli.output.has_terminal", lambda: True)
    result = wallet.run(*PAY[:-1], stdin=answer)
    assert result.exit_code == exit_code
    assert "Send? [y/N]" in result.stderr
    assert len(wallet.node.sent()) == sent


def test_interrupted_wait_is_unknown_and_not_failed(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    wallet.node.lies["eth_sendRawTransactionSync"] = time_out
    with monkeypatch.context() as pressed:
        pressed.setattr("wallet_cli.verified.Verifier.finality", interrupt)
        assert wallet.json(*PAY, exit_code=9)["error"]["code"] == "OUTCOME_UNKNOWN"
    wallet.node.lies.clear()
    assert wallet.run(*PAY).exit_code == 0
    assert len(sent_transactions(wallet)) == 1
