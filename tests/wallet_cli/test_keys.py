"""Keys: encrypted, private, never overwritten, and their secrets nowhere else."""

import hashlib
import hmac
import json
import os
import re
import stat
from pathlib import Path

import pytest
from eth_account import Account as EthAccount
from eth_keys.datatypes import PrivateKey

from consensus.primitives.hashing import keccak256
from tests.wallet_cli.chain import ALICE, ALICE_KEY, Chain
from tests.wallet_cli.conftest import PASSWORD, Wallet
from tests.wallet_cli.twin import Node
from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.errors import UsageRefused

CAROL_KEY = keccak256(b"carol")


def test_imported_key_is_a_standard_keystore_for_its_owner_only(wallet: Wallet) -> None:
    path = wallet.home / "keys" / "alice.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    content = json.loads(path.read_text())
    assert content["version"] == 3
    assert content["development"] is True
    assert bytes(EthAccount.decrypt(content, PASSWORD)) == ALICE_KEY


def test_key_without_the_light_option_gets_the_full_derivation(wallet: Wallet) -> None:
    assert wallet.run("keys", "import", "carol", "--stdin", stdin=CAROL_KEY.hex()).exit_code == 0
    content = json.loads((wallet.home / "keys" / "carol.json").read_text())
    assert content["crypto"]["kdfparams"]["n"] == 2**18
    assert content["development"] is False


def test_key_others_can_read_stops_every_command(wallet: Wallet) -> None:
    path = wallet.home / "keys" / "alice.json"
    path.chmod(0o640)
    answer = wallet.json("keys", "list", exit_code=10)
    assert answer["error"]["code"] == "KEY_FILE_EXPOSED"
    assert answer["error"]["next"] == f"chmod 600 {path}"
    path.chmod(0o600)
    assert wallet.run("keys", "list").exit_code == 0


def test_password_file_others_can_read_is_refused(wallet: Wallet) -> None:
    wallet.password_file.chmod(0o644)
    assert wallet.json("send", "bob", "1 EUR", "--yes", exit_code=10)["error"]["code"] == "KEY_FILE_EXPOSED"
    assert wallet.node.sent() == []


def test_name_in_use_is_refused_and_the_key_kept(wallet: Wallet) -> None:
    before = (wallet.home / "keys" / "alice.json").read_bytes()
    refused = wallet.run("keys", "import", "alice", "--stdin", "--light-kdf", stdin=CAROL_KEY.hex())
    assert refused.exit_code == 2
    assert (wallet.home / "keys" / "alice.json").read_bytes() == before


@pytest.mark.parametrize("secret", ["", "xyz", "00" * 32, "ab" * 31, "ff" * 32, "abandon abandon abandon"])
def test_what_is_no_key_is_refused_without_being_repeated(wallet: Wallet, secret: str) -> None:
    refused = wallet.run("keys", "import", "carol", "--stdin", "--light-kdf", stdin=secret + "\n")
    assert refused.exit_code == 2
    assert not secret or secret not in refused.output


def test_mnemonic_goes_only_to_its_descriptor_and_gives_the_key_back(wallet: Wallet, tmp_path: Path) -> None:
    words_file = tmp_path / "words"
    descriptor = os.open(words_file, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        made = wallet.json("keys", "new", "carol", "--light-kdf", "--mnemonic-fd", str(descriptor))
    finally:
        os.close(descriptor)
    words = words_file.read_text().strip()
    assert len(words.split()) == 24
    again = wallet.run("keys", "import", "carol2", "--stdin", "--light-kdf", "--json", stdin=words + "\n")
    assert json.loads(again.stdout)["data"]["address"] == made["data"]["address"]
    assert not any(words.encode() in content for content in wallet.files().values())


def test_new_key_without_terminal_or_descriptor_is_refused_before_it_is_made(wallet: Wallet) -> None:
    assert wallet.json("keys", "new", "carol", exit_code=3)["error"]["code"] == "TERMINAL_NEEDED"
    assert not (wallet.home / "keys" / "carol.json").exists()


def test_password_comes_from_a_descriptor_first(wallet: Wallet, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    for text, exit_code in ((PASSWORD, 0), ("wrong", 4)):
        secret.write_text(text + "\n")
        descriptor = os.open(secret, os.O_RDONLY)
        try:
            words = ("send", "bob", "1 EUR", "--memo", text[:5], "--yes", "--password-fd", str(descriptor))
            assert wallet.run(*words).exit_code == exit_code
        finally:
            os.close(descriptor)
    assert len(wallet.node.sent()) == 1


def test_secrets_are_in_no_argument_file_or_output(wallet: Wallet) -> None:
    outputs = [
        wallet.run("send", "bob", "1 EUR", "--yes", "-v"),
        wallet.run("keys", "show", "alice", "--json"),
        wallet.run("keys", "list", "-v"),
        wallet.run("balance", "--json", "-v"),
    ]
    secrets = [PASSWORD.encode(), ALICE_KEY, ALICE_KEY.hex().encode()]
    for path, content in wallet.files().items():
        assert not any(secret in content for secret in secrets), path
    for result in outputs:
        assert result.exit_code == 0
        assert not any(secret in result.output.encode() for secret in secrets)
    assert PASSWORD not in json.dumps(wallet.node.calls)
    options = wallet.run("--help").stdout
    assert re.findall(r"--(?:password|key|mnemonic|seed)\b(?!-)", options) == []


def test_internal_error_is_logged_by_place_and_without_values(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"secret {ALICE_KEY.hex()}")

    monkeypatch.setattr("wallet_cli.commands.keys._record", fail)
    answer = wallet.json("keys", "list", exit_code=1)
    incident = re.search(r"incident ([0-9a-f]{8})", answer["error"]["message"])
    assert incident is not None
    log = (wallet.home / "wallet.log").read_text()
    assert incident.group(1) in log
    assert "RuntimeError" in log
    assert ALICE_KEY.hex() not in log + json.dumps(answer)


def test_address_must_pass_its_checksum() -> None:
    good = checksum_address(ALICE)
    assert parse_address(good) == (ALICE, True)
    assert parse_address(good.lower().replace("0X", "0x")) == (ALICE, False)
    place = next(at for at, mark in enumerate(good) if mark.isalpha() and at > 1)
    with pytest.raises(UsageRefused, match="checksum"):
        parse_address(good[:place] + good[place].swapcase() + good[place + 1 :])
    with pytest.raises(UsageRefused):
        parse_address(good[:-1])


def test_contact_never_changes_its_address_silently(wallet: Wallet) -> None:
    assert wallet.run("contacts", "add", "dora", checksum_address(ALICE)).exit_code == 0
    assert wallet.run("contacts", "add", "dora", checksum_address(ALICE)).exit_code == 0
    other = checksum_address(keccak256(b"other")[:20])
    assert wallet.json("contacts", "add", "dora", other, exit_code=2)["error"]["code"] == "CONTACT_EXISTS"
    assert wallet.json("contacts", "list")["data"][-1]["address"] == checksum_address(ALICE)


def test_setting_up_needs_no_node(tmp_path: Path) -> None:
    chain = Chain()
    node = Node(chain)
    fresh = Wallet(tmp_path, chain, node)
    node.close()
    assert fresh.init().exit_code == 0
    assert fresh.run("keys", "import", "alice", "--stdin", "--light-kdf", stdin=ALICE_KEY.hex() + "\n").exit_code == 0
    assert fresh.run("contacts", "add", "bob", checksum_address(ALICE)).exit_code == 0
    assert fresh.json("balance", exit_code=6)["error"]["code"] == "NETWORK_UNREACHABLE"


def test_trust_root_is_not_replaced_silently(wallet: Wallet) -> None:
    text = wallet.genesis.read_bytes().replace(b'"testnet"', b'"othernet"')
    wallet.genesis.write_bytes(text)
    refused = wallet.init()
    assert refused.exit_code == 10
    assert "trusted by document" in refused.stderr


@pytest.mark.parametrize("is_right", [True, False])
def test_words_are_shown_once_and_three_are_asked_back(
    wallet: Wallet, is_right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"word{number}" for number in range(1, 25)]
    monkeypatch.setattr("wallet_cli.commands.keys.has_terminal", lambda: True)
    monkeypatch.setattr("wallet_cli.signing.new_mnemonic", lambda _passphrase: (" ".join(words), CAROL_KEY))
    answers = ["", words[2], words[11], words[23] if is_right else "other"]
    made = wallet.run("keys", "new", "carol", "--light-kdf", stdin="\n".join(answers) + "\n")
    assert made.exit_code == (0 if is_right else 3), made.output
    assert (wallet.home / "keys" / "carol.json").exists() is is_right
    assert "word24" in made.stderr
    assert "word" not in made.stdout
    enter, leave = made.stderr.index("\x1b[?1049h"), made.stderr.index("\x1b[?1049l")
    assert enter < made.stderr.index("word24") < leave


VECTOR_WORDS = "abandon " * 11 + "about"
VECTOR_KEY = "1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727"
"""Of those words without a passphrase: the address 0x9858EfFD232B4033E47d90003D41EC34EcaEda94 of many wallets."""


def test_passphrase_makes_another_key_of_the_same_words(wallet: Wallet, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    found = {}
    for passphrase in ("", "TREZOR"):
        secret.write_text(passphrase + "\n")
        with secret.open() as stream:
            words = ("--passphrase-fd", str(stream.fileno())) if passphrase else ()
            name = f"carol-{len(passphrase)}"
            made = wallet.run("keys", "import", name, "--stdin", "--light-kdf", *words, stdin=VECTOR_WORDS + "\n")
        assert made.exit_code == 0, made.output
        content = json.loads((wallet.home / "keys" / f"{name}.json").read_text())
        found[passphrase] = bytes(EthAccount.decrypt(content, PASSWORD)).hex()
        assert not passphrase or passphrase not in made.output
    assert found[""] == VECTOR_KEY
    assert found["TREZOR"] == bip44_key(VECTOR_WORDS, "TREZOR")
    assert found["TREZOR"] != found[""]


def test_new_key_comes_back_from_words_and_passphrase_only(wallet: Wallet, tmp_path: Path) -> None:
    secret, words_file = tmp_path / "passphrase", tmp_path / "words"
    secret.write_text("a passphrase\n")
    with secret.open() as stream, words_file.open("w") as words:
        given = ("--passphrase-fd", str(stream.fileno()), "--mnemonic-fd", str(words.fileno()))
        made = wallet.json("keys", "new", "carol", "--light-kdf", *given)
    mnemonic = words_file.read_text()
    with secret.open() as stream:
        options = ("--stdin", "--light-kdf", "--passphrase-fd", str(stream.fileno()), "--json")
        again = wallet.run("keys", "import", "carol-2", *options, stdin=mnemonic)
    without = wallet.run("keys", "import", "carol-3", "--stdin", "--light-kdf", "--json", stdin=mnemonic)
    assert json.loads(again.stdout)["data"]["address"] == made["data"]["address"]
    assert json.loads(without.stdout)["data"]["address"] != made["data"]["address"]


def test_passphrase_for_a_bare_key_or_without_a_terminal_is_refused(wallet: Wallet, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("x\n")
    with secret.open() as stream:
        given = ("--stdin", "--light-kdf", "--passphrase-fd", str(stream.fileno()))
        assert wallet.run("keys", "import", "carol", *given, stdin=CAROL_KEY.hex()).exit_code == 2
    asked = ("keys", "import", "carol", "--stdin", "--light-kdf", "--passphrase")
    assert wallet.run(*asked, stdin=VECTOR_WORDS).exit_code == 3
    assert not (wallet.home / "keys" / "carol.json").exists()


def bip44_key(words: str, passphrase: str) -> str:
    """Return the key of m/44'/60'/0'/0/0 by the text of BIP-39 and BIP-32 alone."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic" + passphrase.encode(), 2048)
    node = hmac.digest(b"Bitcoin seed", seed, "sha512")
    for step in (44 + 2**31, 60 + 2**31, 2**31, 0, 0):
        key, chain = node[:32], node[32:]
        parent = b"\0" + key if step >= 2**31 else PrivateKey(key).public_key.to_compressed_bytes()
        made = hmac.digest(chain, parent + step.to_bytes(4, "big"), "sha512")
        child = (int.from_bytes(made[:32], "big") + int.from_bytes(key, "big")) % order
        node = child.to_bytes(32, "big") + made[32:]
    return node[:32].hex()
