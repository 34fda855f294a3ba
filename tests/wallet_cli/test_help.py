"""Help, examples and the frame of every command."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.wallet_cli.chain import ALICE_KEY, Chain
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.deals.engine import put_engine
from tests.wallet_cli.deals.stubs import ALL as STUBS
from tests.wallet_cli.deals.stubs import put_stubs
from tests.wallet_cli.test_backup import make_backups_cheap
from tests.wallet_cli.test_sign import DOCUMENT
from tests.wallet_cli.twin import Node
from wallet_cli.__main__ import cli
from wallet_cli.cli import WalletCommand, WalletGroup
from wallet_cli.keystore import KDF_WORK_DEVELOPMENT


def commands(group: WalletGroup, path: str = "") -> Iterator[tuple[str, WalletCommand]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, WalletGroup):
            yield from commands(command, f"{path}{name} ")
        else:
            assert isinstance(command, WalletCommand)
            yield path + name, command


# Administrative commands need a governor and offline ones two people: tests/wallet_cli/admin and offline run theirs.
ALL = [(name, command) for name, command in commands(cli) if name.split()[0] not in ("admin", "offline", "charge")]


def test_commands_are_these() -> None:
    assert [name for name, _ in ALL] == [
        "init", "keys new", "keys import", "keys list", "keys show", "keys use", "keys rename",
        "keys passwd", "keys export", "keys rm", "contacts add", "contacts list", "contacts pin", "contacts rm",
        "balance", "account", "history", "send", "open", "request", "watch", "address",
        "hold create", "hold pay", "hold release",
        "hold consent",
        "hold extend", "hold show", "hold list", "batch", "redemption request", "redemption cancel", "redemption show",
        "redemption list", "settle propose", "settle affirm", "settle reject", "settle cancel", "settle show",
        "settle list", "escrow create", "escrow release", "escrow refund", "escrow dispute", "escrow resolve",
        "escrow close", "escrow show", "fx quote", "fx take", "fx cancel", "fx show", "swap lock", "swap claim",
        "swap refund", "swap decline", "swap show", "mandate grant", "mandate collect", "mandate revoke",
        "mandate show", "contract list", "contract abi", "contract alias", "contract import", "contract deploy",
        "contract call", "contract send", "contract logs", "tx wait", "tx show", "tx history", "tx build",
        "tx sign", "tx simulate", "tx submit", "sign", "verify", "prove balance", "prove receipt",
        "prove check", "net list", "net health", "trust show",
        "backup create", "backup verify", "backup restore", "doctor", "config get", "config set",
        "config path", "describe", "completions", "version",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_help_says_what_it_needs_and_ends_with_two_examples(name: str, command: WalletCommand) -> None:
    text = CliRunner().invoke(cli, [*name.split(), "--help"]).stdout
    assert text.startswith(f"Usage: sycee {name} [OPTIONS]")
    assert "Needs: " in text
    assert len(command.examples) == 2
    unwrapped = " ".join(text.split())
    assert all(" ".join(example.split()) in unwrapped for example in command.examples)
    assert all(example.startswith(f"sycee {name}") for example in command.examples)


EXAMPLES = [example for _, command in ALL for example in command.examples]
CAROL = "0x00000000000000000000000000000000000ca401"
EXPECTED = {
    "sycee keys new alice": 3,
    "sycee keys rm alice": 3,
    "sycee keys rm alice --json": 3,
    "sycee keys export alice": 3,
    "sycee keys export alice --json": 3,
}
"""Examples that ask on a terminal end with 3 without one."""


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_does_what_it_says(
    wallet: Wallet, tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(example)[1:]
    (tmp_path / "new.txt").write_text("another")
    (tmp_path / "new.txt").chmod(0o600)
    if words[:2] in (["keys", "new"], ["keys", "import"]):
        (wallet.home / "keys" / "alice.json").unlink()
        # A second of key derivation is held by a test of its own.
        monkeypatch.setattr("wallet_cli.signing.KDF_WORK_STANDARD", KDF_WORK_DEVELOPMENT)
    if words[0] == "watch":
        # Ctrl-C after the first look.
        monkeypatch.setattr("wallet_cli.commands.watch.follow_incoming", lambda *_, **__: interrupted())
    if words[:2] == ["tx", "wait"]:
        monkeypatch.setattr("wallet_cli.commands.tx.settle", lambda *_: pay_found(wallet))
    if words[0] == "hold" and words[1] != "create":
        prepare_hold(wallet, monkeypatch)
    if words[:2] in (["redemption", "cancel"], ["redemption", "show"]):
        assert wallet.run("redemption", "request", "1 EUR", "--yes").exit_code == 0
    if words[:2] in (["tx", "sign"], ["tx", "simulate"], ["tx", "submit"]) or words[:2] == ["open", "pay.signed.json"]:
        assert wallet.run("tx", "build", "bob", "1 EUR", "--out", "pay.json").exit_code == 0
    if words[:2] == ["tx", "submit"] or words[:2] == ["open", "pay.signed.json"]:
        assert wallet.run("tx", "sign", "pay.json", "--out", "pay.signed.json", "--yes").exit_code == 0
    if words[0] in ("sign", "verify"):
        (tmp_path / "order.json").write_text(json.dumps(DOCUMENT))
    if words[0] == "verify":
        signed = ["--typed", "order.json"] if "--typed" in words else [words[3]]
        words[2] = wallet.json("sign", *signed, "--from", "bob" if "bob" in words else "alice", "--yes")["data"][
            "signature"
        ]
    if words[:2] == ["keys", "rename"]:
        assert wallet.run("config", "set", "account", "").exit_code == 0
    if words[0] == "backup":
        make_backups_cheap(monkeypatch)
        if words[1] != "create":
            made = wallet.run("backup", "create", "wallet.backup", "--password-file", "new.txt")
            assert made.exit_code == 0, made.output
    if words[0] == "open":
        assert wallet.run("balance").exit_code == 0
        assert wallet.run("request", "1 EUR", "--from", "bob", "--png", "invoice.png").exit_code == 0
    if words[0] == "request":
        assert wallet.run("balance").exit_code == 0
    if words[:2] == ["prove", "receipt"]:
        words[2] = wallet.json("send", "bob", "1 EUR", "--yes")["data"]["hash"]
    if words[:2] == ["prove", "check"]:
        made = wallet.run("prove", "balance", "alice", "--currency", "EUR", "--out", "balance.json")
        assert made.exit_code == 0, made.output
    if words[0] in STUBS:
        prepare_deal(wallet, monkeypatch, words)
    if words[0] == "settle":
        put_engine(wallet, monkeypatch)
        if words[1] != "propose":
            assert wallet.run("settle", "propose", "alice:bob:1 EUR", "bob:alice:5 JPY", "--yes").exit_code == 0
    (tmp_path / "devnet").mkdir()
    (tmp_path / "devnet" / "devnet.json").write_text('{"contracts": []}')
    (tmp_path / "wages.csv").write_text("to,amount,memo\nbob,1 EUR,WAGE\n")
    stdin = None
    if "<" in words:
        words, stdin = words[: words.index("<")], ALICE_KEY.hex()
    descriptor = os.open(tmp_path / "words", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        words = [str(descriptor) if word == "3" else word for word in words if word not in ("3>", "words.txt")]
        if words[0] == "init" and "--yes" not in words:
            words.append("--yes")
        result = wallet.run(*words, stdin=stdin)
    finally:
        os.close(descriptor)
    assert result.exit_code == EXPECTED.get(example, 0), result.output


def prepare_deal(wallet: Wallet, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """Make the deal that examples name, by whom their step is not."""
    put_stubs(wallet, monkeypatch, STUBS[words[0]]())
    assert wallet.run("contacts", "add", "carol", CAROL, "--yes").exit_code == 0
    makings = {
        "escrow": {
            "release": "escrow create carol '50 EUR' '10 EUR'",
            "refund": "escrow create alice '50 EUR' --from bob",
            "dispute": "escrow create carol '50 EUR' --arbiter bob",
            "resolve": "escrow create carol '70 EUR' --arbiter bob",
            "close": "escrow create carol '50 EUR'",
            "show": "escrow create carol '50 EUR'",
        },
        "fx": dict.fromkeys(("take", "cancel", "show"), "fx quote '50.00 EUR' JPY 1.5"),
        "swap": {
            **dict.fromkeys(("claim", "refund", "show"), "swap lock bob '5 EUR'"),
            "decline": "swap lock alice '5 EUR' --from bob",
        },
        "mandate": dict.fromkeys(("collect", "revoke", "show"), "mandate grant bob '9.99 EUR' --until 60d"),
    }
    making = makings[words[0]].get(words[1])
    if making is not None:
        result = wallet.run(*shlex.split(making), "--yes")
        assert result.exit_code == 0, result.output
    if words[:2] == ["swap", "claim"]:
        (secret,) = wallet.home.rglob("swaps/*.txt")
        (Path.cwd() / "other-half.txt").write_text(secret.read_text())


def prepare_hold(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the hold that examples name, and let it be extended."""
    monkeypatch.setattr(
        "wallet_cli.holds.secrets.token_bytes", lambda count: bytes.fromhex("9f3a51c07b2e").ljust(count)
    )
    assert wallet.run("hold", "create", "bob", "20 EUR", "--yes").exit_code == 0
    assert wallet.run("hold", "consent", "0x9f3a", "--until", "5000w", "--from", "bob", "--yes").exit_code == 0


def interrupted() -> Iterator[None]:
    """Look once, then be left with Ctrl-C."""
    yield None
    raise KeyboardInterrupt


def pay_found(wallet: Wallet) -> object:
    """Return a proven payment, for the example that names one which does not exist here."""
    from wallet_cli.session import Session

    settings = wallet.settings()
    settings.home = str(wallet.home)
    paid = wallet.json("send", "bob", "1 EUR", "--yes")["data"]["hash"]
    with Session(settings) as session:
        return session.verifier.finality(bytes.fromhex(paid[2:]))  # type: ignore[arg-type]


def test_global_options_stand_before_or_behind_the_command(wallet: Wallet) -> None:
    before = wallet.run("--json", "keys", "list").stdout
    assert before == wallet.run("keys", "list", "--json").stdout
    assert before.startswith('{"schema"')


def test_rpc_option_overrules_the_network_file(wallet: Wallet) -> None:
    chain = Chain()
    chain.add_block()
    other = Node(chain)
    try:
        assert wallet.json("balance", "--rpc", other.url)["proof"]["height"] == 1
    finally:
        other.close()
    assert wallet.run("balance", "--rpc", "ftp://x").exit_code == 2


def test_command_without_network_opens_no_connection(wallet: Wallet) -> None:
    for words in (("keys", "list"), ("contacts", "list"), ("net", "list"), ("trust", "show"), ("version",)):
        assert wallet.run(*words).exit_code == 0
    assert wallet.node.calls == []


def test_nothing_typed_shows_help_and_is_a_usage_error(wallet: Wallet) -> None:
    result = CliRunner().invoke(cli, [], obj=wallet.settings())
    assert result.exit_code == 2
    assert "Commands:" in result.stderr


def test_unknown_configuration_is_an_error_and_not_ignored(wallet: Wallet) -> None:
    file = wallet.home / "config.toml"
    file.write_text(file.read_text() + 'colour = "blue"\n')
    assert wallet.json("keys", "list", exit_code=2)["error"]["code"] == "CONFIG_INVALID"


def test_environment_names_home_and_network(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYCEE_WALLET_NETWORK", "nowhere")
    assert wallet.json("balance", exit_code=2)["error"]["code"] == "NETWORK_UNKNOWN"
    assert wallet.run("balance", "--network", "devnet").exit_code == 0
