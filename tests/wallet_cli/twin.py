"""A node for wallet tests: JSON-RPC on loopback over `chain.py`, honest unless told to lie."""

import copy
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast

from consensus.chain.receipt import Log, decode_receipt
from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.light.attestation import (
    Attestation,
    AttestationDomain,
    AttestedKind,
    attested_bytes,
    revocations_hash,
)
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from contracts.addresses import OFFLINE_LOCKS
from contracts.layout import balance_slot
from contracts.movements import read_movements
from contracts.native.directory import lookup
from contracts.native.dispatch import NativeResult
from contracts.native.hold_records import HoldStatus, read_hold
from contracts.native.holds import HOLD_CREATED
from contracts.native.read_context import ReadContext
from contracts.native.redemptions import RedemptionStatus, redemption_count, redemption_of
from contracts.offline.slots import lock_word_slot, purse_word_slot
from tests.consensus.light.builders import CHAIN_ID
from tests.wallet_cli.chain import (
    EUR,
    JPY,
    Block,
    Chain,
    Storage,
    account_proof,
    attestation_key_of,
    certificate,
    finality_proof,
    run_call,
)


def movements(chain: Chain, token: Address, account: Address) -> list[dict[str, object]]:
    """Return every movement of an account's money, as a node lists them."""
    rows: list[dict[str, object]] = []
    balance = chain.blocks[0].storage[token].get(balance_slot(account), 0)
    for block in chain.blocks:
        log_index_first = 0
        for raw, encoded in zip(block.transactions, block.receipts, strict=True):
            logs = decode_receipt(encoded).logs
            for movement in read_movements(logs, token):
                if not movement.concerns(account):
                    continue
                change = movement.change_of(account)
                balance += change
                rows.append(
                    {
                        "transactionHash": "0x" + keccak256(raw).hex(),
                        "height": block.header.height,
                        "logIndex": log_index_first + movement.position,
                        "timestampMs": block.header.timestamp_ms,
                        "kind": str(movement.kind),
                        "from": "0x" + movement.payer.hex(),
                        "to": "0x" + movement.payee.hex(),
                        "amount": str(movement.amount),
                        "change": str(change),
                        "balance": str(balance),
                        "memo": None if movement.memo is None else "0x" + movement.memo.hex(),
                        "reference": None if movement.reference is None else "0x" + movement.reference.hex(),
                    }
                )
            log_index_first += len(logs)
    return rows


class Refusal(Exception):
    """A JSON-RPC error to answer with."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        self.code, self.message, self.data = code, message, data
        super().__init__(message)


class Hangup(Exception):
    """The connection is cut instead of an answer."""


class Node:
    """One endpoint. Assign `lies[method] = function(params, honest answer) -> answer` to make it lie."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.lies: dict[str, Callable[[list[Any], Callable[[], Any]], Any]] = {}
        self.calls: list[tuple[str, list[Any]]] = []
        self.pending: list[bytes] = []
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    body = {"result": node.answer(request["method"], request["params"])}
                except Refusal as refusal:
                    body = {"error": {"code": refusal.code, "message": refusal.message, "data": refusal.data}}
                except Hangup:
                    self.close_connection = True
                    return
                content = json.dumps({"jsonrpc": "2.0", "id": request["id"], **body}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Tests read `calls` instead."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, params: list[Any]) -> Any:
        """Return the honest answer, or what the lie makes of it."""
        self.calls.append((method, params))
        honest = getattr(self, "_" + method, None)
        if honest is None and method not in self.lies:
            raise Refusal(-32601, f"the method {method} does not exist/is not available")
        if method in self.lies:
            return self.lies[method](params, lambda: honest(*params) if honest else None)
        assert honest is not None
        return honest(*params)

    def sent(self) -> list[str]:
        """Return the raw transactions received, in order."""
        return [params[0] for method, params in self.calls if method.startswith("eth_sendRawTransaction")]

    def _sycee_getHandoffs(self, epoch: int) -> object:
        return self.chain.handoffs[epoch : epoch + 2]

    def _sycee_getCertificate(self, what: str) -> object:
        return certificate(self.chain.head if what == "latest" else self.chain.blocks[int(what, 16)])

    def _sycee_getFinalityProof(self, transaction_hash: str) -> Any:
        found = self.chain.find(bytes.fromhex(transaction_hash[2:]))
        return None if found is None else finality_proof(*found)

    def _sycee_getCurrencies(self) -> object:
        return [
            {"id": 1, "address": "0x" + EUR.hex(), "code": "EUR", "name": "Euro", "decimals": 2},
            {"id": 2, "address": "0x" + JPY.hex(), "code": "JPY", "name": "Yen", "decimals": 0},
        ]

    def _sycee_getStatement(
        self, currency: str, account: str, first: int, last: int, cursor: str | None
    ) -> dict[str, object]:
        """One row a page, so that wallets turn pages."""
        token, own = Address(bytes.fromhex(currency[2:])), Address(bytes.fromhex(account[2:]))
        rows = [row for row in movements(self.chain, token, own) if first <= cast(int, row["height"]) <= last]
        at = 0 if cursor is None else int(cursor, 16)
        before = self.chain.blocks[max(first - 1, 0)].storage[token].get(balance_slot(own), 0)
        page = rows[at : at + 1]
        return {
            "opening": str(before) if at == 0 else rows[at - 1]["balance"],
            "movements": page,
            "nextCursor": hex(at + 1) if at + 1 < len(rows) else None,
        }

    def _sycee_getAddressHistory(self, account: str, cursor: str | None, limit: int) -> dict[str, object]:
        own = Address(bytes.fromhex(account[2:]))
        heights = sorted({cast(int, row["height"]) for row in movements(self.chain, EUR, own)}, reverse=True)
        return {"transactions": [{"height": height} for height in heights[:limit]]}

    def _sycee_attest(self, wanted: dict[str, Any]) -> dict[str, object] | None:
        """Attest with the keys of all validators, as four nodes would one after the other; committees never change."""
        header = self.chain.blocks[wanted["height"]].header
        kind = {"lock": AttestedKind.LOCK, "purse": AttestedKind.PURSE, "revocations": AttestedKind.REVOCATIONS}
        storage = self.chain.blocks[wanted["height"]].storage.get(OFFLINE_LOCKS, {})
        if wanted["kind"] == "revocations":
            name, word = revocations_hash(()), 0
        else:
            name = Hash32(bytes.fromhex(wanted["id"][2:]))
            slot = lock_word_slot(name) if wanted["kind"] == "lock" else purse_word_slot(name)
            word = storage.get(slot, 0)
            if not word:
                return None
        time_s = header.timestamp_ms // 1_000
        fact = Attestation(kind[wanted["kind"]], name, word.to_bytes(32, "big"), 0, header.height, time_s)
        signed = attested_bytes(AttestationDomain(CHAIN_ID, OFFLINE_LOCKS), fact)
        keys = [attestation_key_of(key) for key in self.chain.keys]
        return {
            "word": "0x" + fact.word.hex(),
            "signatures": [
                {"index": index, "signature": "0x" + key.sign(signed).signature.hex()} for index, key in enumerate(keys)
            ],
        }

    def _sycee_getRevocations(self, height: int) -> dict[str, object]:
        header = self.chain.blocks[height].header
        return {"height": height, "time": header.timestamp_ms // 1_000, "prefixes": []}

    def _eth_getBlockByNumber(self, height: str, full: bool) -> dict[str, object]:
        return {"timestamp": hex(self.chain.blocks[int(height, 16)].header.timestamp_ms // 1_000)}

    def _eth_getProof(self, address: str, keys: list[str], height: str) -> object:
        block = self.chain.blocks[int(height, 16)]
        return account_proof(block, Address(bytes.fromhex(address[2:])), [int(key, 16) for key in keys])

    def _eth_estimateGas(self, call: dict[str, str]) -> str:
        """Try the call on the newest state; only system contracts can refuse."""
        target = Address(bytes.fromhex(call.get("to", "0x")[2:]))
        if lookup(target) is None:
            return hex(60_000)
        result = self._run(call, target, copy.deepcopy(self.chain.head.storage))
        return hex(21_000 + 16 * len(call["data"]) + result.gas_used)

    def _run(self, call: dict[str, str], target: Address, storage: Storage) -> NativeResult:
        caller = Address(bytes.fromhex(call.get("from", "0x" + "00" * 20)[2:]))
        timestamp_s = self.chain.head.header.timestamp_ms // 1_000 + 1
        data = bytes.fromhex(call["data"][2:])
        result, _ = run_call(storage, caller, target, data, timestamp_s=timestamp_s)
        if not result.success:
            raise Refusal(3, "execution reverted", "0x" + result.output.hex())
        return result

    def _sycee_getRevertReason(self, transaction_hash: str) -> object:
        """Run a transaction, the first of its block, once more on the state before it."""
        found = self.chain.find(bytes.fromhex(transaction_hash[2:]))
        if found is None:
            return None
        block, index = found
        transaction = decode_transaction(block.transactions[index])
        before = copy.deepcopy(self.chain.blocks[block.header.height - 1].storage)
        assert transaction.to is not None and index == 0
        timestamp_s = block.header.timestamp_ms // 1_000
        sender = recover_sender(transaction)
        result, _ = run_call(before, sender, transaction.to, transaction.data, timestamp_s=timestamp_s)
        return {"reverted": not result.success, "data": "0x" + result.output.hex()}

    def _sycee_getAccount(self, account: str, height: str, cursor: str | None) -> dict[str, object]:
        """Holds and redemptions of an account, one a page; the euro alone has any, and no bank is registered."""
        block, own = self.chain.blocks[int(height, 16)], Address(bytes.fromhex(account[2:]))
        found = [*self._holds(block, own), *self._redemptions(block, own)]
        at = 0 if cursor is None else int(cursor, 16)
        page = found[at : at + 1]
        return {
            "registration": None,
            "balances": [],
            "holds": [row for row in page if "roles" in row],
            "redemptions": [row for row in page if "roles" not in row],
            "nextCursor": hex(at + 1) if at + 1 < len(found) else None,
        }

    def _holds(self, block: Block, own: Address) -> Iterator[dict[str, object]]:
        for log in self._logs_until(block):
            if log.address == EUR and log.topics[0] == HOLD_CREATED.topic:
                hold = read_hold(self._context(block), log.topics[1])
                parties = {"payer": hold.payer, "payee": hold.payee, "notary": hold.notary}
                roles = [role for role, party in parties.items() if party == own]
                if hold.status is HoldStatus.OPEN and roles:
                    yield {"currency": {"address": "0x" + EUR.hex()}, "id": "0x" + hold.id.hex(), "roles": roles}

    def _redemptions(self, block: Block, own: Address) -> Iterator[dict[str, object]]:
        context = self._context(block)
        for number in range(1, redemption_count(context) + 1):
            found = redemption_of(context, number)
            if found.owner == own and found.status is RedemptionStatus.REQUESTED:
                yield {"currency": {"address": "0x" + EUR.hex()}, "id": number}

    def _logs_until(self, block: Block) -> Iterator[Log]:
        for earlier in self.chain.blocks[: block.header.height + 1]:
            for encoded in earlier.receipts:
                yield from decode_receipt(encoded).logs

    def _context(self, block: Block) -> ReadContext:
        words = block.storage
        header = block.header
        return ReadContext(
            lambda address, slot: words.get(address, {}).get(slot, 0),
            EUR,
            height=header.height,
            timestamp_s=header.timestamp_ms // 1_000,
            chain_id=23_790,
        )

    def _eth_getTransactionCount(self, address: str, tag: str) -> str:
        account = Address(bytes.fromhex(address[2:]))
        pending = sum(recover_sender(decode_transaction(raw)) == account for raw in self.pending)
        return hex(self.chain.head.nonces.get(account, 0) + pending)

    def _eth_sendRawTransaction(self, raw: str) -> str:
        data = bytes.fromhex(raw[2:])
        if self.chain.find(keccak256(data)) is None and data not in self.pending:
            self.pending.append(data)
        return "0x" + keccak256(data).hex()

    def _eth_sendRawTransactionSync(self, raw: str, timeout_ms: int) -> object:
        transaction_hash = self._eth_sendRawTransaction(raw)
        if self.pending:
            self.chain.add_block(self.pending)
            self.pending.clear()
        return {"transactionHash": transaction_hash, "status": "0x1"}

    def _eth_getTransactionByHash(self, transaction_hash: str) -> object:
        known = [*self.pending, *(raw for block in self.chain.blocks for raw in block.transactions)]
        is_known = any("0x" + keccak256(raw).hex() == transaction_hash for raw in known)
        return {"hash": transaction_hash} if is_known else None

    def _eth_call(self, call: dict[str, str], tag: str) -> str:
        target = Address(bytes.fromhex(call["to"][2:]))
        return "0x" + self._run(call, target, copy.deepcopy(self.chain.head.storage)).output.hex()

    def _sycee_getLogs(self, question: dict[str, Any], cursor: str | None, limit: int) -> dict[str, object]:
        logs: list[dict[str, object]] = []
        for block in self.chain.blocks[int(question["fromBlock"], 16) :]:
            for raw, encoded in zip(block.transactions, block.receipts, strict=True):
                for log in decode_receipt(encoded).logs:
                    topics = ["0x" + topic.hex() for topic in log.topics]
                    if "0x" + log.address.hex() == question["address"] and topics[0] == question["topics"][0]:
                        found = {
                            "blockNumber": hex(block.header.height),
                            "topics": topics,
                            "data": "0x" + log.data.hex(),
                        }
                        logs.append({**found, "transactionHash": "0x" + keccak256(raw).hex()})
        return {"logs": logs[:limit], "nextCursor": None, "height": self.chain.head.header.height}

    def _eth_getLogs(self, question: dict[str, Any]) -> object:
        logs = []
        for block in self.chain.blocks[int(question["fromBlock"], 16) : int(question["toBlock"], 16) + 1]:
            for index, encoded in enumerate(block.receipts):
                for log in decode_receipt(encoded).logs:
                    topics = ["0x" + topic.hex() for topic in log.topics]
                    wanted = question["topics"]
                    if len(topics) >= len(wanted) and all(w in (None, t) for w, t in zip(wanted, topics)):
                        logs.append(
                            {
                                "transactionHash": "0x" + keccak256(block.transactions[index]).hex(),
                                "blockNumber": hex(block.header.height),
                                "transactionIndex": hex(index),
                            }
                        )
        return logs
