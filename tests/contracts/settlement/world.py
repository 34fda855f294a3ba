"""A ledger on which contracts are deployed and called: the node's own execution, without blocks.

Every call is a whole transaction of the real rules, so gas and work are what a node would count. A `World` can be
copied at the cost of an empty journal, which is what random stories need.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from consensus.chain.genesis import GenesisCurrency, GenesisMinter
from consensus.chain.transaction import created_address
from consensus.primitives.scalars import Address, TimestampMs
from contracts.abi import AbiDecodeError, AbiValue, encode
from contracts.abi_json import ContractInterface
from contracts.addresses import PROTOCOL_CONFIG, currency_address, is_currency
from contracts.declarations import decode_event, decoder_of, encode_call, types_of
from contracts.loader import Artifact, load
from contracts.native.directory import lookup
from contracts.rebuild import compile_artifact
from node.execution.calls import CallRequest, execute_on
from node.execution.engine import load_engine
from node.execution.meter import WorkMeter
from node.execution.transition import BlockContext, Outcome
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import StateReader
from tests.node.execution.ledger import account, context, document, genesis

HERE: Final = Path(__file__).parent
CALL_GAS: Final = 10_000_000
"""Gas limit of every call: enough for all, so that running out is a mistake of the contract."""

ALICE_KEY, ALICE = account(1)
BOB_KEY, BOB = account(2)
CAROL_KEY, CAROL = account(3)
DAVE_KEY, DAVE = account(4)
ERIN_KEY, ERIN = account(5)
PEOPLE: Final = {ALICE: "alice", BOB: "bob", CAROL: "carol", DAVE: "dave", ERIN: "erin"}
ADMIN: Final = DAVE
"""Admin of every currency, with all its roles."""

EUR, CNY, JPY, CHF = (currency_address(number) for number in (1, 2, 3, 4))
OPENING_MINOR: Final = 1_000_000
"""What Alice, Bob and Carol have of every currency."""

MEMO: Final = b"invoice 2041".ljust(32, b"\0")
NO_MEMO: Final = bytes(32)

# py-evm changes the recursion limit when it is loaded, which hypothesis does not want to see in a test.
load_engine()


class Reverted(Exception):
    """A call ended with a named error; its text is the error in words."""

    def __init__(self, text: str, output: bytes, gas_used: int) -> None:
        self.output = output
        self.gas_used = gas_used
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract at an address."""

    name: str
    address: Address
    interface: ContractInterface


@dataclass(frozen=True, slots=True)
class Event:
    """A log in words."""

    contract: str
    name: str
    arguments: dict[str, AbiValue]

    def __str__(self) -> str:
        shown = ", ".join(f"{key}={show(value)}" for key, value in self.arguments.items())
        return f"{self.contract}.{self.name}({shown})"


@dataclass(frozen=True, slots=True)
class Done:
    """What a successful call did."""

    values: tuple[AbiValue, ...]
    events: tuple[Event, ...]
    gas_used: int
    work_used: int

    @property
    def value(self) -> AbiValue:
        """Return the only result."""
        (value,) = self.values
        return value

    def named(self, name: str) -> list[dict[str, AbiValue]]:
        """Return the arguments of all events of that name."""
        return [event.arguments for event in self.events if event.name == name]


def show(value: AbiValue) -> str:
    """Return a value as error and event texts show it: people by name, other addresses and bytes in hexadecimal."""
    if isinstance(value, bytes):
        return PEOPLE.get(Address(value), f"0x{value.hex()}")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(show, value))}]"
    return str(value)


class World:
    """A state, a clock, and the contracts on it."""

    def __init__(self, parent: StateReader, block: BlockContext, contracts: dict[Address, Contract]) -> None:
        self._overlay = Overlay(parent)
        self._journal = Journal(self._overlay)
        self.block = block
        self.contracts = dict(contracts)

    def freeze(self) -> "World":
        """Close this world and return one that begins where it ended; `copy` is cheap on that one."""
        self._overlay.seal()
        return World(self._overlay, self.block, self.contracts)

    def copy(self) -> "World":
        """Return another world with the same beginning; nothing may have happened here."""
        assert not self._overlay.accounts, "only an untouched world can be copied"
        return World(self._overlay, self.block, self.contracts)

    @property
    def now_s(self) -> int:
        """Return what contracts read as the time, in seconds."""
        return self.block.timestamp_ms // 1_000

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.block = replace(self.block, timestamp_ms=TimestampMs(self.block.timestamp_ms + 1_000 * seconds))

    def deploy(self, artifact: Artifact, *values: AbiValue, sender: Address = ERIN) -> Contract:
        """Deploy a contract with constructor arguments."""
        interface = artifact.interface
        data = artifact.init_code + encode(types_of(interface.constructor), values)
        created = created_address(sender, self._journal.get_nonce(sender))
        outcome = self._run(sender, None, data)
        if not outcome.succeeded:
            raise self._reverted(outcome)
        contract = Contract(artifact.name, created, interface)
        self.contracts[created] = contract
        return contract

    def call(self, sender: Address, contract: Contract, name: str, *values: AbiValue, gas: int = CALL_GAS) -> Done:
        """Call a function by name. Raises: Reverted."""
        function = contract.interface.function(name)
        outcome = self._run(sender, contract.address, encode_call(function, *values), gas=gas)
        if not outcome.succeeded:
            raise self._reverted(outcome)
        return Done(
            values=decoder_of(function.results)(outcome.output, 0),
            events=tuple(self._event(log.address, log.topics, log.data) for log in outcome.logs),
            gas_used=outcome.gas_used,
            work_used=outcome.work_used,
        )

    def read(self, contract: Contract, name: str, *values: AbiValue) -> AbiValue:
        """Return the only result of a view, and leave no trace."""
        return self.call(ERIN, contract, name, *values).value

    def balance(self, token: Contract, holder: Address) -> int:
        """Return a balance in minor units."""
        amount = self.read(token, "balanceOf", holder)
        assert isinstance(amount, int)
        return amount

    def native(self, address: Address) -> Contract:
        """Return a system contract or a currency."""
        native = lookup(address)
        assert native is not None, f"nothing native is at 0x{address.hex()}"
        return Contract(native.name, address, _native_interface(native.name))

    def token(self, address: Address) -> Contract:
        """Return a currency."""
        assert is_currency(address)
        return self.native(address)

    def _run(self, sender: Address, to: Address | None, data: bytes, gas: int = CALL_GAS) -> Outcome:
        request = CallRequest(sender=sender, to=to, gas_limit=gas, value=0, data=data)
        outcome = execute_on(self._journal, self.block, request, WorkMeter(self.block.limits.transaction_work_max))
        self._journal.commit()
        return outcome

    def _event(self, address: Address, topics: Sequence[bytes], data: bytes) -> Event:
        contract = self.contracts.get(address) or self.native(address)
        for event in contract.interface.events:
            if event.topic == topics[0]:
                return Event(contract.name, event.name, decode_event(event, topics, data))
        raise AssertionError(f"{contract.name} logged an event that its ABI does not have: 0x{topics[0].hex()}")

    def _reverted(self, outcome: Outcome) -> Reverted:
        text = outcome.failure or f"unnamed revert 0x{outcome.output.hex()}"
        for contract in (*self.contracts.values(), self.native(EUR), self.native(PROTOCOL_CONFIG)):
            for error in contract.interface.errors:
                if error.selector == outcome.output[:4]:
                    try:
                        values = decoder_of(error.parameters)(outcome.output, 4)
                    except AbiDecodeError:
                        continue
                    names = (parameter.name for parameter in error.parameters)
                    shown = ", ".join(f"{name}={show(value)}" for name, value in zip(names, values))
                    return Reverted(f"{error.name}({shown})", outcome.output, outcome.gas_used)
        return Reverted(text, outcome.output, outcome.gas_used)


@cache
def _native_interface(name: str) -> ContractInterface:
    return load(name).interface


@cache
def compiled(name: str) -> Artifact:
    """Return one of the contracts that only tests have, such as HostileToken."""
    artifact = json.loads(compile_artifact(HERE / f"{name}.vy"))
    return Artifact(name, artifact["abi"], bytes.fromhex(artifact["bytecode"][2:]))


@cache
def _first_world() -> World:
    plain = document()
    currencies = tuple(
        GenesisCurrency(
            code=code,
            name=name,
            decimals=digits,
            admin=ADMIN,
            supply_cap_minor=0,
            minters=(GenesisMinter(ADMIN, 1_000_000_000),),
            balances=tuple((holder, OPENING_MINOR) for holder in (ALICE, BOB, CAROL)),
        )
        for code, name, digits in (("EUR", "Euro", 2), ("CNY", "Yuan", 2), ("JPY", "Yen", 0), ("CHF", "Franc", 2))
    )
    block_zero = genesis(replace(plain, currencies=currencies))
    return World(block_zero.executed.overlay, context(block_zero), {}).freeze()


def new_world() -> World:
    """Return a world with three currencies and no contract."""
    return _first_world().copy()
