"""web3.py as its documentation shows it: deploy, send, decode failures, search logs, prove, delegate, subscribe.

No middleware, no adapter. Its objects are `Any` here: scripts pass plain dictionaries, which its types do not allow.
Proofs are judged by py-trie and rlp, which share no code with any node.
"""

import asyncio
from functools import partial
from typing import Any

import rlp
from eth_abi.abi import decode, encode
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from trie.hexary import HexaryTrie
from web3 import AsyncWeb3, Web3
from web3.exceptions import ContractCustomError, ContractLogicError, ContractPanicError, TransactionNotFound
from web3.providers.persistent import WebSocketProvider

from tests.clients.scripts.transcript import (
    KEYS,
    finish,
    load_artifacts,
    node_socket_url,
    node_url,
    rejection,
    run_part,
    say,
)

RECEIPT_PATIENCE_S = 30
SOCKET_PATIENCE_S = 20.0
GAS_FOR_REVERTS = 100_000
"""Enough for every call here to fail by itself; with no limit given, the estimate would refuse it first."""
NOBODY = to_checksum_address("0x" + "de" * 20)

OWNER: Any = Account.from_key(KEYS[0])
FRIEND: Any = Account.from_key(KEYS[1])
ARTIFACTS = load_artifacts()


class Client:
    """A stock client, and the token that the parts work with once the first one has deployed it."""

    def __init__(self) -> None:
        self.web3: Any = Web3(Web3.HTTPProvider(node_url()))
        self.coin: Any = None

    def send(self, signer: Any, request: dict[str, Any]) -> Any:
        """Sign and send a request with the next nonce; return the receipt."""
        eth = self.web3.eth
        full = {"from": signer.address, "chainId": eth.chain_id, **request}
        full.setdefault("nonce", eth.get_transaction_count(signer.address, "pending"))
        signed = signer.sign_transaction({key: value for key, value in full.items() if key != "from"})
        transaction_hash = eth.send_raw_transaction(signed.raw_transaction)
        return eth.wait_for_transaction_receipt(transaction_hash, timeout=RECEIPT_PATIENCE_S, poll_latency=0.05)

    def transact(self, call: Any, signer: Any = OWNER, **fields: Any) -> Any:
        """Build a contract call as the library does, sign and send it; return the receipt."""
        nonce = self.web3.eth.get_transaction_count(signer.address, "pending")
        return self.send(signer, call.build_transaction({"from": signer.address, "nonce": nonce, **fields}))

    def deploy(self, name: str, *arguments: object) -> tuple[Any, Any]:
        """Create a contract; return it and its receipt."""
        artifact = ARTIFACTS[name]
        factory = self.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
        receipt = self.transact(factory.constructor(*arguments))
        return self.web3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"]), receipt


def read_network(client: Client) -> None:
    eth = client.web3.eth
    say("connected", client.web3.is_connected(), eth.chain_id == int(client.web3.net.version), eth.syncing)
    block = eth.get_block("latest")
    say(
        "block",
        len(block["hash"]),
        len(block["stateRoot"]),
        len(block["logsBloom"]),
        block["uncles"],
        block["nonce"].hex(),
    )
    say("empty account", eth.get_balance(NOBODY), eth.get_transaction_count(NOBODY), eth.get_code(NOBODY).hex())
    say("unknown transaction", type(rejection(lambda: eth.get_transaction(b"\x01" * 32))).__name__)
    assert isinstance(rejection(lambda: eth.get_transaction_receipt(b"\x01" * 32)), TransactionNotFound)
    say("unknown block", type(rejection(lambda: eth.get_block(2**40))).__name__)
    say("unknown method", type(rejection(lambda: client.web3.manager.request_blocking("eth_nothing", []))).__name__)


def deploy_coin(client: Client) -> None:
    client.coin, receipt = client.deploy("Coin", 1_000_000)
    say("status, gas, logs", receipt["status"], receipt["gasUsed"], len(receipt["logs"]), receipt["to"])
    functions = client.coin.functions
    say("reads", functions.name().call(), functions.decimals().call(), functions.cap().call())
    say("code", len(client.web3.eth.get_code(client.coin.address)))
    admin, minter = functions.DEFAULT_ADMIN_ROLE().call(), functions.MINTER_ROLE().call()
    say("roles", *(functions.hasRole(role, OWNER.address).call() for role in (admin, minter)), minter.hex())


def move_coins(client: Client) -> None:
    functions = client.coin.functions
    minted = client.transact(functions.mint(OWNER.address, 1_000))
    say("mint", minted["status"], minted["gasUsed"])
    moved = client.transact(functions.transfer(FRIEND.address, 30))
    say("transfer", moved["status"], moved["gasUsed"], moved["type"], moved["transactionIndex"])
    [event] = client.coin.events.Transfer().process_receipt(moved)
    say("event", event["args"]["value"], event["event"], event["logIndex"])
    client.transact(functions.approve(FRIEND.address, 10))
    client.transact(functions.transferFrom(OWNER.address, FRIEND.address, 4), FRIEND)
    say("allowance left", functions.allowance(OWNER.address, FRIEND.address).call())
    balances = [functions.balanceOf(account.address).call() for account in (OWNER, FRIEND)]
    say("balances", *balances)
    earlier = functions.balanceOf(FRIEND.address).call(block_identifier=moved["blockNumber"] - 1)
    say("a block earlier", earlier)
    block = client.web3.eth.get_block(moved["blockNumber"], full_transactions=True)
    say("in its block", moved["transactionHash"] in [listed["hash"] for listed in block["transactions"]])


def send_every_kind(client: Client) -> None:
    call = client.coin.functions.transfer(FRIEND.address, 1)
    price = client.web3.eth.gas_price
    slot = "0x" + "00" * 32
    kinds: dict[str, dict[str, Any]] = {
        "legacy": {"gasPrice": price},
        "access list": {
            "gasPrice": price,
            "accessList": [{"address": client.coin.address, "storageKeys": [slot]}],
            "type": 1,
        },
        "dynamic fee": {"maxFeePerGas": 2 * price, "maxPriorityFeePerGas": client.web3.eth.max_priority_fee},
    }
    for name, fields in kinds.items():
        receipt = client.transact(call, **fields)
        say(name, receipt["type"], receipt["status"], receipt["gasUsed"])
        sent = client.web3.eth.get_transaction(receipt["transactionHash"])
        say("read back", sent["type"], len(sent.get("accessList", ())), sent["from"] == OWNER.address)


def delegate(client: Client) -> None:
    eth = client.web3.eth
    lender, _ = client.deploy("Delegate")
    transfers = [client.coin.encode_abi("transfer", [OWNER.address, amount]) for amount in (1, 2)]
    data = lender.encode_abi("execute", [[(client.coin.address, call) for call in transfers]])

    def authorize(address: str) -> Any:
        nonce = eth.get_transaction_count(FRIEND.address)
        signed = FRIEND.sign_authorization({"chainId": eth.chain_id, "address": address, "nonce": nonce + 1})
        fees = {"maxFeePerGas": 2 * eth.gas_price, "maxPriorityFeePerGas": eth.max_priority_fee, "value": 0}
        body = (
            {"to": FRIEND.address, "data": data, "gas": 300_000}
            if int(address, 16)
            else {"to": OWNER.address, "gas": 100_000}
        )
        return client.send(FRIEND, {**body, **fees, "type": 4, "authorizationList": [signed]})

    receipt = authorize(lender.address)
    say("type, status, logs", receipt["type"], receipt["status"], len(receipt["logs"]))
    say("gas", receipt["gasUsed"])
    say("code", eth.get_code(FRIEND.address) == b"\xef\x01\x00" + HexBytes(lender.address))
    say(
        "nonce counts both",
        eth.get_transaction_count(FRIEND.address) == eth.get_transaction(receipt["transactionHash"])["nonce"] + 2,
    )
    lent = eth.contract(address=FRIEND.address, abi=lender.abi)
    say("others", type(rejection(lambda: lent.functions.execute([]).call({"from": OWNER.address}))).__name__)
    authorize("0x" + "00" * 20)
    say("code after", eth.get_code(FRIEND.address).hex() or "none")


def refuse(client: Client) -> None:
    functions = client.coin.functions
    beyond = functions.mint(OWNER.address, 10**9)
    custom = rejection(lambda: beyond.call({"from": OWNER.address}))
    assert isinstance(custom, ContractCustomError), repr(custom)
    signature, values = str(custom.data)[:10], decode(["uint256", "uint256"], HexBytes(str(custom.data))[4:])
    say("custom error", signature == "0x" + keccak(text="CapExceeded(uint256,uint256)")[:4].hex(), *values)
    words = rejection(lambda: functions.failWithWords().call())
    say("words", type(words).__name__, words)
    panic = rejection(lambda: functions.failWithPanic(0).call())
    say("panic", isinstance(panic, ContractPanicError), panic)
    silence = rejection(lambda: functions.failInSilence().call())
    say("silence", isinstance(silence, ContractLogicError), silence)
    estimated = rejection(lambda: beyond.estimate_gas({"from": OWNER.address}))
    say(
        "estimated",
        type(estimated).__name__,
        str(estimated)[:10] if isinstance(estimated, ContractCustomError) else estimated,
    )
    receipt = client.transact(beyond, gas=GAS_FOR_REVERTS)
    say("reverted on chain", receipt["status"], receipt["gasUsed"], len(receipt["logs"]))
    replayed = rejection(lambda: beyond.call({"from": OWNER.address}, block_identifier=receipt["blockNumber"]))
    say("replayed", type(replayed).__name__)
    burnt = client.transact(functions.failByInvalid(), gas=GAS_FOR_REVERTS)
    say("invalid takes all gas", burnt["status"], burnt["gasUsed"])


def search_logs(client: Client) -> None:
    coin, eth = client.coin, client.web3.eth
    receipts = [client.transact(coin.functions.note(*words)) for words in (("rain", "morning"), ("sun", "noon"))]
    first, last = receipts[0]["blockNumber"], receipts[-1]["blockNumber"]
    found = coin.events.Noted().get_logs(from_block=first, to_block=last)
    say("all", *(event["args"]["text"] for event in found))
    by_author = [
        coin.events.Noted().get_logs(from_block=first, to_block=last, argument_filters={"author": account.address})
        for account in (OWNER, FRIEND)
    ]
    say("by author", *(len(events) for events in by_author))
    plain = {"fromBlock": first, "toBlock": last, "address": coin.address}
    say("nobody's", len(eth.get_logs({**plain, "address": NOBODY})))
    topic = HexBytes(keccak(text="Noted(address,string,string)"))
    say("one of two topics", len(eth.get_logs({**plain, "topics": [[topic, b"\x01" * 32]]})))
    say("any then author", len(eth.get_logs({**plain, "topics": [None, b"\0" * 12 + HexBytes(OWNER.address)]})))
    by_hash = eth.get_logs({"blockHash": receipts[1]["blockHash"], "address": coin.address})
    say("by block hash", by_hash == receipts[1]["logs"])


def follow_filters(client: Client) -> None:
    coin, eth = client.coin, client.web3.eth
    events = coin.events.Noted().create_filter(from_block="latest")
    blocks = eth.filter("latest")
    events.get_new_entries()
    receipt = client.transact(coin.functions.note("filter", "found by filter"))
    say("new events", *(event["args"]["text"] for event in events.get_new_entries()))
    say("no more", events.get_new_entries())
    say("new blocks", receipt["blockHash"] in blocks.get_new_entries())
    say("removed", eth.uninstall_filter(events.filter_id), eth.uninstall_filter(events.filter_id))


def estimate(client: Client) -> None:
    call = client.coin.functions.transfer(FRIEND.address, 1)
    gas = call.estimate_gas({"from": OWNER.address})
    receipt = client.transact(call, gas=gas)
    say("is enough", receipt["status"], receipt["gasUsed"] <= gas)
    built = call.build_transaction({"from": OWNER.address})
    listed = client.web3.eth.create_access_list({key: built[key] for key in ("from", "to", "data")})
    [entry] = listed["accessList"]
    say("list", entry["address"] == client.coin.address, len(entry["storageKeys"]))
    history = client.web3.eth.fee_history(2, "latest", [50])
    say("fee history", len(history["baseFeePerGas"]), len(history["gasUsedRatio"]), len(history["reward"]))
    say("ratios", all(0 <= ratio <= 1 for ratio in history["gasUsedRatio"]))


def count_nonces(client: Client) -> None:
    eth, call = client.web3.eth, client.coin.functions.transfer(FRIEND.address, 1)
    nonce = eth.get_transaction_count(OWNER.address)
    low = rejection(lambda: client.send(OWNER, build(client, call, nonce - 1)))
    say("low", type(low).__name__, "nonce too low" in str(low).lower())
    hashes = []
    for place in (nonce + 1, nonce):
        signed = OWNER.sign_transaction(build(client, call, place))
        hashes.append(eth.send_raw_transaction(signed.raw_transaction))
    receipts = [
        eth.wait_for_transaction_receipt(sent, timeout=RECEIPT_PATIENCE_S, poll_latency=0.05) for sent in hashes
    ]
    say("out of order", *(receipt["status"] for receipt in receipts))
    say("counted", eth.get_transaction_count(OWNER.address) - nonce)


def build(client: Client, call: Any, nonce: int) -> dict[str, Any]:
    """Return an unsigned call with a nonce of its own."""
    request: dict[str, Any] = call.build_transaction({"from": OWNER.address, "nonce": nonce, "gas": GAS_FOR_REVERTS})
    return request


def create_at_known_address(client: Client) -> None:
    eth = client.web3.eth
    factory, _ = client.deploy("VaultFactory")
    salt = keccak(text="salt")
    code = HexBytes(ARTIFACTS["Vault"]["bytecode"]) + encode(["address", "uint256"], [OWNER.address, 7])
    digest = keccak(b"\xff" + HexBytes(factory.address) + salt + keccak(code))
    expected = to_checksum_address(digest[12:])
    receipt = client.transact(factory.functions.create(salt, OWNER.address, 7))
    [created] = factory.events.Created().process_receipt(receipt)
    say("where it was computed", created["args"]["vault"] == expected)
    say("slot", int.from_bytes(eth.get_storage_at(expected, 0)), eth.get_transaction_count(expected))
    again = client.transact(factory.functions.create(salt, OWNER.address, 7), gas=500_000)
    say("again", again["status"])


def prove(client: Client) -> None:
    eth = client.web3.eth
    keeper, _ = client.deploy("Surroundings")
    for slot in range(8):
        receipt = client.transact(keeper.functions.write(slot, 1_000 + slot))
    slots = [int.from_bytes(keccak(encode(["uint256", "uint256"], [slot, 0]))) for slot in range(10)]
    proof = eth.get_proof(keeper.address, slots, receipt["blockNumber"])
    root = eth.get_block(receipt["blockNumber"])["stateRoot"]
    account = rlp.decode(proven(root, keccak(HexBytes(keeper.address)), proof["accountProof"]))
    code_hash = keccak(eth.get_code(keeper.address))
    say(
        "account",
        account[0].hex(),
        account[1].hex() or "no balance",
        account[2] == proof["storageHash"],
        account[3] == code_hash,
    )
    values = []
    for slot, claim in zip(slots, proof["storageProof"], strict=True):
        leaf = proven(proof["storageHash"], keccak(slot.to_bytes(32)), claim["proof"])
        values.append(int.from_bytes(rlp.decode(leaf)) if leaf else 0)
    say("storage", *values, proof["storageHash"].hex())
    absent = eth.get_proof(NOBODY, [], receipt["blockNumber"])
    say("absent", proven(root, keccak(HexBytes(NOBODY)), absent["accountProof"]) == b"", absent["balance"])


def proven(root: bytes, key: bytes, proof: list[bytes]) -> bytes:
    """Return what `proof` says is at `key` under `root`; empty when it proves absence."""
    value: bytes = HexaryTrie.get_from_proof(root, key, [rlp.decode(bytes(node)) for node in proof])  # type: ignore[no-untyped-call]  # no types
    return value


def follow_over_socket(client: Client) -> None:
    asyncio.run(asyncio.wait_for(subscribe(client), SOCKET_PATIENCE_S))


async def subscribe(client: Client) -> None:
    """Subscribe to heads and to one contract's events, cause one event, and say what arrives."""
    async with AsyncWeb3(WebSocketProvider(node_socket_url())) as socket:
        say("chain", await socket.eth.chain_id == client.web3.eth.chain_id)
        heads: Any = await socket.eth.subscribe("newHeads")
        logs: Any = await socket.eth.subscribe("logs", {"address": client.coin.address})
        call = client.coin.functions.note("socket", "heard over the socket")
        receipt = await asyncio.to_thread(client.transact, call)
        awaited = {heads: "head", logs: "log"}
        heard: dict[str, Any] = {}
        async for message in socket.socket.process_subscriptions():
            result: Any = message["result"]
            kind = awaited[message["subscription"]]
            if kind == "log" or result["hash"] == receipt["blockHash"]:
                heard[kind] = result
            if len(heard) == len(awaited):
                break
        say("head", len(heard["head"]["stateRoot"]), heard["head"]["number"] == receipt["blockNumber"])
        say("log", heard["log"]["transactionHash"] == receipt["transactionHash"], len(heard["log"]["topics"]))
        say("ended", await socket.eth.unsubscribe(heads), await socket.eth.unsubscribe(logs))


def main() -> None:
    """Run every part against the node of the environment."""
    client = Client()
    for name, run in {
        "network": read_network,
        "deploy": deploy_coin,
        "send": move_coins,
        "kinds": send_every_kind,
        "delegation": delegate,
        "failures": refuse,
        "logs": search_logs,
        "filters": follow_filters,
        "estimate": estimate,
        "nonces": count_nonces,
        "create2": create_at_known_address,
        "proof": prove,
        "socket": follow_over_socket,
    }.items():
        run_part(name, partial(run, client))
    finish()


if __name__ == "__main__":
    main()
