"""From the genesis document to block 0: parameters with defaults and bounds, the state, the header."""

from dataclasses import dataclass, fields

from consensus.chain.block import make_block
from consensus.chain.errors import InvalidGenesis
from consensus.chain.genesis import (
    GenesisCurrency,
    GenesisDocument,
    GenesisValidator,
    document_hash,
    encode_genesis,
    endpoints_hash,
)
from consensus.chain.header import Header
from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.chain.receipt import bloom_bytes
from consensus.primitives.scalars import VIEW_ZERO, ZERO_ADDRESS, ZERO_HASH, Epoch, Height, WorkUnits
from consensus.simplex.parameters import ParameterOutOfBounds, Parameters
from consensus.simplex.validators import (
    InvalidValidatorSet,
    Validator,
    ValidatorSet,
    encode_set_payload,
    make_validator_set,
    next_set_requests_hash,
)
from contracts.native.currency import SUPPLY_MAX
from contracts.native.directory import system_contract_addresses
from contracts.native.epoch_end import GenesisMember
from contracts.native.genesis import (
    AccountAmount,
    BankGenesis,
    CurrencyGenesis,
    InvalidLedgerGenesis,
    LedgerGenesis,
    RoleGrant,
    build_genesis_storage,
)
from contracts.native.protocol_config import ACCOUNT_MODE_NAME, ACCOUNT_MODE_OPEN, LIMIT_BOUNDS, ProtocolParameters
from contracts.validator_keys import ValidatorKeys
from node.execution.limits import BlockLimits
from node.execution.native import write_system_contract
from node.execution.system_steps import HISTORY_ADDRESS, HISTORY_CODE
from node.execution.transition import ExecutedBlock
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import StateReader

LIMIT_DEFAULTS = {
    "block_gas_limit": 500_000_000,
    "tx_work_max": 250_000,
    "block_work_max": 1_000_000,
    "offline_grace_min_s": 3 * 24 * 3600,
    "offline_life_max_s": 30 * 24 * 3600,
    "unsponsored_gas_per_minute": 600_000_000,
}
"""Gas is generous to payments; work makes a block execute within the certify budget on slow hardware too. Three days to
redeem what was accepted without a network cover a weekend; a month's lock is a traveller's.
Accounts without a sponsor share 3 000 payments of 200 000 gas a minute: half would hinder a trial with a few wallets,
twice would let strangers take a visible part of the network's time."""

GENESIS_ROLES = ("ISSUER_ROLE", "MINT_CONTROLLER_ROLE", "PAUSER_ROLE", "UNPAUSER_ROLE")
"""Roles a currency's admin holds from the start on a network whose genesis names only an admin."""


@dataclass(frozen=True, slots=True)
class Genesis:
    """Block 0 and what the first epoch runs by."""

    executed: ExecutedBlock
    validators: ValidatorSet
    validator_payload: bytes
    entries: tuple[GenesisValidator, ...]
    """What the document says of each validator, in the order of the set."""
    parameters: Parameters
    limits: BlockLimits


def build_genesis(document: GenesisDocument, empty_state: StateReader) -> Genesis:
    """Return block 0 of the network that `document` describes.

    Raises: InvalidGenesis naming the field.
    """
    parameters, limits, on_chain = _parameters(document)
    validators = tuple(_validator(entry) for entry in document.validators)
    payload = encode_set_payload(Epoch(0), validators)
    overlay = Overlay(empty_state)
    _write_state(overlay, document, on_chain)
    header = Header(
        parent_hash=ZERO_HASH,
        leader=ZERO_ADDRESS,
        state_root=overlay.seal(),
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bloom_bytes(0),
        height=Height(0),
        gas_limit=limits.block_gas_max,
        gas_used=0,
        timestamp_ms=document.timestamp_ms,
        epoch=Epoch(0),
        view=VIEW_ZERO,
        previous_randao=document_hash(encode_genesis(document)),
        requests_hash=next_set_requests_hash(payload),
    )
    block = make_block(header, ())
    try:
        validator_set = make_validator_set(Epoch(0), validators, block.block_hash)
    except InvalidValidatorSet as error:
        raise InvalidGenesis("validators", str(error)) from error
    executed = ExecutedBlock(block, overlay, (), (), (), (), (), WorkUnits(0), last_of_epoch=False)
    entries = tuple(sorted(document.validators, key=lambda entry: entry.consensus_key))
    return Genesis(executed, validator_set, payload, entries, parameters, limits)


def _parameters(document: GenesisDocument) -> tuple[Parameters, BlockLimits, ProtocolParameters]:
    given = dict(document.parameters)
    consensus_names = [field.name for field in fields(Parameters)]
    for name in given:
        if name not in consensus_names and name not in LIMIT_DEFAULTS and name != ACCOUNT_MODE_NAME:
            known = ", ".join((*consensus_names, *LIMIT_DEFAULTS, ACCOUNT_MODE_NAME))
            raise InvalidGenesis(f"parameters.{name}", f"unknown; parameters are {known}")
    try:
        parameters = Parameters(**{name: given[name] for name in consensus_names if name in given})
    except ParameterOutOfBounds as error:
        raise InvalidGenesis(f"parameters.{error.name}", str(error)) from error
    limits = {name: given.get(name, default) for name, default in LIMIT_DEFAULTS.items()}
    for name, value in limits.items():
        minimum, maximum = LIMIT_BOUNDS[name]
        if not minimum <= value <= maximum:
            raise InvalidGenesis(f"parameters.{name}", f"{value} is not between {minimum} and {maximum}")
    on_chain = ProtocolParameters(
        **{name: getattr(parameters, name) for name in consensus_names},
        **limits,
    )
    block_limits = BlockLimits(
        block_gas_max=limits["block_gas_limit"],
        block_work_max=WorkUnits(limits["block_work_max"]),
        transaction_work_max=WorkUnits(limits["tx_work_max"]),
        body_bytes_max=parameters.block_bytes_max,
    )
    return parameters, block_limits, on_chain


def _validator(entry: GenesisValidator) -> Validator:
    return Validator(
        consensus_key=entry.consensus_key,
        tls_key=entry.tls_key,
        attestation_key=entry.attestation_key,
        operator=entry.operator,
        endpoints_hash=endpoints_hash(entry),
    )


def _write_state(overlay: Overlay, document: GenesisDocument, on_chain: ProtocolParameters) -> None:
    ledger = LedgerGenesis(
        governor=document.governor,
        parameters=on_chain,
        account_mode=dict(document.parameters).get(ACCOUNT_MODE_NAME, ACCOUNT_MODE_OPEN),
        currencies=tuple(_currency(currency) for currency in document.currencies),
        validators=tuple(
            GenesisMember(
                name=entry.name,
                operator=entry.operator,
                keys=ValidatorKeys(entry.consensus_key, entry.tls_key, entry.attestation_key),
                endpoints=entry.endpoints,
            )
            for entry in document.validators
        ),
        banks=tuple(
            BankGenesis(bank.address, bank.name, bank.bic, bank.quota_gas_per_minute, bank.accounts)
            for bank in document.banks
        ),
        # What a block of this time says: the remainder is milliseconds.
        timestamp_s=document.timestamp_ms // 1_000,
    )
    try:
        storage = build_genesis_storage(ledger)
    except InvalidLedgerGenesis as error:
        raise InvalidGenesis(error.subject, error.reason) from error
    journal = Journal(overlay)
    # Also those that begin without a word: an account without code is empty, and what it stores goes with it (EIP-161).
    for address in sorted({*storage, *system_contract_addresses()}):
        write_system_contract(journal, address)
        for slot, value in storage.get(address, {}).items():
            journal.set_slot(address, slot, value)
    journal.set_nonce(HISTORY_ADDRESS, 1)
    journal.set_code(HISTORY_ADDRESS, HISTORY_CODE)
    journal.commit()


def _currency(currency: GenesisCurrency) -> CurrencyGenesis:
    admin_roles = tuple(RoleGrant(role, currency.admin) for role in GENESIS_ROLES)
    minter_roles = tuple(
        RoleGrant("ISSUER_ROLE", minter.address) for minter in currency.minters if minter.address != currency.admin
    )
    return CurrencyGenesis(
        code=currency.code,
        name=currency.name,
        decimals=currency.decimals,
        admin=currency.admin,
        # The document says "no cap" with 0; the contract's own largest supply is that cap.
        supply_cap=currency.supply_cap_minor or SUPPLY_MAX,
        roles=admin_roles + minter_roles,
        minters=tuple(AccountAmount(minter.address, minter.allowance_minor) for minter in currency.minters),
        balances=tuple(AccountAmount(address, amount) for address, amount in currency.balances),
    )
