"""The contracts on a running network, deployed and called with web3.py and the committed artifacts alone."""

import json
from collections.abc import Iterator
from hashlib import sha256
from importlib import resources
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.exceptions import ContractCustomError
from web3.logs import DISCARD

from tests.e2e.cluster import Cluster, running_devnet

pytestmark = pytest.mark.e2e

RPC_PORT = 11_600
RECEIPT_PATIENCE_S = 30
ALICE: Any = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
BOB: Any = Account.from_key("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
SECRET = bytes(range(32))
MEMO = b"trade 17".ljust(32, b"\0")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four validators."""
    with running_devnet(tmp_path_factory.mktemp("settlement") / "devnet", RPC_PORT) as running:
        yield running


@pytest.fixture(scope="module")
def web3(cluster: Cluster) -> Any:
    """A stock client of the first validator."""
    return Web3(Web3.HTTPProvider(cluster.urls[0]))


def artifact(name: str) -> Any:
    """Return an artifact as any tool reads it."""
    return json.loads((resources.files("contracts") / "artifacts" / f"{name}.json").read_text("utf-8"))


def currency(web3: Any, cluster: Cluster, code: str) -> Any:
    """Return a currency of the network."""
    facts = json.loads((cluster.folder / "devnet.json").read_text())
    [address] = [entry["address"] for entry in facts["currencies"] if entry["code"] == code]
    return web3.eth.contract(address=to_checksum_address(address), abi=artifact("Currency")["abi"])


def send(web3: Any, account: Any, call: Any) -> Any:
    """Sign a call or a deployment, send it, and return its receipt, which is final."""
    nonce = web3.eth.get_transaction_count(account.address, "pending")
    signed = account.sign_transaction(call.build_transaction({"from": account.address, "nonce": nonce}))
    receipt = web3.eth.wait_for_transaction_receipt(
        web3.eth.send_raw_transaction(signed.raw_transaction), timeout=RECEIPT_PATIENCE_S
    )
    assert receipt["status"] == 1
    return receipt


def refusal(web3: Any, call: Any) -> str:
    """Return how the node names the error of a call, of which web3.py has the data."""
    with pytest.raises(ContractCustomError) as refused:
        call.call({"from": ALICE.address})
    request = {"from": ALICE.address, "to": call.address, "data": call._encode_transaction_data()}
    error = web3.provider.make_request("eth_call", [request, "latest"])["error"]
    assert error["data"] == refused.value.data
    return str(error["message"]).removeprefix("execution reverted: ")


def deploy(web3: Any, name: str) -> Any:
    """Deploy a contract as Alice."""
    made = artifact(name)
    factory = web3.eth.contract(abi=made["abi"], bytecode=made["bytecode"])
    receipt = send(web3, ALICE, factory.constructor())
    # Immutable values follow the code.
    assert web3.eth.get_code(receipt["contractAddress"]).hex().startswith(made["deployedBytecode"][2:])
    return web3.eth.contract(address=receipt["contractAddress"], abi=made["abi"])


def test_a_secret_moves_locked_euros_and_another_is_refused_by_name(web3: Any, cluster: Cluster) -> None:
    euro, timelock = currency(web3, cluster, "EUR"), deploy(web3, "HashedTimelock")
    before = euro.functions.balanceOf(BOB.address).call()
    send(web3, ALICE, euro.functions.approve(timelock.address, 500))
    expires_at = web3.eth.get_block("latest")["timestamp"] + 3_600
    terms = (euro.address, BOB.address, 500, sha256(SECRET).digest(), 1, expires_at, MEMO)
    receipt = send(web3, ALICE, timelock.functions.lock(*terms))
    [locked] = timelock.events.Locked().process_receipt(receipt, errors=DISCARD)
    assert (locked["args"]["lockId"], locked["args"]["memo"]) == (1, MEMO)
    assert refusal(web3, timelock.functions.claim(1, bytes(32))).startswith("WrongSecret(lockId=1, digest=0x")
    receipt = send(web3, BOB, timelock.functions.claim(1, SECRET))
    [claimed] = timelock.events.Claimed().process_receipt(receipt, errors=DISCARD)
    assert claimed["args"] == {"lockId": 1, "secret": SECRET}
    assert euro.functions.balanceOf(BOB.address).call() == before + 500


def test_two_signatures_exchange_euros_for_yuan_in_one_transaction(web3: Any, cluster: Cluster) -> None:
    euro, yuan = currency(web3, cluster, "EUR"), currency(web3, cluster, "CNY")
    engine = deploy(web3, "SettlementEngine")
    parties = (ALICE.address, BOB.address)
    before = [token.functions.balanceOf(party).call() for token in (euro, yuan) for party in parties]
    send(web3, ALICE, euro.functions.approve(engine.address, 90))
    send(web3, BOB, yuan.functions.approve(engine.address, 700))
    legs = [(euro.address, *parties, 90), (yuan.address, *reversed(parties), 700)]
    terms = (legs, web3.eth.get_block("latest")["timestamp"] + 3_600, MEMO, 1)
    digest = engine.functions.digestOf(*terms).call()
    consents = [(account.address, bytes(account.unsafe_sign_hash(digest).signature)) for account in (ALICE, BOB)]
    receipt = send(web3, ALICE, engine.functions.settleNow(*terms, consents))
    [settled] = engine.events.SettledNow().process_receipt(receipt, errors=DISCARD)
    assert settled["args"] == {"digest": digest, "memo": MEMO}
    after = [token.functions.balanceOf(party).call() for token in (euro, yuan) for party in parties]
    assert [new - old for old, new in zip(before, after)] == [-90, 90, 700, -700]
    assert refusal(web3, engine.functions.settleNow(*terms, consents)) == f"ConsentUsed(digest=0x{digest.hex()})"
