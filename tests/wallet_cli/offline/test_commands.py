"""Two people with a wallet each, before a node and without one: what they type, what they see, what the ledger pays."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wallet_cli.chain import BOB
from tests.wallet_cli.offline.people import People, clone_of
from tests.wallet_cli.test_help import commands
from wallet_cli.offline.commands.group import offline

ROOT = Path(__file__).parents[3]
DAY_MS = 24 * 3_600 * 1_000


@pytest.mark.parametrize("via", ["file", "png"])
def test_three_payments_without_a_network_are_redeemed_once(people: People, via: str) -> None:
    people.lock()
    for number, amount in enumerate(("12.34 EUR", "5.00 EUR", "0.01 EUR")):
        people.exchange(amount, via, stem=str(number))
    assert people.balance(BOB) == 0
    redeemed = people.bob.json("redeem", "--yes")["data"]
    assert [entry["outcome"] for entry in redeemed] == ["paid"]
    assert people.balance(BOB) == 17_35
    assert people.bob.json("redeem", "--yes")["data"] == []
    assert people.balance(BOB) == 17_35
    assert people.alice.json("offline", "sync", "--yes")["data"]["locks"] == 1
    left = [entry for entry in people.alice.json("offline", "list")["data"] if entry["kind"] == "lock"]
    assert left[0]["amount"] == "32.65 EUR"


def test_same_bytes_are_shown_and_answered_again(people: People) -> None:
    people.lock()
    people.bob.run("offline", "invoice", "3.00 EUR", "--out", "i.sycee")
    for name in ("p1", "p2"):
        assert people.alice.run("pay", "i.sycee", "--out", f"{name}.sycee", "--yes").exit_code == 0
    assert people.alice.run("offline", "resume", "--out", "p3.sycee").exit_code == 0
    for name in ("r1", "r2"):
        assert people.bob.run("offline", "receive", "p1.sycee", "--out", f"{name}.sycee").exit_code == 0
    assert Path("p1.sycee").read_bytes() == Path("p2.sycee").read_bytes() == Path("p3.sycee").read_bytes()
    assert Path("r1.sycee").read_bytes() == Path("r2.sycee").read_bytes()


def test_scan_that_was_lost_is_healed_and_costs_nobody(people: People) -> None:
    people.lock()
    people.bob.run("offline", "invoice", "3.00 EUR", "--out", "lost.sycee")
    assert people.alice.run("pay", "lost.sycee", "--out", "never-seen.sycee", "--yes").exit_code == 0
    people.bob.run("offline", "invoice", "4.00 EUR", "--out", "i.sycee")
    assert people.alice.run("pay", "i.sycee", "--out", "p.sycee", "--yes").exit_code == 0
    answer = people.bob.json("offline", "receive", "p.sycee", "--out", "heal.sycee")["data"]
    assert (answer["accepted"], answer["best"]) == (False, "0")
    assert people.alice.run("offline", "answer", "heal.sycee", "--out", "p2.sycee", "--yes").exit_code == 0
    assert people.bob.json("offline", "receive", "p2.sycee", "--out", "r.sycee")["data"]["accepted"] is True
    assert people.bob.run("redeem", "--yes").exit_code == 0
    assert people.balance(BOB) == 4_00


def test_nothing_is_promised_without_a_yes(people: People) -> None:
    people.lock()
    people.bob.run("offline", "invoice", "3.00 EUR", "--out", "i.sycee")
    told = people.alice.run("pay", "i.sycee", "--out", "p.sycee")
    assert told.exit_code == 3
    assert "you cannot take this back before" in told.stderr
    assert not Path("p.sycee").exists()
    assert [entry["kind"] for entry in people.alice.json("offline", "list")["data"]] == ["lock"]


def test_refusals_have_their_exit_codes(people: People) -> None:
    people.lock()
    people.bob.run("offline", "invoice", "60.00 EUR", "--out", "large.sycee")
    assert people.alice.json("pay", "large.sycee", "--yes", exit_code=5)["error"]["code"] == "NO_ROOM"
    people.bob.run("offline", "invoice", "1.00 EUR", "--out", "i.sycee")
    spoilt = bytearray(Path("i.sycee").read_bytes())
    spoilt[-1] ^= 1
    Path("spoilt.sycee").write_bytes(bytes(spoilt))
    assert people.alice.json("pay", "spoilt.sycee", "--yes", exit_code=7)["error"]["code"] == "SIGNATURE_NOT_VALID"
    assert people.bob.json("offline", "receive", "i.sycee", exit_code=10)["error"]["code"] == "NOT_EXPECTED"
    people.alice.now_ms += 3_600_000
    assert people.alice.json("pay", "i.sycee", "--yes", exit_code=10)["error"]["code"] == "INVOICE_EXPIRED"


def test_till_whose_validators_were_verified_too_long_ago_accepts_nothing(people: People) -> None:
    assert people.bob.run("offline", "card", "--out", "bob.sycee").exit_code == 0
    words = ("offline", "lock", "bob", "50.00 EUR", "--card", "bob.sycee", "--for", "20d", "--grace", "5d", "--yes")
    assert people.alice.run(*words).exit_code == 0
    for wallet in (people.alice, people.bob):
        wallet.now_ms += 15 * DAY_MS
    people.bob.run("offline", "invoice", "1.00 EUR", "--out", "i.sycee")
    assert people.alice.run("pay", "i.sycee", "--out", "p.sycee", "--yes").exit_code == 0
    assert people.bob.json("offline", "receive", "p.sycee", exit_code=10)["error"]["code"] == "ANCHOR_STALE"


def test_lock_whose_command_was_stopped_behind_its_transaction_is_finished_by_the_same_command(people: People) -> None:
    first = people.lock()
    shutil.rmtree(people.alice.home / "state")
    (people.alice.home / "devnet" / "offline.db").unlink()
    for name in ("offline.db-wal", "offline.db-shm"):
        (people.alice.home / "devnet" / name).unlink(missing_ok=True)
    sent = len(people.alice.node.sent())
    again = people.alice.json("offline", "lock", "bob", "50.00 EUR", "--card", "bob.sycee", "--yes")
    assert again["data"]["lock"] == first
    assert len(people.alice.node.sent()) == sent


def test_rest_of_a_lock_comes_back_by_release_or_after_its_time(people: People) -> None:
    lock = people.lock()
    people.exchange("10.00 EUR")
    assert people.bob.run("offline", "release", lock, "--out", "release.sycee", "--yes").exit_code == 0
    people.bob.run("offline", "invoice", "1.00 EUR", "--out", "late.sycee")
    people.alice.run("pay", "late.sycee", "--out", "late-paid.sycee", "--yes")
    assert people.bob.json("offline", "receive", "late-paid.sycee", exit_code=10)["error"]["code"] == "REDEEM_ONLY"
    done = people.alice.run("offline", "release", lock, "--signed", "release.sycee", "--yes")
    assert done.exit_code == 0, done.output
    assert people.balance(BOB) == 10_00
    assert people.bob.json("redeem", "--yes")["data"][0]["outcome"] == "paid before"
    assert people.bob.json("redeem", "--yes")["data"] == []
    nothing = people.alice.json("offline", "refund", "--yes", exit_code=2)
    assert nothing["error"]["code"] == "NOTHING_TO_REFUND"


def test_exported_payment_is_the_accepted_one(people: People) -> None:
    people.lock()
    people.exchange("2.00 EUR")
    invoice = people.bob.json("offline", "list")["data"][0]["id"]
    for wallet, name in ((people.alice, "of-payer"), (people.bob, "of-payee")):
        assert wallet.run("offline", "export", invoice, "--out", f"{name}.sycee").exit_code == 0
    paid = people.bob.json("offline", "receive", "of-payee.sycee", "--out", "r.sycee")
    assert paid["data"]["accepted"] is True


def test_cloned_purse_is_found_proven_and_everybody_paid(people: People) -> None:
    purse = people.open_purse()
    clone = clone_of(people.alice, "clone")
    people.exchange("15.00 EUR")
    people.bob.run("offline", "invoice", "4.00 EUR", "--out", "again.sycee")
    assert clone.run("pay", "again.sycee", "--out", "twice.sycee", "--yes").exit_code == 0
    refused = people.bob.json("offline", "receive", "twice.sycee", exit_code=11)
    assert refused["error"]["code"] == "DOUBLE_SPEND"
    shown = people.bob.json("offline", "fraud", "show", purse, "--via", "text")["data"]
    assert len(shown["frames"]) <= 2
    assert people.bob.json("redeem", "--yes")["data"][0]["outcome"] == "paid"
    assert people.balance(BOB) == 15_00
    told = people.bob.run("offline", "fraud", "report", "--yes")
    assert told.exit_code == 0, told.output
    listed = people.alice.json("offline", "class", "show", "0x")["data"]["class"]
    words = ("offline", "purse", "open", "30.00 EUR", "--class", listed, "--yes")
    assert "AccountBlacklisted" in people.alice.json(*words, exit_code=8)["error"]["message"]
    people.bob.run("offline", "invoice", "1.00 EUR", "--out", "more.sycee")
    assert people.alice.run("pay", "more.sycee", "--out", "more-paid.sycee", "--yes").exit_code == 0
    assert people.bob.json("offline", "receive", "more-paid.sycee", exit_code=11)["error"]["code"] == "REVOKED"


def test_payment_shown_to_another_payee_convicts_too(people: People) -> None:
    people.open_purse()
    # The other payee of the class is Alice's own account: a second till of the same story.
    till = clone_of(people.alice, "till")
    people.exchange("15.00 EUR")
    assert till.run("offline", "sync", "--yes").exit_code == 0
    assert till.run("offline", "invoice", "9.00 EUR", "--out", "theirs.sycee").exit_code == 0
    assert till.run("pay", "theirs.sycee", "--out", "shown.sycee", "--yes").exit_code == 0
    found = people.bob.json("offline", "import", "shown.sycee", "--shown-to", "alice", exit_code=11)
    assert found["error"]["code"] == "DOUBLE_SPEND"
    harmless = people.bob.json("offline", "import", "shown.sycee", "--shown-to", "bob")
    assert harmless["data"] == {"learned": ""}


def test_limits_are_kept_and_shown(people: People) -> None:
    people.bob.run("offline", "card", "--out", "bob.sycee")
    assert people.alice.run("offline", "policy", "set", "lock_max", "20.00 EUR").exit_code == 0
    words = ("offline", "lock", "bob", "20.01 EUR", "--card", "bob.sycee", "--yes")
    assert people.alice.json(*words, exit_code=10)["error"]["code"] == "LIMIT"
    shown = people.alice.json("offline", "policy", "show")["data"]
    assert shown["lock_max"][0] == "20.00 EUR"
    assert shown["claim_window_min"] == "3d"
    assert people.alice.run("offline", "policy", "set", "lock_for", "soon").exit_code == 2
    assert people.alice.run("offline", "policy", "set", "nothing", "1d").exit_code == 2


def test_message_of_another_kind_names_its_command(people: People) -> None:
    people.bob.run("offline", "card", "--out", "bob.sycee")
    told = people.alice.run("pay", "bob.sycee")
    assert told.exit_code == 2
    assert "sycee offline lock PAYEE AMOUNT --card" in told.stderr


def test_frames_as_text_are_read_from_arguments_and_stdin(people: People) -> None:
    people.lock()
    frames = people.bob.json("offline", "invoice", "1.00 EUR", "--via", "text")["data"]["frames"]
    paid = people.alice.json("pay", *frames, "--via", "text", "--yes")["data"]["frames"]
    assert len(paid) == 2
    assert people.bob.json("offline", "receive", paid[0], exit_code=2)["error"]["code"] == "FRAMES_MISSING"
    told = people.bob.run("offline", "receive", "-", "--via", "text", stdin="\n".join(reversed(paid)))
    assert told.exit_code == 0, told.output
    receipt = [line for line in told.stdout.splitlines() if line.startswith("B$")]
    assert people.alice.run("offline", "answer", *receipt).exit_code == 0


def test_dry_run_shows_and_promises_nothing(people: People) -> None:
    people.lock()
    people.bob.run("offline", "invoice", "3.00 EUR", "--out", "i.sycee")
    told = people.alice.run("pay", "i.sycee", "--out", "p.sycee", "--dry-run")
    assert told.exit_code == 3
    assert "three euro" in told.stderr
    assert [entry["kind"] for entry in people.alice.json("offline", "list")["data"]] == ["lock"]


def test_large_amount_is_typed(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    people.lock()
    assert people.alice.run("offline", "policy", "set", "confirm_over", "2.00 EUR").exit_code == 0
    people.bob.run("offline", "invoice", "3.00 EUR", "--out", "i.sycee")
    monkeypatch.setattr("wallet_cli.offline.commands.paying.has_terminal", lambda: True)
    answers = iter(("30.00 EUR", "3.00 EUR", ""))
    monkeypatch.setattr("wallet_cli.offline.commands.paying.click.prompt", lambda *_, **__: next(answers))
    assert people.alice.run("pay", "i.sycee", "--out", "p.sycee").exit_code == 3
    assert not Path("p.sycee").exists()
    assert people.alice.run("pay", "i.sycee", "--out", "p.sycee").exit_code == 0
    assert Path("p.sycee").exists()


def test_pictures_of_several_frames_stand_beside_each_other(people: People) -> None:
    people.lock()
    people.bob.run("offline", "invoice", "3.00 EUR", "--out", "i.sycee")
    paid = people.alice.json("pay", "i.sycee", "--via", "png", "--out", "paid.png", "--yes")["data"]["files"]
    assert paid == ["paid-1of2.png", "paid-2of2.png"]
    assert people.bob.run("offline", "receive", *reversed(paid), "--out", "r.sycee").exit_code == 0


def test_charge_waits_for_the_payment_and_answers_it(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    people.lock()

    def pay_what_is_shown(_: str, **__: object) -> str:
        (asked,) = (people.bob.home / "devnet" / "outbox").glob("invoice-*.sycee")
        assert people.alice.run("pay", str(asked), "--out", "p.sycee", "--yes").exit_code == 0
        return "p.sycee"

    assert people.bob.run("charge", "2.00 EUR").exit_code == 3
    monkeypatch.setattr("wallet_cli.offline.commands.receiving.has_terminal", lambda: True)
    monkeypatch.setattr("wallet_cli.offline.commands.receiving.click.prompt", pay_what_is_shown)
    told = people.bob.run("charge", "2.00 EUR")
    assert told.exit_code == 0, told.output
    assert "✓ 2.00 EUR accepted, guaranteed until" in told.stdout


def test_till_whose_key_stayed_on_another_device_begins_anew(people: People) -> None:
    people.lock()
    till = people.bob.json("offline", "card", "--out", "same.sycee")["data"]["till"]
    shutil.rmtree(people.bob.home / "devnet" / "vault")
    lost = people.bob.json("offline", "invoice", "1.00 EUR", exit_code=13)
    assert lost["error"]["code"] == "SIGNER_UNKNOWN_KEY"
    anew = people.bob.json("offline", "card", "--out", "new.sycee")["data"]["till"]
    assert anew != till
    assert people.bob.run("offline", "invoice", "1.00 EUR", "--out", "i.sycee").exit_code == 0


def test_open_takes_each_message_to_its_step(people: People) -> None:
    people.lock()
    people.bob.run("offline", "invoice", "2.00 EUR", "--out", "i.sycee")
    paid = people.alice.json("open", "i.sycee", "--yes")["data"]["files"][0]
    receipt = people.bob.json("open", paid, "--yes")["data"]["files"][0]
    assert people.alice.json("open", receipt)["data"]["amount"] == "2.00 EUR"
    assert people.alice.json("open", "bob.sycee", exit_code=2)["error"]["code"] == "MESSAGE_NEEDS_WORDS"


EXAMPLES = [example for _, command in commands(offline, "offline ") for example in command.examples]
PREPARED = "5f3a9c01"
BOBS = ("card", "invoice", "receive", "release", "redeem", "fraud", "import")
REFUSED = {
    # Nobody says yes.
    "sycee offline pay invoice-5f3a9c01.sycee": 3,
    "sycee offline redeem 5f3a9c01": 3,
    "sycee offline release 5f3a9c01 --out back.sycee": 3,
    # Examples whose story is told by tests of their own; alone they have nothing to do.
    "sycee offline refund --yes": 2,
    "sycee offline refund 5f3a9c01 --dry-run": 8,
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_does_what_it_says(people: People, example: str) -> None:
    words = shlex.split(example)[1:]
    is_bobs = words[1] in BOBS and "--signed" not in words
    wallet = people.bob if is_bobs else people.alice
    known = _prepare(people, words)
    words = [known.get(word, word) for word in words]
    told = wallet.run(*words)
    assert told.exit_code == REFUSED.get(example, 0), told.output


def _prepare(people: People, words: list[str]) -> dict[str, str]:
    """Tell the story up to the point that an example is about; return what its placeholders stand for."""
    action = words[1]
    if action in ("purse", "class") and words[2] != "create":
        made = people.alice.json("offline", "class", "create", "bob", "alice", "--yes")["data"]["class"]
        purse = ""
        if words[2] in ("flag", "close"):
            opened = people.alice.json("offline", "purse", "open", "30.00 EUR", "--class", made, "--yes")["data"]
            purse = str(opened["purse"])
        if words[2] == "close":
            people.alice.now_ms += 11 * DAY_MS
            people.alice.chain.blocks.append(people.alice.chain.make_block(step_ms=11 * DAY_MS))
        return {"0x77aa": made, PREPARED: purse, "5f3a": purse}
    if action == "class":
        people.alice.run("contacts", "add", "carol", "0x00000000000000000000000000000000000ca401", "--yes")
        people.alice.run("contacts", "add", "dave", "0x00000000000000000000000000000000000da401", "--yes")
        return {}
    if action in ("card", "list", "policy"):
        return {}
    if action in ("fraud", "import"):
        return _fraud_for(people)
    lock = people.lock()
    if action == "lock":
        return {}
    if action in ("pay", "answer", "receive", "resume", "export", "redeem", "release"):
        return {**_exchange_for(people, words), **({PREPARED: lock} if action in ("release", "redeem") else {})}
    return {PREPARED: lock}


def _exchange_for(people: People, words: list[str]) -> dict[str, str]:
    bob, alice = people.bob, people.alice
    invoice = bob.json("offline", "invoice", "2.00 EUR", "--out", "invoice-5f3a9c01.sycee")["data"]["invoice"]
    known = {PREPARED: invoice, "5f3a": invoice}
    bob.run("offline", "invoice", "2.00 EUR", "--via", "png", "--out", "invoice.png")
    if words[1] == "pay":
        return {}
    alice.run("pay", "invoice-5f3a9c01.sycee", "--out", "payment-77aa01c9.sycee", "--yes")
    alice.run("pay", "invoice-5f3a9c01.sycee", "--via", "png", "--out", "paid", "--yes")
    if words[1] in ("receive", "resume", "export"):
        return known
    bob.run("offline", "receive", "payment-77aa01c9.sycee", "--out", "receipt-0b1c22d3.sycee")
    if "--signed" in words:
        lock = alice.json("offline", "list")["data"][0]["id"]
        bob.run("offline", "release", lock, "--out", "back.sycee", "--yes")
    if "heal.png" in words:
        bob.run("offline", "invoice", "1.00 EUR", "--out", "lost.sycee")
        alice.run("pay", "lost.sycee", "--out", "never-seen.sycee", "--yes")
        bob.run("offline", "invoice", "1.00 EUR", "--out", "next.sycee")
        alice.run("pay", "next.sycee", "--out", "next-paid.sycee", "--yes")
        bob.run("offline", "receive", "next-paid.sycee", "--via", "png", "--out", "heal.png")
    return known


def _fraud_for(people: People) -> dict[str, str]:
    purse = people.open_purse()
    clone = clone_of(people.alice, "clone")
    for payer, stem in ((people.alice, "one"), (clone, "two")):
        people.bob.run("offline", "invoice", "10.00 EUR", "--out", f"{stem}.sycee")
        payer.run("pay", f"{stem}.sycee", "--out", f"{stem}-paid.sycee", "--yes")
        people.bob.run("offline", "receive", f"{stem}-paid.sycee", "--out", f"{stem}-receipt.sycee")
    people.bob.run("offline", "fraud", "show", purse, "--out", "fraud-5f3a9c01.sycee")
    people.bob.run("offline", "fraud", "show", purse, "--via", "png", "--out", "list")
    return {PREPARED: purse, "5f3a": purse}


@pytest.mark.parametrize("module", ["paying", "receiving", "listing", "opening_messages"])
def test_commands_without_a_network_load_no_network_library(module: str) -> None:
    code = f"import sys, wallet_cli.offline.commands.{module}; sys.exit('web3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
