"""A SettlementEngine for wallet tests: its log and its answers, without its money, which its own tests are about."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from consensus.chain.receipt import Log, Receipt
from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.scalars import Address, Hash32
from contracts.abi import AbiValue, encode
from contracts.declarations import FunctionDeclaration, decoder_of, encode_event, types_of
from contracts.loader import load
from tests.wallet_cli import chain
from tests.wallet_cli.conftest import Wallet

PLACE = Address(b"\x5e" * 20)
INTERFACE = load("SettlementEngine").interface
BY_SELECTOR = {item.selector: item for item in INTERFACE.functions}
PROPOSED, SETTLED, REJECTED = 1, 2, 3


@dataclass
class Engine:
    """What was proposed and affirmed."""

    legs: list[Any] = field(default_factory=list)
    expires_at_s: int = 0
    memo: bytes = bytes(32)
    state: int = PROPOSED
    affirmed: set[bytes] = field(default_factory=set)
    called: list[str] = field(default_factory=list)
    simulated: list[Any] = field(default_factory=list)
    simulation_error: str = ""

    def execute(self, sender: Address, data: bytes) -> tuple[Log, ...]:
        """Do one transaction and return what it logs."""
        declared = BY_SELECTOR[data[:4]]
        values = decoder_of(declared.parameters)(data, 4)
        self.called.append(declared.name)
        match declared.name:
            case "propose":
                legs, expires_at_s, memo = values
                self.legs, self.expires_at_s, self.memo = (
                    list(cast(Any, legs)),
                    cast(int, expires_at_s),
                    cast(bytes, memo),
                )
                return (log("InstructionProposed", 1, sender, legs, expires_at_s, memo),)
            case "affirm":
                self.affirmed.add(sender)
                affirmed = log("InstructionAffirmed", 1, sender)
                if self.affirmed == {leg[1] for leg in self.legs}:
                    self.state = SETTLED
                    return affirmed, log("InstructionSettled", 1)
                return (affirmed,)
            case _:
                self.state = REJECTED
                return (log("InstructionRejected", 1, sender, bytes(32)),)

    def answer(self, data: bytes) -> str:
        """Return what a view answers."""
        declared = BY_SELECTOR[data[:4]]
        values = decoder_of(declared.parameters)(data, 4)
        if declared.name == "hasAffirmed":
            return result(declared, values[1] in self.affirmed)
        waiting = sum(leg[1] not in self.affirmed for leg in self.legs)
        instruction = (self.expires_at_s, self.state, len(self.legs), waiting, self.memo)
        return result(declared, instruction, self.legs)

    def simulate(self, calls: list[Any]) -> list[Any]:
        """Answer eth_simulateV1; the last call fails if an error is set."""
        self.simulated.append(calls)
        results: list[Any] = [{"status": "0x1", "returnData": "0x"} for _ in calls]
        if self.simulation_error:
            results[-1] = {"status": "0x0", "error": {"code": 3, "data": self.simulation_error}}
        return [{"calls": results}]


def log(event: str, *values: AbiValue) -> Log:
    """Return a log of the engine."""
    declared = next(item for item in INTERFACE.events if item.name == event)
    topics, data = encode_event(declared, *values)
    return Log(PLACE, tuple(Hash32(topic) for topic in topics), data)


def result(declared: FunctionDeclaration, *values: AbiValue) -> str:
    """Return the answer of a view in hexadecimal."""
    return "0x" + encode(types_of(declared.results), values).hex()


def put_engine(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Let the engine stand on the wallet's chain under its name."""
    engine = Engine()
    execute = chain._execute

    def execute_here(storage: Any, nonces: dict[Address, int], raw: bytes, gas: int, timestamp_s: int) -> Receipt:
        transaction = decode_transaction(raw)
        if transaction.to != PLACE:
            return execute(storage, nonces, raw, gas, timestamp_s)
        sender = recover_sender(transaction)
        nonces[sender] = nonces.get(sender, 0) + 1
        return Receipt(2, True, gas, engine.execute(sender, transaction.data))

    def call(params: list[Any], honest: Any) -> Any:
        request = params[0]
        if request["to"] == "0x" + PLACE.hex():
            return engine.answer(bytes.fromhex(request["data"][2:]))
        return honest()

    monkeypatch.setattr(chain, "_execute", execute_here)
    wallet.node.lies["eth_call"] = call
    wallet.node.lies["eth_simulateV1"] = lambda params, _: engine.simulate(params[0]["blockStateCalls"][0]["calls"])
    listed = wallet.folder / "devnet.json"
    listed.write_text(
        f'{{"contracts": [{{"name": "SettlementEngine", "abi": "SettlementEngine", "address": "0x{PLACE.hex()}"}}]}}'
    )
    assert wallet.run("contract", "import", str(listed)).exit_code == 0
    return engine
