"""Stock web3.py without middleware against the server, over HTTP on loopback."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from web3 import HTTPProvider, Web3
from web3.exceptions import BlockNotFound, ContractCustomError, TransactionNotFound, Web3RPCError

from node.rpc.methods import RpcLimits
from tests.node.rpc.fakes import (
    ALICE,
    ALICE_ADDRESS,
    BALANCE_MINOR,
    BOB_ADDRESS,
    CHAIN_ID,
    EUR,
    TRANSFER_TOPIC,
    FakeBackend,
    sign,
    small_chain,
    transfer_data,
)
from tests.node.rpc.serving import serving

ERC20 = [
    {
        "type": "function",
        "name": "transfer",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
        "outputs": [{"name": "", "type": "bool"}],
    },
    {
        "type": "event",
        "name": "Transfer",
        "anonymous": False,
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "value", "type": "uint256", "indexed": False},
        ],
    },
]


async def with_web3(script: Callable[[Any], Any], backend: FakeBackend, limits: RpcLimits | None = None) -> Any:
    """Run a synchronous script as users write it, in a thread beside the server."""
    async with serving(backend, limits) as served:
        web3 = Web3(HTTPProvider(served.url))
        outcome = await asyncio.to_thread(script, web3)
        assert served.recorder.incidents == []
        return outcome


@pytest.mark.asyncio
async def test_payment_is_built_sent_followed_and_found() -> None:
    def script(web3: Any) -> None:
        currency = web3.eth.contract(Web3.to_checksum_address(EUR), abi=ERC20)
        transfer = currency.functions.transfer(Web3.to_checksum_address(BOB_ADDRESS), 12)
        nonce = web3.eth.get_transaction_count(ALICE.address, "pending")
        unsigned = transfer.build_transaction({"from": ALICE.address, "nonce": nonce})
        assert unsigned["chainId"] == CHAIN_ID
        assert unsigned["maxFeePerGas"] == 0
        sent = web3.eth.send_raw_transaction(ALICE.sign_transaction(unsigned).raw_transaction)
        receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=5, poll_latency=0.01)
        assert receipt["status"] == 1
        assert receipt["effectiveGasPrice"] == 0
        [event] = currency.events.Transfer().process_receipt(receipt)
        assert event["args"]["value"] == 12
        [log] = currency.events.Transfer().get_logs(from_block=1)
        assert log["transactionHash"] == sent
        transaction = web3.eth.get_transaction(sent)
        assert transaction["from"] == ALICE.address
        block = web3.eth.get_block(receipt["blockNumber"], full_transactions=True)
        assert block["hash"] == receipt["blockHash"]
        assert block["transactions"][0] == transaction
        assert web3.eth.get_transaction_count(ALICE.address) == 1

    await with_web3(script, FakeBackend(seals_itself=True))


@pytest.mark.asyncio
async def test_blocks_fees_and_proofs_parse_without_middleware() -> None:
    def script(web3: Any) -> None:
        assert web3.eth.chain_id == CHAIN_ID
        assert web3.eth.syncing is False
        assert web3.eth.gas_price == web3.eth.max_priority_fee == 0
        assert web3.eth.accounts == []
        assert web3.net.version == str(CHAIN_ID)
        history = web3.eth.fee_history(2, "latest", [10, 90])
        assert history["baseFeePerGas"] == [0, 0, 0]
        assert history["reward"] == [[0, 0], [0, 0]]
        assert web3.eth.get_block("earliest")["number"] == 0
        assert web3.eth.get_block("pending")["hash"] is None
        assert web3.eth.get_block_transaction_count(1) == 3
        assert web3.eth.get_code(Web3.to_checksum_address(EUR)) == b"\xfe"
        assert web3.eth.get_storage_at(Web3.to_checksum_address(EUR), 0)[-2:] == b"\x02\x00"
        proof = web3.eth.get_proof(Web3.to_checksum_address(EUR), [0, 5], "latest")
        assert [slot["value"] for slot in proof["storageProof"]] == [b"\x02\x00", b"\x00"]
        receipts = web3.eth.get_block_receipts(2)
        assert [receipt["status"] for receipt in receipts] == [1, 0]
        logs = web3.eth.get_logs({"fromBlock": 1, "toBlock": "latest", "topics": [Web3.to_hex(TRANSFER_TOPIC)]})
        assert [log["logIndex"] for log in logs] == [0, 1, 2, 0]
        assert web3.eth.get_raw_transaction(logs[0]["transactionHash"]) == sign(ALICE, 0)

    await with_web3(script, small_chain())


@pytest.mark.asyncio
async def test_errors_arrive_as_the_exceptions_users_catch() -> None:
    def script(web3: Any) -> None:
        call: Any = {
            "from": ALICE.address,
            "to": Web3.to_checksum_address(EUR),
            "data": Web3.to_hex(transfer_data(BOB_ADDRESS, BALANCE_MINOR + 1)),
        }
        with pytest.raises(ContractCustomError) as reverted:
            web3.eth.call(call)
        assert str(reverted.value.data).startswith("0xe450d38c")
        with pytest.raises(ContractCustomError):
            web3.eth.estimate_gas(call)
        # Anything but a revert must not look like one.
        with pytest.raises(Web3RPCError, match="execution_failed"):
            web3.eth.call({"from": ALICE.address, "data": "0x60"})
        with pytest.raises(Web3RPCError, match="nonce too low"):
            web3.eth.send_raw_transaction(sign(ALICE, 0, gas=99_999))
        with pytest.raises(BlockNotFound):
            web3.eth.get_block(1_000)
        with pytest.raises(TransactionNotFound):
            web3.eth.get_transaction_receipt("0x" + "99" * 32)
        with pytest.raises(Web3RPCError, match="resume from 0x2"):
            web3.eth.get_logs({"fromBlock": 0, "toBlock": "latest"})

    await with_web3(script, small_chain(), RpcLimits(logs_range_blocks_max=2))


@pytest.mark.asyncio
async def test_batch_of_reads_is_answered_in_order() -> None:
    def script(web3: Any) -> None:
        with web3.batch_requests() as batch:
            for height in (2, 0, 1):
                batch.add(web3.eth.get_block(height))
            assert [block["number"] for block in batch.execute()] == [2, 0, 1]

    await with_web3(script, small_chain())


@pytest.mark.asyncio
async def test_account_is_addressed_in_any_case() -> None:
    async with serving(small_chain()) as served:
        assert served.backend.pending_nonce(ALICE_ADDRESS) == 5
        web3 = Web3(HTTPProvider(served.url))
        assert await asyncio.to_thread(web3.eth.get_transaction_count, ALICE.address, "pending") == 5
