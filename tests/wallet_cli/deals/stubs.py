"""Contracts for wallet tests: their logs and answers, without their money, which their own tests are about.

What real ones do with these commands is told by tests/wallet_cli/deals/test_on_devnet.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

import pytest

from consensus.chain.receipt import Log, Receipt
from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.scalars import Address, Hash32
from contracts.abi import AbiValue, encode
from contracts.declarations import decoder_of, encode_event, types_of
from contracts.loader import load
from tests.wallet_cli import chain
from tests.wallet_cli.conftest import Wallet

Logged = tuple[str, tuple[AbiValue, ...]]
"""Name and values of an event."""


@dataclass
class Stub:
    """One contract at one place."""

    name: str
    place: Address
    executes: Callable[[Address, str, Sequence[Any]], Sequence[Logged]]
    answers: Callable[[str, Sequence[Any]], tuple[AbiValue, ...]]
    called: list[tuple[str, Sequence[Any]]] = field(default_factory=list)

    def execute(self, sender: Address, data: bytes) -> tuple[Log, ...]:
        """Do one transaction and return what it logs."""
        name, values = self._decode(data)
        self.called.append((name, values))
        return tuple(self._log(event, told) for event, told in self.executes(sender, name, values))

    def answer(self, data: bytes) -> str:
        """Return what a view answers, in hexadecimal."""
        name, values = self._decode(data)
        declared = self._interface.function(name)
        return "0x" + encode(types_of(declared.results), self.answers(name, values)).hex()

    @property
    def functions(self) -> list[str]:
        """Return what was called, in order."""
        return [name for name, _ in self.called]

    @property
    def _interface(self) -> Any:
        return load(self.name).interface

    def _decode(self, data: bytes) -> tuple[str, Sequence[Any]]:
        declared = next(item for item in self._interface.functions if item.selector == data[:4])
        return declared.name, decoder_of(declared.parameters)(data, 4)

    def _log(self, event: str, values: tuple[AbiValue, ...]) -> Log:
        declared = next(item for item in self._interface.events if item.name == event)
        topics, data = encode_event(declared, *values)
        return Log(self.place, tuple(Hash32(topic) for topic in topics), data)


def put_stubs(wallet: Wallet, monkeypatch: pytest.MonkeyPatch, *stubs: Stub) -> None:
    """Let contracts stand on the wallet's chain under their names."""
    at = {stub.place: stub for stub in stubs}
    execute, others = chain._execute, wallet.node.lies.get("eth_call")

    def execute_here(storage: Any, nonces: dict[Address, int], raw: bytes, gas: int, timestamp_s: int) -> Receipt:
        transaction = decode_transaction(raw)
        if transaction.to not in at:
            return execute(storage, nonces, raw, gas, timestamp_s)
        sender = recover_sender(transaction)
        nonces[sender] = nonces.get(sender, 0) + 1
        return Receipt(2, True, gas, at[transaction.to].execute(sender, transaction.data))

    def call(params: list[Any], honest: Any) -> Any:
        stub = at.get(Address(bytes.fromhex(params[0]["to"][2:])))
        if stub is not None:
            return stub.answer(bytes.fromhex(params[0]["data"][2:]))
        return honest() if others is None else others(params, honest)

    def simulate(params: list[Any], _: Any) -> Any:
        calls = params[0]["blockStateCalls"][0]["calls"]
        return [{"calls": [{"status": "0x1", "returnData": "0x"} for _ in calls]}]

    monkeypatch.setattr(chain, "_execute", execute_here)
    wallet.node.lies["eth_call"] = call
    wallet.node.lies["eth_simulateV1"] = simulate
    rows = ",".join(
        f'{{"name": "{stub.name}", "abi": "{stub.name}", "address": "0x{stub.place.hex()}"}}' for stub in stubs
    )
    listed = wallet.folder / "devnet.json"
    listed.write_text(f'{{"contracts": [{rows}]}}')
    assert wallet.run("contract", "import", str(listed)).exit_code == 0


def escrow_stub() -> Stub:
    """Return an Escrow in which one escrow can be made."""
    made: dict[str, Any] = {"state": 1, "remaining": 0, "paid": set(), "decide_by": 0}

    def execute(sender: Address, name: str, values: Sequence[Any]) -> list[Logged]:
        match name:
            case "create":
                token, payee, arbiter, amounts, deadline, arbitration, outcome, memo = values
                terms = (arbiter, token, amounts, deadline, arbitration, outcome, memo)
                made.update(terms=terms, amounts=amounts, remaining=sum(amounts), parties=(sender, payee))
                return [("EscrowCreated", (1, sender, payee, *terms))]
            case "release":
                amount = made["amounts"][values[1]]
                made["remaining"] -= amount
                made["paid"].add(values[1])
                return [("MilestoneReleased", (1, values[1], amount))]
            case "dispute":
                made.update(state=2, decide_by=made["terms"][3] + made["terms"][4])
                return [("Disputed", (1, sender, made["decide_by"]))]
            case _:
                to_payee = values[1] if name == "resolve" else made["remaining"] if name == "payAll" else 0
                to_payer = made["remaining"] - to_payee
                made.update(state=3, remaining=0)
                return [("EscrowClosed", (1, to_payee, to_payer, 1))]

    def answer(name: str, values: Sequence[Any]) -> tuple[AbiValue, ...]:
        if name == "milestoneOf":
            is_left = made["state"] != 3 and values[1] not in made["paid"] and values[1] < len(made["amounts"])
            return (made["amounts"][values[1]] if is_left else 0,)
        payer, payee = made["parties"]
        arbiter, token, amounts, deadline, arbitration, outcome, _ = made["terms"]
        decide_by = made["decide_by"] or deadline
        agreement = (payer, payee, arbiter, token, made["remaining"], len(amounts), decide_by, arbitration, outcome)
        return ((*agreement, made["state"], bytes(32)),)

    return Stub("Escrow", Address(b"\xe5" * 20), execute, answer)


def swap_stub() -> Stub:
    """Return a HashedTimelock in which one lock can be made."""
    made: dict[str, Any] = {"state": 1}

    def execute(sender: Address, name: str, values: Sequence[Any]) -> list[Logged]:
        if name == "lock":
            token, payee, amount, digest, algorithm, expires_at, memo = values
            made["terms"] = (sender, payee, token, amount, digest, algorithm, expires_at)
            return [("Locked", (1, *made["terms"], memo))]
        if name == "claim":
            assert sha256(values[1]).digest() == made["terms"][4]
            made["state"] = 2
            return [("Claimed", (1, values[1]))]
        made["state"] = 3
        return [("Returned", (1,))]

    def answer(_: str, __: Sequence[Any]) -> tuple[AbiValue, ...]:
        return ((*made["terms"], made["state"]),)

    return Stub("HashedTimelock", Address(b"\x4a" * 20), execute, answer)


def mandate_stub() -> Stub:
    """Return a Mandate in which one mandate can be granted."""
    made: dict[str, Any] = {"is_ended": False}

    def execute(sender: Address, name: str, values: Sequence[Any]) -> list[Logged]:
        if name == "grant":
            collector, token, terms, memo = values
            made["agreement"] = (sender, collector, token, terms)
            return [("MandateGranted", (1, *made["agreement"], memo))]
        if name == "collect":
            return [("Collected", (1, made["agreement"][0], sender, values[1], values[2]))]
        made["is_ended"] = True
        return [("MandateRevoked", (1, sender))]

    def answer(name: str, _: Sequence[Any]) -> tuple[AbiValue, ...]:
        if name == "collectableOf":
            return (0 if made["is_ended"] else made["agreement"][3][0],)
        return ((*made["agreement"], made["is_ended"]),)

    return Stub("Mandate", Address(b"\x3a" * 20), execute, answer)


def fx_stub() -> Stub:
    """Return an FxDesk."""
    taken: dict[str, int] = {"units": 0}

    def execute(sender: Address, name: str, values: Sequence[Any]) -> list[Logged]:
        if name == "cancelQuote":
            return [("QuoteWithdrawn", (sender, values[0]))]
        quote, amount, _ = values
        taken["units"] += cast(int, amount)
        paid = amount * quote[4] // quote[5]
        return [("QuoteTaken", (bytes(32), quote[0], sender, quote[2], amount, quote[3], paid))]

    def answer(_: str, values: Sequence[Any]) -> tuple[AbiValue, ...]:
        return (values[0][7] - taken["units"],)

    return Stub("FxDesk", Address(b"\xf0" * 20), execute, answer)


ALL = {"escrow": escrow_stub, "swap": swap_stub, "mandate": mandate_stub, "fx": fx_stub}
"""Stubs by the command that uses them."""
