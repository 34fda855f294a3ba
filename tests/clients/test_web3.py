"""web3.py as anybody writes it: no middleware, no adapter, an ERC-20 interface from the textbook.

Its objects are `Any` here: scripts pass plain dictionaries, which its own types do not allow.
Proofs are judged by py-trie and rlp, which share no code with the node.
"""

import json
from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from trie.exceptions import BadTrieProof
from trie.hexary import HexaryTrie
from web3 import Web3
from web3.exceptions import ContractCustomError, TransactionNotFound, Web3RPCError

from tests.e2e.cluster import Cluster

pytestmark = pytest.mark.e2e

CHAIN_ID = 23_790
ALICE: Any = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
BOB = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
NOBODY = "0x00000000000000000000000000000000DeaDBeef"
RECEIPT_PATIENCE_S = 30
EMPTY_CODE_HASH = keccak(b"")

ERC20_ABI: list[dict[str, Any]] = json.loads("""[
 {"type":"function","name":"symbol","inputs":[],"outputs":[{"name":"","type":"string"}],"stateMutability":"view"},
 {"type":"function","name":"decimals","inputs":[],"outputs":[{"name":"","type":"uint8"}],"stateMutability":"view"},
 {"type":"function","name":"balanceOf","inputs":[{"name":"account","type":"address"}],
  "outputs":[{"name":"","type":"uint256"}],"stateMutability":"view"},
 {"type":"function","name":"transfer","inputs":[{"name":"to","type":"address"},{"name":"amount","type":"uint256"}],
  "outputs":[{"name":"","type":"bool"}],"stateMutability":"nonpayable"},
 {"type":"event","name":"Transfer","anonymous":false,"inputs":[{"name":"from","type":"address","indexed":true},
  {"name":"to","type":"address","indexed":true},{"name":"value","type":"uint256","indexed":false}]}
]""")


@pytest.fixture(scope="module")
def web3(cluster: Cluster) -> Any:
    """A stock client of the first validator."""
    return Web3(Web3.HTTPProvider(cluster.urls[0]))


@pytest.fixture(scope="module")
def euro(web3: Any, cluster: Cluster) -> Any:
    """The euro, found as a program finds it: in devnet.json."""
    facts = json.loads((cluster.folder / "devnet.json").read_text())
    [address] = [entry["address"] for entry in facts["currencies"] if entry["code"] == "EUR"]
    return web3.eth.contract(address=to_checksum_address(address), abi=ERC20_ABI)


def pay(web3: Any, euro: Any, amount: int, **fields: Any) -> Any:
    """Pay bob from alice and return the final receipt. `fields` override what web3.py fills in."""
    nonce = web3.eth.get_transaction_count(ALICE.address, "pending")
    request = euro.functions.transfer(BOB, amount).build_transaction({"from": ALICE.address, "nonce": nonce, **fields})
    signed = ALICE.sign_transaction(request)
    transaction_hash = web3.eth.send_raw_transaction(signed.raw_transaction)
    return web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=RECEIPT_PATIENCE_S)


def test_the_network_introduces_itself(web3: Any, euro: Any) -> None:
    assert web3.is_connected()
    assert web3.eth.chain_id == CHAIN_ID
    assert web3.net.version == str(CHAIN_ID)
    assert web3.client_version.startswith("Sycee/")
    assert web3.eth.syncing is False
    assert (web3.eth.gas_price, web3.eth.max_priority_fee) == (0, 0)
    assert (euro.functions.symbol().call(), euro.functions.decimals().call()) == ("EUR", 2)


def test_a_transfer_built_and_signed_by_the_library_is_final_with_its_event(web3: Any, euro: Any) -> None:
    before = euro.functions.balanceOf(BOB).call()

    receipt = pay(web3, euro, 1_234)

    assert receipt["status"] == 1
    assert receipt["effectiveGasPrice"] == 0
    assert euro.functions.balanceOf(BOB).call() == before + 1_234
    assert euro.functions.balanceOf(BOB).call(block_identifier=receipt["blockNumber"] - 1) == before
    [event] = euro.events.Transfer().process_receipt(receipt)
    assert event["args"] == {"from": ALICE.address, "to": BOB, "value": 1_234}
    transaction = web3.eth.get_transaction(receipt["transactionHash"])
    assert (transaction["from"], transaction["to"]) == (ALICE.address, euro.address)
    block = web3.eth.get_block(receipt["blockNumber"], full_transactions=True)
    assert block["hash"] == receipt["blockHash"]
    assert transaction["hash"] in [listed["hash"] for listed in block["transactions"]]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"gasPrice": 0}, 0),
        ({"gasPrice": 7}, 0),
        ({"gasPrice": 0, "type": 1, "accessList": []}, 1),
        ({"maxFeePerGas": 0, "maxPriorityFeePerGas": 0}, 2),
        ({"maxFeePerGas": 10**9, "maxPriorityFeePerGas": 10**9}, 2),
    ],
    ids=["legacy", "legacy-offering-a-fee", "access-list", "dynamic-fee", "dynamic-fee-offering-a-fee"],
)
def test_every_transaction_type_pays(web3: Any, euro: Any, fields: dict[str, Any], kind: int) -> None:
    before = euro.functions.balanceOf(BOB).call()

    receipt = pay(web3, euro, 5, **fields)

    assert (receipt["status"], receipt["type"], receipt["effectiveGasPrice"]) == (1, kind, 0)
    assert euro.functions.balanceOf(BOB).call() == before + 5


def test_logs_are_found_by_contract_event_and_by_plain_filter(web3: Any, euro: Any) -> None:
    receipt = pay(web3, euro, 77)
    height = receipt["blockNumber"]

    [event] = euro.events.Transfer().get_logs(
        from_block=height, to_block=height, argument_filters={"from": ALICE.address, "value": 77}
    )
    plain = web3.eth.get_logs(
        {
            "fromBlock": height,
            "toBlock": height,
            "address": euro.address,
            "topics": [HexBytes(keccak(text="Transfer(address,address,uint256)"))],
        }
    )
    none = web3.eth.get_logs({"fromBlock": height, "toBlock": height, "address": to_checksum_address(NOBODY)})

    assert event["transactionHash"] == receipt["transactionHash"]
    assert receipt["logs"][0] in plain
    assert none == []


def test_a_proof_leads_from_the_balance_to_the_header_by_foreign_code(web3: Any, euro: Any) -> None:
    receipt = pay(web3, euro, 1)
    height = receipt["blockNumber"]
    header = web3.eth.get_block(height)

    # A slot that holds something: the account's own storage tells which, so search the first mapping slots.
    slots = [int.from_bytes(keccak(HexBytes(BOB).rjust(32, b"\0") + index.to_bytes(32, "big"))) for index in range(32)]
    proof = web3.eth.get_proof(euro.address, slots, height)

    root = header["stateRoot"]
    account_rlp = proven_value(root, keccak(HexBytes(euro.address)), proof["accountProof"])
    nonce, balance, storage_root, code_hash = rlp.decode(account_rlp)
    assert int.from_bytes(nonce) == proof["nonce"]
    assert int.from_bytes(balance) == proof["balance"] == 0
    assert (storage_root, code_hash) == (proof["storageHash"], proof["codeHash"])
    values = []
    for slot, claim in zip(slots, proof["storageProof"], strict=True):
        key = keccak(slot.to_bytes(32, "big"))
        proven = proven_value(storage_root, key, claim["proof"])
        value = int.from_bytes(rlp.decode(proven)) if proven else 0
        assert value == int.from_bytes(HexBytes(claim["value"]))
        values.append(value)
    # The balance is packed with flags, so the number itself is the low bits of one of the words.
    bob_cents = euro.functions.balanceOf(BOB).call(block_identifier=height)
    assert any(value & (2**128 - 1) == bob_cents for value in values if value)

    absent = web3.eth.get_proof(to_checksum_address(NOBODY), [], height)
    assert proven_value(root, keccak(HexBytes(NOBODY)), absent["accountProof"]) == b""
    other_root = web3.eth.get_block(height - 1)["stateRoot"]
    assert other_root != root
    with pytest.raises(BadTrieProof):
        proven_value(other_root, keccak(HexBytes(euro.address)), proof["accountProof"])


def proven_value(root: Any, key: bytes, proof: Any) -> bytes:
    """Return what py-trie finds under `key`; nothing when the proof shows that it is absent."""
    nodes = [rlp.decode(bytes(node)) for node in proof]
    return bytes(HexaryTrie.get_from_proof(root, key, nodes))  # type: ignore[no-untyped-call]  # py-trie has no types


def test_an_estimate_is_what_the_payment_uses(web3: Any, euro: Any) -> None:
    estimate = euro.functions.transfer(BOB, 3).estimate_gas({"from": ALICE.address})

    receipt = pay(web3, euro, 3, gas=estimate)

    assert receipt["status"] == 1
    assert receipt["gasUsed"] <= estimate


def test_a_revert_is_told_by_name_and_values_before_and_after_sending(web3: Any, euro: Any) -> None:
    too_much = euro.functions.balanceOf(ALICE.address).call() + 1
    error_abi = {
        "type": "error",
        "name": "ERC20InsufficientBalance",
        "inputs": [
            {"name": "sender", "type": "address"},
            {"name": "balance", "type": "uint256"},
            {"name": "needed", "type": "uint256"},
        ],
    }
    with_error = web3.eth.contract(address=euro.address, abi=[*ERC20_ABI, error_abi])
    selector = keccak(text="ERC20InsufficientBalance(address,uint256,uint256)")[:4]

    with pytest.raises(ContractCustomError) as refused:
        with_error.functions.transfer(BOB, too_much).call({"from": ALICE.address})
    with pytest.raises(ContractCustomError):
        with_error.functions.transfer(BOB, too_much).estimate_gas({"from": ALICE.address})
    receipt = pay(web3, euro, too_much, gas=200_000)

    data = HexBytes(str(refused.value.data))
    assert data[:4] == selector
    assert web3.codec.decode(["address", "uint256", "uint256"], data[4:]) == (
        ALICE.address.lower(),
        too_much - 1,
        too_much,
    )
    assert receipt["status"] == 0
    assert receipt["logs"] == []
    reason = web3.provider.make_request("sycee_getRevertReason", [receipt["transactionHash"].to_0x_hex()])
    assert "ERC20InsufficientBalance" in json.dumps(reason["result"])


def test_a_batch_answers_every_request_in_order(web3: Any, euro: Any) -> None:
    with web3.batch_requests() as batch:
        batch.add(web3.eth.get_block("latest"))
        batch.add(euro.functions.balanceOf(BOB))
        batch.add(euro.functions.decimals())
        batch.add(web3.eth.get_transaction_count(ALICE.address))
        block, balance, decimals, count = batch.execute()

    assert block["number"] >= 1
    assert (balance, decimals) == (euro.functions.balanceOf(BOB).call(), 2)
    assert count == web3.eth.get_transaction_count(ALICE.address)


def test_refusals_come_in_the_words_the_library_knows(web3: Any, euro: Any) -> None:
    pay(web3, euro, 1)
    used = euro.functions.transfer(BOB, 2).build_transaction({"from": ALICE.address, "nonce": 0, "gas": 100_000})
    elsewhere = {**used, "chainId": 1, "nonce": web3.eth.get_transaction_count(ALICE.address)}

    with pytest.raises(Web3RPCError, match="nonce too low"):
        web3.eth.send_raw_transaction(ALICE.sign_transaction(used).raw_transaction)
    with pytest.raises(Web3RPCError, match="chain"):
        web3.eth.send_raw_transaction(ALICE.sign_transaction(elsewhere).raw_transaction)
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction_receipt(HexBytes(b"\x01" * 32))
