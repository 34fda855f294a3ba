"""The storage of the native contracts in the genesis state.

Runs the contracts' own functions over a dictionary, so that a currency from genesis and one created later differ in
nothing. Logs of genesis are not kept: there is no transaction to hold them.
"""

from dataclasses import dataclass

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts import addresses
from contracts.decoding import describe_revert
from contracts.layout import PROTOCOL_PARAMETER_SLOTS, CurrencySlots, ProtocolConfigSlots, minter_allowance_slot
from contracts.native import accounts, currency
from contracts.native.context import NativeRevert
from contracts.native.currency_registry import add_currency
from contracts.native.epoch_end import GenesisMember, write_genesis_members
from contracts.native.offline.contract import write_offline_locks
from contracts.native.protocol_config import (
    ACCOUNT_MODE_NAME,
    ACCOUNT_MODE_OPEN,
    ACCOUNT_MODE_REGISTERED,
    ProtocolParameters,
    write_parameters,
)
from contracts.native.roles import ROLE_NAMES, set_role
from contracts.validator_keys import KEY_BYTES, is_valid_name


class InvalidLedgerGenesis(ValueError):
    """A genesis ledger that the contracts' own rules refuse; `subject` says which entry, `reason` why."""

    def __init__(self, subject: str, reason: str) -> None:
        self.subject = subject
        self.reason = reason
        super().__init__(f"genesis, {subject}: {reason}; correct the genesis document")


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """One role of one account."""

    role: str
    """Name, a key of ROLE_NAMES."""
    account: Address
    """Who gets it."""


@dataclass(frozen=True, slots=True)
class AccountAmount:
    """An amount beside an account: an opening balance or a minter allowance."""

    account: Address
    """Not zero, no system address."""
    amount: int
    """Minor units, 0 to 2^128 - 1."""


@dataclass(frozen=True, slots=True)
class CurrencyGenesis:
    """A currency that exists from the start."""

    code: str
    """3 to 12 of A-Z 0-9 and the dot; unique."""
    name: str
    """1 to 64 bytes of UTF-8."""
    decimals: int
    """Digits of the minor unit, 0 to 18."""
    admin: Address
    """First holder of DEFAULT_ADMIN_ROLE."""
    supply_cap: int = currency.SUPPLY_MAX
    """Minor units; at least the sum of `balances`."""
    roles: tuple[RoleGrant, ...] = ()
    """Further roles."""
    minters: tuple[AccountAmount, ...] = ()
    """Minter allowances; whoever is to mint needs ISSUER_ROLE in `roles` besides."""
    balances: tuple[AccountAmount, ...] = ()
    """Opening balances, each account once; their sum is the supply."""


@dataclass(frozen=True, slots=True)
class BankGenesis:
    """A bank that is registered from the start."""

    address: Address
    """Its own account."""
    name: str
    """1 to 31 bytes of UTF-8."""
    bic: str
    """8 or 11 characters."""
    quota_gas_per_minute: int
    """0 to 2^64 - 1; 0 means that nothing is counted."""
    accounts: tuple[tuple[Address, int], ...] = ()
    """Its customers with their tiers."""


@dataclass(frozen=True, slots=True)
class LedgerGenesis:
    """Everything the native contracts begin with."""

    governor: Address
    """The council; not zero."""
    parameters: ProtocolParameters
    """Initial protocol parameters, their bounds already checked."""
    currencies: tuple[CurrencyGenesis, ...]
    """In the order of their ids, from 1."""
    validators: tuple[GenesisMember, ...]
    """At least one, in any order; stored by consensus key."""
    account_mode: int = ACCOUNT_MODE_OPEN
    """Who may send: 0 everybody, 1 the governor and registered accounts."""
    banks: tuple[BankGenesis, ...] = ()
    """In the order of their numbers, from 1."""
    timestamp_s: int = 0
    """When banks and accounts were registered, seconds since the Unix epoch."""


def build_genesis_storage(ledger: LedgerGenesis) -> dict[Address, dict[int, int]]:
    """Return the nonzero words of every native contract, by address and slot.

    Contracts come in the order written, slots likewise; the same ledger always gives the same order.

    Raises: InvalidLedgerGenesis.
    """
    storage: dict[Address, dict[int, int]] = {}
    _validate_validators(ledger.validators)
    _validate_account("governor", "governor", ledger.governor)
    for field in PROTOCOL_PARAMETER_SLOTS:
        value = getattr(ledger.parameters, field)
        if not 0 <= value < 2**64:
            raise InvalidLedgerGenesis(f"parameter {field}", f"{value} is not 0 to 2^64 - 1")
    root = _GenesisContext(storage, addresses.CURRENCY_REGISTRY, ledger.governor)
    write_parameters(root.at(addresses.PROTOCOL_CONFIG), governor_address=ledger.governor, parameters=ledger.parameters)
    if not ACCOUNT_MODE_OPEN <= ledger.account_mode <= ACCOUNT_MODE_REGISTERED:
        raise InvalidLedgerGenesis(f"parameter {ACCOUNT_MODE_NAME}", f"{ledger.account_mode} is not 0 or 1")
    root.at(addresses.PROTOCOL_CONFIG).set_slot(ProtocolConfigSlots.ACCOUNT_MODE, ledger.account_mode)
    write_offline_locks(root.at(addresses.OFFLINE_LOCKS))
    write_genesis_members(root.at(addresses.VALIDATOR_REGISTRY), ledger.validators)
    for entry in ledger.currencies:
        try:
            _write_currency(root, entry)
        except NativeRevert as reverted:
            raise InvalidLedgerGenesis(f"currency {entry.code!r}", describe_revert(reverted.data)) from reverted
    for bank in ledger.banks:
        _write_bank(storage, ledger, bank)
    return storage


def _write_bank(storage: dict[Address, dict[int, int]], ledger: LedgerGenesis, bank: BankGenesis) -> None:
    """Register a bank as the governor and its customers as the bank."""
    subject = f"bank {bank.name!r}"
    if not 0 <= bank.quota_gas_per_minute < 2**64:
        raise InvalidLedgerGenesis(subject, f"quota {bank.quota_gas_per_minute} is not 0 to 2^64 - 1")
    registry = addresses.ACCOUNT_REGISTRY
    by_governor = _GenesisContext(storage, registry, ledger.governor, ledger.timestamp_s)
    by_bank = _GenesisContext(storage, registry, bank.address, ledger.timestamp_s)
    try:
        accounts.register_bank(by_governor, bank.address, bank.name, bank.bic, bank.quota_gas_per_minute)
        for account, tier in bank.accounts:
            accounts.register_account(by_bank, account, tier)
    except NativeRevert as reverted:
        raise InvalidLedgerGenesis(subject, describe_revert(reverted.data)) from reverted


def _write_currency(root: "_GenesisContext", entry: CurrencyGenesis) -> None:
    subject = f"currency {entry.code!r}"
    if not 0 <= entry.decimals < 256:
        raise InvalidLedgerGenesis(subject, f"decimals {entry.decimals} is not 0 to 18")
    _validate_account(subject, "admin", entry.admin)
    address = add_currency(root, code=entry.code, full_name=entry.name, minor_digits=entry.decimals, admin=entry.admin)
    context = root.at(address)
    if not 0 <= entry.supply_cap <= currency.SUPPLY_MAX:
        raise InvalidLedgerGenesis(subject, f"supply cap {entry.supply_cap} is not 0 to 2^128 - 1")
    context.set_slot(CurrencySlots.SUPPLY_CAP, entry.supply_cap)
    for grant in entry.roles:
        if grant.role not in ROLE_NAMES:
            raise InvalidLedgerGenesis(subject, f"no role {grant.role!r}; roles are {', '.join(ROLE_NAMES)}")
        _validate_account(subject, grant.role, grant.account)
        set_role(context, ROLE_NAMES[grant.role], grant.account)
    _validate_amounts(subject, "minter", entry.minters)
    for minter in entry.minters:
        context.set_slot(minter_allowance_slot(minter.account), minter.amount)
    _validate_amounts(subject, "balance", entry.balances)
    for balance in entry.balances:
        currency.add_supply(context, balance.account, balance.amount)


def _validate_amounts(subject: str, what: str, amounts: tuple[AccountAmount, ...]) -> None:
    seen: set[bytes] = set()
    for entry in amounts:
        whose = f"{what} of 0x{entry.account.hex()}"
        if entry.account in seen:
            raise InvalidLedgerGenesis(subject, f"{whose} is given twice")
        seen.add(entry.account)
        _validate_account(subject, what, entry.account)
        if not 0 <= entry.amount <= currency.SUPPLY_MAX:
            raise InvalidLedgerGenesis(subject, f"{whose}: {entry.amount} is not 0 to 2^128 - 1")


def _validate_account(subject: str, what: str, account: Address) -> None:
    """Raise InvalidLedgerGenesis for an address that can never call."""
    if len(account) != 20 or account == ZERO_ADDRESS or addresses.is_system_address(account):
        raise InvalidLedgerGenesis(subject, f"{what} 0x{account.hex()}: no account can have this address")


def _validate_validators(validators: tuple[GenesisMember, ...]) -> None:
    if not validators:
        raise InvalidLedgerGenesis("validators", "there is none, at least one is needed")
    names: set[str] = set()
    operators: set[bytes] = set()
    keys: set[bytes] = set()
    for member in validators:
        subject = f"validator {member.name!r}"
        if not is_valid_name(member.name):
            raise InvalidLedgerGenesis(subject, "a name has 1 to 31 of a-z, 0-9 and the dash, not a dash first")
        if member.name in names:
            raise InvalidLedgerGenesis(subject, "this name is given twice")
        names.add(member.name)
        _validate_account(subject, "operator", member.operator)
        if member.operator in operators:
            raise InvalidLedgerGenesis(subject, f"operator 0x{member.operator.hex()} has another validator")
        operators.add(member.operator)
        for field in ("consensus", "tls", "attestation"):
            key: bytes = getattr(member.keys, field)
            if len(key) != KEY_BYTES:
                raise InvalidLedgerGenesis(subject, f"{field} key has {len(key)} bytes, {KEY_BYTES} are needed")
            if key in keys:
                raise InvalidLedgerGenesis(subject, f"{field} key 0x{key.hex()} is given twice")
            keys.add(key)


class _GenesisContext:
    """A call by the governor before the first block, over a dictionary."""

    __slots__ = ("_slots", "_storage", "address", "block_timestamp_s", "caller")

    value = 0
    is_static = False
    block_number = 0
    chain_id = 0

    def __init__(
        self, storage: dict[Address, dict[int, int]], address: Address, caller: Address, timestamp_s: int = 0
    ) -> None:
        self._storage = storage
        self._slots = storage.setdefault(address, {})
        self.address = address
        self.caller = caller
        self.block_timestamp_s = timestamp_s

    def get_slot(self, slot: int) -> int:
        return self._slots.get(slot, 0)

    def set_slot(self, slot: int, value: int) -> None:
        if value:
            self._slots[slot] = value
        else:
            self._slots.pop(slot, None)

    def emit(self, topics: tuple[bytes, ...], data: bytes) -> None:
        """Genesis has no receipts, so its logs go nowhere."""

    def make_contract(self) -> None:
        """Whoever writes this storage into a state writes the code of every contract in it."""

    def at(self, address: Address) -> "_GenesisContext":
        return _GenesisContext(self._storage, address, self.caller, self.block_timestamp_s)
