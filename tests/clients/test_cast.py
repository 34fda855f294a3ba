"""Foundry's cast as its manual shows it: no flag, no adapter beyond the address of the node.

`tests/clients/install_tools.sh` installs it; SYCEE_CAST names another copy.
"""

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
import rlp
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from trie.hexary import HexaryTrie

from contracts.addresses import currency_address
from tests.clients.tools import find_tools
from tests.e2e.cluster import PATIENCE_S, Cluster, is_running

pytestmark = pytest.mark.e2e

EURO = "0x" + currency_address(2).hex()
BOB = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BOB_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
CAROL = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
TRANSFER = "transfer(address,uint256)"
TRANSFER_EVENT = "Transfer(address indexed,address indexed,uint256)"
TOO_MUCH = str(10**20)


def find_cast() -> str | None:
    """Return the program: what SYCEE_CAST names, what the script installed, or what PATH has."""
    tools = find_tools()
    installed = None if tools is None else str(tools.program("cast"))
    return os.environ.get("SYCEE_CAST") or installed or shutil.which("cast")


@pytest.fixture(scope="module")
def program() -> str:
    found = find_cast()
    if found is None:
        pytest.skip("not run: cast is not installed")
    return found


@pytest.fixture(scope="module")
def cast(program: str, cluster: Cluster) -> "Cast":
    """cast, pointed at the second validator."""
    assert is_running(cluster.folder / "devnet.json")
    return Cast(program, cluster.urls[1])


class Cast:
    """One program and the node it talks to."""

    def __init__(self, program: str, url: str) -> None:
        self._program = program
        self._url = url

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, *arguments],
            env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "ETH_RPC_URL": self._url},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def ask(self, *arguments: str) -> str:
        """Return what the command prints.

        Raises: AssertionError with the program's words when it fails.
        """
        done = self.run(*arguments)
        assert done.returncode == 0, f"cast {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def pay(self, amount: int, *options: str) -> Any:
        """Let bob pay carol; return the receipt."""
        return json.loads(
            self.ask("send", EURO, TRANSFER, CAROL, str(amount), "--private-key", BOB_KEY, "--json", *options)
        )

    def balance_of(self, account: str) -> int:
        """Return a balance in cents; cast adds a reading aid such as [1e8] after large numbers."""
        return int(self.ask("call", EURO, "balanceOf(address)(uint256)", account).split()[0])


def test_it_reads_the_chain(cast: Cast) -> None:
    assert cast.ask("chain-id") == "23790"
    assert cast.ask("client").startswith("Sycee/")
    assert int(cast.ask("block-number")) >= 1
    block = json.loads(cast.ask("block", "latest", "--json"))
    assert len(HexBytes(block["stateRoot"])) == 32
    assert cast.ask("block", "finalized", "--field", "stateRoot").startswith("0x")
    assert (cast.ask("gas-price"), cast.ask("base-fee"), cast.ask("balance", BOB)) == ("0", "0", "0")
    assert cast.ask("rpc", "eth_chainId") == '"0x5cee"'


def test_it_reads_a_currency(cast: Cast) -> None:
    assert cast.ask("call", EURO, "symbol()(string)") == '"EUR"'
    assert cast.ask("call", EURO, "decimals()(uint8)") == "2"
    assert cast.ask("code", EURO) == "0xfe"
    assert cast.balance_of(BOB) > 0
    assert cast.ask("erc20-token", "balance", EURO, BOB).split()[0] == str(cast.balance_of(BOB))


@pytest.mark.parametrize(
    ("options", "kind"),
    [((), "0x2"), (("--legacy",), "0x0"), (("--access-list", "[]"), "0x2"), (("--gas-price", "5gwei"), "0x2")],
    ids=["dynamic-fee", "legacy", "with-access-list", "offering-a-fee"],
)
def test_it_pays_with_every_kind_of_fee(cast: Cast, options: tuple[str, ...], kind: str) -> None:
    before, nonce = cast.balance_of(CAROL), int(cast.ask("nonce", BOB))

    sent = cast.pay(321, *options)

    receipt = json.loads(cast.ask("receipt", sent["transactionHash"], "--json"))
    assert (receipt["status"], receipt["effectiveGasPrice"]) == ("0x1", "0x0")
    assert receipt["type"] == kind
    assert receipt["blockHash"] == sent["blockHash"]
    assert cast.balance_of(CAROL) == before + 321
    assert int(cast.ask("nonce", BOB)) == nonce + 1
    assert cast.ask("tx", sent["transactionHash"], "from") == BOB


def test_it_finds_the_event_by_name_and_topic(cast: Cast) -> None:
    receipt = cast.pay(654)
    height = str(int(receipt["blockNumber"], 16))
    where = ("logs", "--json", "--address", EURO, "--from-block", height, "--to-block", height, TRANSFER_EVENT)

    found = json.loads(cast.ask(*where, BOB))
    of_nobody = json.loads(cast.ask(*where, "0x" + "ee" * 20))

    assert [log["transactionHash"] for log in found] == [receipt["transactionHash"]]
    assert int(found[0]["data"], 16) == 654
    assert of_nobody == []


def test_its_proof_leads_to_the_state_root(cast: Cast) -> None:
    height = cast.ask("block-number")

    proof = json.loads(cast.ask("proof", EURO, "--block", height))

    root = HexBytes(cast.ask("block", height, "--field", "stateRoot"))
    nodes = [rlp.decode(bytes(HexBytes(node))) for node in proof["accountProof"]]
    key = keccak(HexBytes(EURO))
    account = rlp.decode(HexaryTrie.get_from_proof(root, key, nodes))  # type: ignore[no-untyped-call]  # no types
    assert account[2:] == [HexBytes(proof["storageHash"]), HexBytes(proof["codeHash"])]


def test_its_estimate_is_exact(cast: Cast) -> None:
    estimate = int(cast.ask("estimate", EURO, TRANSFER, CAROL, "5", "--from", BOB))

    receipt = cast.pay(5, "--gas-limit", str(estimate))

    assert (receipt["status"], int(receipt["gasUsed"], 16)) == ("0x1", estimate)


def test_it_shows_why_a_payment_is_refused(cast: Cast) -> None:
    transfer = (EURO, TRANSFER, CAROL, TOO_MUCH)

    called = cast.run("call", *transfer, "--from", BOB)
    sent = cast.run("send", *transfer, "--private-key", BOB_KEY)

    for refused in (called, sent):
        assert refused.returncode != 0
        assert "error code 3: execution reverted: ERC20InsufficientBalance(sender=0x" in refused.stderr
        assert f"needed={TOO_MUCH}" in refused.stderr


def test_a_transaction_made_offline_is_published_once(cast: Cast) -> None:
    before = cast.balance_of(CAROL)
    raw = cast.ask("mktx", EURO, TRANSFER, CAROL, "9", "--private-key", BOB_KEY)

    receipts = [json.loads(cast.ask("publish", raw)) for _ in range(2)]

    assert receipts[0]["transactionHash"] == receipts[1]["transactionHash"]
    assert cast.balance_of(CAROL) == before + 9
