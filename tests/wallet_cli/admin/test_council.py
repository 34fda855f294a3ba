"""A council decides: prepared online, signed offline member by member, submitted by anybody."""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.addresses import CURRENCY_REGISTRY, PROTOCOL_CONFIG
from contracts.declarations import encode_call
from contracts.loader import load
from tests.wallet_cli.admin import council_world
from tests.wallet_cli.admin.council_world import COUNCIL, DELAY_S, CouncilNode, council_chain
from tests.wallet_cli.chain import Chain
from tests.wallet_cli.conftest import Wallet
from wallet_cli.addresses import checksum_address
from wallet_cli.admin.council import show, sign, submit

COUNCIL_TEXT = checksum_address(COUNCIL)
CREATE = ("admin", "currency", "create", "CHF", "Swiss franc", "2", "alice")


@pytest.fixture(scope="module")
def governed_by_council() -> Chain:
    return council_chain()


class Members(Wallet):
    """A wallet with two members' keys."""

    node: CouncilNode

    def prepare(self, *command: str) -> Path:
        path = self.folder / "action.json"
        result = self.run(*(command or CREATE), "--as", COUNCIL_TEXT, "--prepare", str(path))
        assert result.exit_code == 0, result.output
        return path

    def sign(self, path: Path, member: str) -> Any:
        return self.run("admin", "council", "sign", str(path), "--from", member, "--yes")

    def submit(self, *paths: Path) -> Any:
        return self.run("admin", "council", "submit", *map(str, paths), "--yes")

    def wait(self, seconds: int) -> None:
        """Let time pass on the ledger and here."""
        self.chain.blocks.append(self.chain.make_block(step_ms=seconds * 1_000))
        self.now_ms += seconds * 1_000


@pytest.fixture
def members(
    tmp_path: Path, prepared_home: Path, governed_by_council: Chain, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Members]:
    monkeypatch.setattr("tests.wallet_cli.chain._execute", council_world.execute)
    chain = governed_by_council.fork()
    node = CouncilNode(chain)
    wallet = Members(tmp_path, chain, node)
    shutil.copytree(prepared_home, wallet.home)
    assert wallet.init().exit_code == 0
    try:
        yield wallet
    finally:
        node.close()


def test_a_decision_goes_from_file_to_ledger(members: Members) -> None:
    path = members.prepare()
    proposed = members.sign(path, "alice")
    assert proposed.exit_code == 0, proposed.output
    assert "has no name for this council" in proposed.stderr
    assert "CurrencyRegistry" in proposed.stderr and "code CHF" in proposed.stderr
    waiting = members.submit(path)
    assert waiting.exit_code == 0, waiting.output
    assert "proposal 1: 1 of 2 members approved" in waiting.stdout
    idle = members.submit(path)
    assert idle.exit_code == 2
    assert "nobody signed anything" in idle.stderr
    approved = members.sign(path, "bob")
    assert approved.exit_code == 0, approved.output
    assert "signed: approve and execute" in approved.stdout
    early = members.submit(path)
    assert early.exit_code == 0, early.output
    assert "is approved and waits until" in early.stdout
    members.wait(DELAY_S)
    done = members.submit(path)
    assert done.exit_code == 0, done.output
    assert "CurrencyCreated" in done.stdout
    assert members.node.view(CURRENCY_REGISTRY, "currencyCount") == (3,)
    again = members.submit(path)
    assert "executed already" in again.stdout


def test_a_council_goes_by_its_name_in_this_wallet(members: Members) -> None:
    assert members.run("contract", "alias", "board", COUNCIL_TEXT, "--abi", "Council").exit_code == 0
    shown = members.json("admin", "config", "show")["data"]
    assert shown["governor"] == f"board {COUNCIL_TEXT}"
    path = members.prepare()
    assert "has no name for this council" not in members.sign(path, "alice").stderr
    grant = members.json("admin", "role", "grant", "EUR", "issuer", "board", "--yes")["data"]["actions"][0]
    assert grant["arguments"]["account"] == f"board {COUNCIL_TEXT}"


def test_preparing_shows_and_tries_with_the_councils_rights(members: Members) -> None:
    result = members.run(*CREATE, "--as", COUNCIL_TEXT, "--prepare", str(members.folder / "x.json"), "--dry-run")
    assert result.exit_code == 0, result.output
    assert f"signs           {COUNCIL_TEXT}" in result.stderr
    assert not (members.folder / "x.json").exists()
    mint = ("admin", "mint", "EUR", "bob", "1 EUR", "--as", COUNCIL_TEXT, "--prepare", "x.json")
    assert members.json(*mint, exit_code=8)["error"]["reason"] == "AccessControlUnauthorizedAccount"


def test_signing_asks_no_network(members: Members) -> None:
    path = members.prepare()
    members.node.calls.clear()
    assert members.sign(path, "alice").exit_code == 0
    assert members.submit(path).exit_code == 0
    members.node.calls.clear()
    assert members.sign(path, "bob").exit_code == 0
    assert members.node.calls == []


def test_an_expired_action_is_not_sent(members: Members) -> None:
    path = members.prepare()
    members.sign(path, "alice")
    members.wait(8 * 86_400)
    refused = members.submit(path)
    assert refused.exit_code == 8
    assert "InvalidExpiry" in refused.stderr
    assert members.node.sent() == []


def test_a_lost_answer_is_submitted_again_without_harm(members: Members) -> None:
    path = members.prepare()
    members.sign(path, "alice")
    members.node.lies["sycee_getFinalityProof"] = lambda _params, _honest: None
    lost = members.run("admin", "council", "submit", str(path), "--yes", "--timeout", "1")
    assert lost.exit_code == 9
    del members.node.lies["sycee_getFinalityProof"]
    assert "1 of 2 members approved" in members.submit(path).stdout
    assert len(set(members.node.sent())) == 1


def test_signatures_made_apart_are_merged(members: Members) -> None:
    path = members.prepare()
    members.sign(path, "alice")
    members.submit(path)
    copy = members.folder / "copy.json"
    shutil.copy(path, copy)
    members.sign(path, "bob")
    members.sign(copy, "alice")
    assert "waits until" in members.submit(copy, path).stdout
    members.wait(DELAY_S)
    assert members.submit(copy).exit_code == 0
    assert members.node.view(CURRENCY_REGISTRY, "currencyCount") == (3,)


def test_a_number_that_the_evidence_does_not_prove_is_not_approved(members: Members) -> None:
    path = members.prepare()
    members.sign(path, "alice")
    members.submit(path)
    content = json.loads(path.read_text())
    content["proposal"]["number"] = 2
    path.write_text(json.dumps(content))
    forged = members.sign(path, "bob")
    assert forged.exit_code == 7
    assert "the file says 2" in forged.stderr


def test_calls_other_than_those_proposed_are_not_approved(members: Members) -> None:
    path = members.prepare()
    members.sign(path, "alice")
    members.submit(path)
    content = json.loads(path.read_text())
    other = members.folder / "other.json"
    grant = ("admin", "config", "account-mode", "registered", "--as", COUNCIL_TEXT, "--prepare", str(other))
    assert members.run(*grant).exit_code == 0
    content["calls"] = json.loads(other.read_text())["calls"]
    path.write_text(json.dumps(content))
    forged = members.sign(path, "bob")
    assert forged.exit_code == 7
    assert "makes other calls than the file says" in forged.stderr


def test_a_stranger_does_not_sign(members: Members) -> None:
    path = members.prepare()
    assert members.run("keys", "import", "mallory", "--stdin", "--light-kdf", stdin="11" * 32).exit_code == 0
    refused = members.sign(path, "mallory")
    assert refused.exit_code == 2
    assert "is no member" in refused.stderr


def test_what_the_wallet_cannot_read_is_signed_only_blindly(members: Members) -> None:
    path = members.prepare()
    content = json.loads(path.read_text())
    content["calls"].append({"to": "0x" + "77" * 20, "data": "0x12345678"})
    path.write_text(json.dumps(content))
    assert members.sign(path, "alice").exit_code == 10
    blind = members.run("admin", "council", "sign", str(path), "--blind", "--yes")
    assert blind.exit_code == 0, blind.output


def test_the_councils_own_changes_are_read_out(members: Members) -> None:
    path = members.prepare()
    content = json.loads(path.read_text())
    data = encode_call(load("Council").interface.function("setDelay"), 60)
    content["calls"] = [{"to": COUNCIL_TEXT, "data": f"0x{data.hex()}"}]
    path.write_text(json.dumps(content))
    shown = members.run("admin", "council", "sign", str(path), "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "the council's own setDelay: delaySeconds 60" in shown.stderr


BROKEN = [
    ("schema", "sycee-council/9"),
    ("calls", []),
    ("members", []),
    ("threshold", -1),
    ("memo", "0x00"),
    ("council", "nowhere"),
    ("signed", [{"step": "approve", "raw": "0x00"}]),
    ("signed", [{"step": "propose", "raw": "0x00"}]),
]


@pytest.mark.parametrize(("field", "value"), BROKEN)
def test_a_broken_file_is_refused_with_its_name(members: Members, field: str, value: object) -> None:
    path = members.prepare()
    content = json.loads(path.read_text())
    content[field] = value
    path.write_text(json.dumps(content))
    refused = members.sign(path, "alice")
    assert refused.exit_code == 2
    assert str(path) in refused.stderr


def test_a_signature_moved_to_another_action_is_refused(members: Members) -> None:
    path = members.prepare()
    members.sign(path, "alice")
    content = json.loads(path.read_text())
    content["expires_at_s"] += 1
    path.write_text(json.dumps(content))
    assert "does something else" in members.submit(path).stderr


def test_files_of_different_actions_are_not_merged(members: Members) -> None:
    path, other = members.prepare(), members.folder / "other.json"
    shutil.copy(path, other)
    content = json.loads(other.read_text())
    content["memo"] = "0x" + "01" * 32
    other.write_text(json.dumps(content))
    assert members.submit(path, other).exit_code == 2


def test_a_file_is_never_overwritten_and_options_belong_together(members: Members) -> None:
    path = members.prepare()
    assert members.run(*CREATE, "--as", COUNCIL_TEXT, "--prepare", str(path)).exit_code == 2
    assert members.run(*CREATE, "--as", COUNCIL_TEXT).exit_code == 2
    assert members.run(*CREATE, "--prepare", "x.json").exit_code == 2


def test_a_batch_is_one_decision(members: Members) -> None:
    lines = members.folder / "actions.txt"
    lines.write_text(
        "config account-mode open\nbank register bob 'Bank B' BANKFRPP 1M\n".replace("bob", "0x" + "ca" * 20)
    )
    path = members.prepare("admin", "batch", str(lines))
    shown = members.run("admin", "council", "sign", str(path), "--dry-run")
    assert "all of: ProtocolConfig" in shown.stderr
    assert "registerBank" in shown.stderr


def test_council_is_shown_with_a_proposal(members: Members) -> None:
    path = members.prepare()
    members.sign(path, "alice")
    members.submit(path)
    shown = members.json("admin", "council", "show", COUNCIL_TEXT, "1")
    assert shown["data"]["threshold"] == "2 of 3"
    assert (shown["data"]["state"], shown["data"]["approvals"]) == ("open", "1 of 2")
    assert shown["proof"]["level"] == "unverified"
    assert members.run("admin", "council", "show", COUNCIL_TEXT, "2").exit_code == 8
    assert members.run("admin", "council", "show", checksum_address(PROTOCOL_CONFIG)).exit_code == 8
    assert members.run("admin", "council", "show", "alice").exit_code == 2


EXAMPLES = [example for command in (show, sign, submit) for example in command.examples]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_does_what_it_says(members: Members, example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(members.folder)
    assert members.run("contract", "alias", "council", COUNCIL_TEXT, "--abi", "Council").exit_code == 0
    path = members.prepare()
    if " sign " not in example:
        members.sign(path, "alice")
        members.submit(path)
        members.sign(path, "bob")
    result = members.run(*shlex.split(example)[1:])
    assert result.exit_code == 0, result.output
