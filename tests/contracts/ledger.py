"""A ledger in a dictionary: the plainest host a native contract can have."""

from dataclasses import dataclass

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.addresses import BATCH, currency_address
from contracts.declarations import decoder_of, encode_call
from contracts.decoding import decode_log, decode_revert
from contracts.native.directory import lookup, run_native
from contracts.native.dispatch import NativeResult, find_function
from contracts.native.epoch_end import GenesisMember
from contracts.native.genesis import (
    AccountAmount,
    CurrencyGenesis,
    LedgerGenesis,
    RoleGrant,
    build_genesis_storage,
)
from contracts.native.protocol_config import ProtocolParameters
from contracts.validator_keys import ValidatorKeys

Storage = dict[Address, dict[int, int]]
Log = tuple[Address, tuple[bytes, ...], bytes]


def account(number: int) -> Address:
    """Return an ordinary account's address."""
    return Address(b"\xac" + number.to_bytes(19, "big"))


GOVERNOR, ADMIN, ISSUER, CONTROLLER, PAUSER, UNPAUSER, ALICE, BOB, CAROL = (account(number) for number in range(1, 10))
EUR = currency_address(1)
JPY = currency_address(2)
MEMO = bytes(range(32))

PARAMETERS = ProtocolParameters(
    network_delta_ms=400,
    build_budget_ms=300,
    certify_budget_ms=301,
    block_interval_min_ms=100,
    empty_block_interval_ms=10_000,
    epoch_blocks_max=3_600,
    block_bytes_max=2_097_152,
    timestamp_ahead_max_ms=500,
    timestamp_behind_max_ms=10_001,
    block_gas_limit=100_000_000,
    tx_work_max=1_000_000,
    block_work_max=2_000_000,
    offline_grace_min_s=3 * 24 * 3_600,
    offline_life_max_s=30 * 24 * 3_600,
    unsponsored_gas_per_minute=600_000_000,
)


def validator(number: int) -> GenesisMember:
    """Return a validator whose keys all differ; higher numbers sort first, so that sorting shows."""
    keys = ValidatorKeys(*(bytes((255 - number, field)) * 16 for field in range(3)))
    return GenesisMember(f"bank-{number}", account(100 + number), keys, (f"10.0.0.{number}:30300",))


def euro(**changes: object) -> CurrencyGenesis:
    """Return the euro of the tests: every role held by somebody else, 1 000.00 with Alice."""
    fields: dict[str, object] = {
        "code": "EUR",
        "name": "Euro",
        "decimals": 2,
        "admin": ADMIN,
        "supply_cap": 1_000_000,
        "roles": (
            RoleGrant("ISSUER_ROLE", ISSUER),
            RoleGrant("MINT_CONTROLLER_ROLE", CONTROLLER),
            RoleGrant("PAUSER_ROLE", PAUSER),
            RoleGrant("UNPAUSER_ROLE", UNPAUSER),
        ),
        "minters": (AccountAmount(ISSUER, 50_000),),
        "balances": (AccountAmount(ALICE, 100_000), AccountAmount(ISSUER, 5_000)),
    }
    return CurrencyGenesis(**{**fields, **changes})  # type: ignore[arg-type]  # a test's short form of a record


def genesis(*currencies: CurrencyGenesis) -> LedgerGenesis:
    """Return a genesis of four validators with `currencies`, or with EUR and JPY."""
    chosen = currencies or (euro(), CurrencyGenesis("JPY", "Yen", 0, ADMIN))
    return LedgerGenesis(GOVERNOR, PARAMETERS, chosen, tuple(validator(number) for number in range(4)))


class DictionaryContext:
    """One call, over dictionaries shared by the whole ledger."""

    block_timestamp_s = 1_800_000_000
    block_number = 12
    chain_id = 23_790

    def __init__(
        self, storage: Storage, logs: list[Log], *, address: Address, caller: Address, value: int, is_static: bool
    ) -> None:
        self._storage = storage
        self._logs = logs
        self._slots = storage.setdefault(address, {})
        self.address = address
        self.caller = caller
        self.value = value
        self.is_static = is_static

    def get_slot(self, slot: int) -> int:
        return self._slots.get(slot, 0)

    def set_slot(self, slot: int, value: int) -> None:
        assert not self.is_static, "a static call wrote"
        assert 0 <= slot < 2**256
        assert 0 <= value < 2**256
        self._slots[slot] = value

    def emit(self, topics: tuple[bytes, ...], data: bytes) -> None:
        assert not self.is_static, "a static call logged"
        assert 1 <= len(topics) <= 4
        assert all(len(topic) == 32 for topic in topics)
        self._logs.append((self.address, topics, data))

    def make_contract(self) -> None:
        assert not self.is_static, "a static call made a contract"

    def at(self, address: Address) -> "DictionaryContext":
        return DictionaryContext(
            self._storage,
            self._logs,
            address=address,
            caller=self.caller,
            value=self.value,
            is_static=self.is_static,
        )


@dataclass
class Outcome:
    """What one call did."""

    result: NativeResult
    values: tuple[AbiValue, ...]
    error: str | None
    events: list[str]


class Ledger:
    """Storage of all native contracts, with calls that undo themselves when they revert."""

    def __init__(self, ledger: LedgerGenesis | None = None) -> None:
        self.storage = build_genesis_storage(ledger or genesis())

    def run(
        self,
        caller: Address,
        address: Address,
        calldata: bytes,
        *,
        gas: int = 1_000_000,
        value: int = 0,
        is_static: bool = False,
    ) -> tuple[NativeResult, list[Log]]:
        """Run raw calldata and return its result and logs."""
        before = {holder: dict(slots) for holder, slots in self.storage.items()}
        logs: list[Log] = []
        context = DictionaryContext(
            self.storage, logs, address=address, caller=caller, value=value, is_static=is_static
        )
        result = run_native(context, calldata, gas)
        assert isinstance(result.output, bytes)
        assert 0 <= result.gas_used <= gas
        if not result.success:
            # Every check comes before the first write, in every function; of a batch, in every call.
            assert address == BATCH or without_zeros(self.storage) == without_zeros(before), (
                "a call wrote before it reverted"
            )
            assert address == BATCH or logs == [], "a call logged before it reverted"
            self.storage = before
        return result, logs

    def call(self, caller: Address, address: Address, name: str, *values: AbiValue) -> Outcome:
        """Call a function by name; the outcome shows results, error and events in words."""
        contract = lookup(address)
        assert contract is not None
        function = find_function(contract, name)
        result, logs = self.run(caller, address, encode_call(function, *values))
        events = [str(decode_log(*log)) for log in logs]
        if result.success:
            return Outcome(result, decoder_of(function.results)(result.output, 0), None, events)
        return Outcome(result, (), str(decode_revert(result.output)), events)

    def read(self, address: Address, name: str, *values: AbiValue) -> AbiValue:
        """Return the one result of a view."""
        outcome = self.call(CAROL, address, name, *values)
        assert outcome.error is None, outcome.error
        (value,) = outcome.values
        return value


def without_zeros(storage: Storage) -> Storage:
    """Return the words that differ from zero: what a ledger would store."""
    kept = {address: {slot: word for slot, word in slots.items() if word} for address, slots in storage.items()}
    return {address: slots for address, slots in kept.items() if slots}


def text(address: bytes) -> str:
    """Return an address as error and event texts show it."""
    return f"0x{address.hex()}"
