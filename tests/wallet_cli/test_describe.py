"""Programs and shells learn the commands from the wallet itself; preferences say where they come from."""

import json

import pytest

from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.test_help import ALL


def test_description_names_every_command_with_its_needs_and_examples(wallet: Wallet) -> None:
    record = wallet.json("describe")["data"]
    described = {entry["name"]: entry for entry in record["commands"]}
    assert {name for name, _ in ALL} <= described.keys()
    assert described["send"]["needs"] == ["network", "key"]
    names = [entry["names"][0].strip("[]").lower() for entry in described["send"]["parameters"]]
    assert names == ["to", "amount", "currency", "--memo", "--unsigned"]
    assert described["send"]["examples"][0].startswith("sycee send bob")
    assert record["exitCodes"]["proof"] == 7
    assert wallet.node.calls == []


def test_description_without_json_is_the_same_document(wallet: Wallet) -> None:
    assert json.loads(wallet.run("describe").stdout) == wallet.json("describe")["data"]


def test_answers_keep_to_the_schema_they_describe(wallet: Wallet) -> None:
    schema = wallet.json("describe")["data"]["answer"]
    good, bad = wallet.json("balance"), wallet.json("send", "nobody", "1 EUR", exit_code=2)
    assert set(schema["required"]) <= good.keys() <= schema["properties"].keys()
    assert set(schema["properties"]["proof"]["required"]) <= good["proof"].keys()
    assert good["proof"].keys() <= schema["properties"]["proof"]["properties"].keys()
    assert set(schema["properties"]["error"]["required"]) <= bad["error"].keys()
    assert bad["error"]["exit"] in schema["properties"]["error"]["properties"]["exit"]["enum"]


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_completion_script_names_the_command(wallet: Wallet, shell: str) -> None:
    script = wallet.run("completions", shell).stdout
    assert "_SYCEE_COMPLETE" in script and "sycee" in script
    assert wallet.run("completions", "tcsh").exit_code == 2


def test_preference_is_set_read_and_removed(wallet: Wallet) -> None:
    assert wallet.run("config", "set", "account", "bob").exit_code == 0
    assert wallet.run("config", "get", "account").stdout == "bob\n"
    assert wallet.run("config", "set", "account", "").exit_code == 0
    assert wallet.json("config", "get", "account", "--origin")["data"][0]["origin"] == "default"


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("colour", "blue", "CONFIG_KEY_UNKNOWN"),
        ("account", "zoe", "ACCOUNT_UNKNOWN"),
        ("network", "elsewhere", "NETWORK_UNKNOWN"),
        ("password_file", "missing", "PASSWORD_FILE"),
    ],
)
def test_preference_that_names_nothing_is_refused(wallet: Wallet, key: str, value: str, code: str) -> None:
    before = wallet.files()
    assert wallet.json("config", "set", key, value, exit_code=2)["error"]["code"] == code
    assert wallet.files() == before


def test_origin_is_the_option_before_environment_before_file(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    def origin(*words: str) -> str:
        found: str = wallet.json("config", "get", "account", "--origin", *words)["data"][0]["origin"]
        return found

    assert origin().endswith("config.toml")
    monkeypatch.setenv("SYCEE_WALLET_FROM", "bob")
    assert origin() == "environment SYCEE_WALLET_FROM"
    assert origin("--from", "alice") == "option"
