"""One rule for every setting: flag over environment over file over default; a key nobody reads is an error."""

from pathlib import Path

import pytest

from node.config import (
    SETTINGS,
    InvalidSetting,
    NodeConfig,
    Origin,
    PublicDevAccounts,
    PublicRpcRefused,
    UnknownSetting,
    UnreadableConfig,
    load_config,
    render_toml,
    render_with_origins,
)


def write(folder: Path, text: str) -> Path:
    path = folder / "node.toml"
    path.write_text(text)
    return path


def test_without_file_environment_and_flags_everything_is_default() -> None:
    loaded = load_config(None, environment={}, flags={})

    assert loaded.config == NodeConfig()
    assert set(loaded.origins.values()) == {Origin.DEFAULT}


@pytest.mark.parametrize(
    ("text", "environment", "flags", "expected", "origin"),
    [
        ("", {}, {}, 8545, Origin.DEFAULT),
        ("[rpc]\nport = 1001\n", {}, {}, 1001, Origin.FILE),
        ("[rpc]\nport = 1001\n", {"SYCEE_RPC_PORT": "1002"}, {}, 1002, Origin.ENVIRONMENT),
        ("[rpc]\nport = 1001\n", {"SYCEE_RPC_PORT": "1002"}, {"rpc.port": "1003"}, 1003, Origin.FLAG),
    ],
)
def test_the_nearest_origin_wins(
    tmp_path: Path, text: str, environment: dict[str, str], flags: dict[str, str], expected: int, origin: Origin
) -> None:
    loaded = load_config(write(tmp_path, text), environment=environment, flags=flags)

    assert loaded.config.rpc.port == expected
    assert loaded.origins["rpc.port"] is origin


@pytest.mark.parametrize("text", ["[rpc]\nprot = 1\n", "[rcp]\nport = 1\n", "port = 1\n"])
def test_an_unknown_key_names_itself_and_the_file(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(UnknownSetting) as caught:
        load_config(path, environment={}, flags={})

    assert caught.value.source == str(path)
    assert caught.value.key in str(caught.value)


def test_a_typing_error_in_the_environment_is_found_and_other_programs_variables_are_not_ours() -> None:
    load_config(None, environment={"SYCEE_WALLET_HOME": "x", "SYCEE_RPC_PORT": "9"}, flags={})
    with pytest.raises(UnknownSetting, match="SYCEE_RPC_PROT"):
        load_config(None, environment={"SYCEE_RPC_PROT": "9"}, flags={})


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("rpc.port", "65535", "65536"),
        ("rpc.port", "1", "0"),
        ("rpc.port", "1_000", "-1"),
        ("rpc.allow_public", "true", "yes"),
        ("node.role", "follower", "miner"),
        ("rpc.api", "eth,net", "eth,admin"),
        ("log.format", "json", "xml"),
    ],
)
def test_a_value_at_its_bound_is_taken_and_one_beyond_is_refused(key: str, good: str, bad: str) -> None:
    load_config(None, environment={}, flags={key: good})
    with pytest.raises(InvalidSetting) as caught:
        load_config(None, environment={}, flags={key: bad})
    assert caught.value.key == key


@pytest.mark.parametrize("text", ['[rpc]\nport = "8545"\n', "[rpc]\nport = true\n", "[rpc]\nallow_public = 1\n"])
def test_a_value_of_another_type_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidSetting):
        load_config(write(tmp_path, text), environment={}, flags={})


def test_a_node_that_signs_for_whoever_asks_listens_on_this_machine_only() -> None:
    flags = {"rpc.dev_accounts": "true"}
    assert load_config(None, environment={}, flags=flags).config.rpc.dev_accounts
    with pytest.raises(PublicDevAccounts, match=r"rpc\.addr is 0\.0\.0\.0 and rpc\.dev_accounts is true"):
        load_config(None, environment={}, flags={**flags, "rpc.addr": "0.0.0.0", "rpc.allow_public": "true"})


def test_a_validator_answers_strangers_only_when_told_to() -> None:
    with pytest.raises(PublicRpcRefused):
        load_config(None, environment={}, flags={"rpc.addr": "0.0.0.0"})
    load_config(None, environment={}, flags={"rpc.addr": "0.0.0.0", "rpc.allow_public": "true"})
    load_config(None, environment={}, flags={"rpc.addr": "0.0.0.0", "node.role": "follower"})


@pytest.mark.parametrize("text", ["[rpc\n", "[rpc]\nport = 1\nport = 2\n"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableConfig) as caught:
        load_config(write(tmp_path, text), environment={}, flags={})
    assert caught.value.path == tmp_path / "node.toml"


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(UnreadableConfig):
        load_config(Path("/nowhere/node.toml"), environment={}, flags={})


def test_what_is_rendered_is_read_back_unchanged(tmp_path: Path) -> None:
    defaults = {key: described.default for key, described in SETTINGS.items()}
    changed = {**defaults, "node.name": 'with "quotes" and \\', "rpc.api": ("eth",), "rpc.port": 7}

    loaded = load_config(write(tmp_path, render_toml(changed)), environment={}, flags={})

    assert dict(loaded.values) == changed


def test_every_value_is_printed_with_its_origin() -> None:
    text = render_with_origins(load_config(None, environment={}, flags={"rpc.port": "7"}))

    assert len(text.splitlines()) == len(SETTINGS)
    assert any(line.startswith("rpc.port = 7 ") and line.endswith("# flag") for line in text.splitlines())


def test_flags_and_variables_follow_the_one_rule() -> None:
    described = SETTINGS["rpc.call_gas_max"]

    assert described.flag == "--rpc.call-gas-max"
    assert described.environment == "SYCEE_RPC_CALL_GAS_MAX"
