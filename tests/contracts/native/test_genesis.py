"""What the genesis state holds, and which documents are refused."""

from dataclasses import fields, replace

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.addresses import (
    ACCOUNT_REGISTRY,
    CURRENCY_REGISTRY,
    PROTOCOL_CONFIG,
    VALIDATOR_REGISTRY,
    currency_address,
)
from contracts.layout import PROTOCOL_PARAMETER_SLOTS, ProtocolConfigSlots
from contracts.native.genesis import (
    AccountAmount,
    BankGenesis,
    InvalidLedgerGenesis,
    LedgerGenesis,
    RoleGrant,
    build_genesis_storage,
)
from contracts.native.protocol_config import ProtocolParameters, view_name
from contracts.native.roles import ISSUER_ROLE, ROLE_NAMES
from contracts.validator_keys import hash_endpoints
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    EUR,
    GOVERNOR,
    ISSUER,
    JPY,
    PARAMETERS,
    DictionaryContext,
    Ledger,
    euro,
    genesis,
    validator,
)


def test_a_currency_begins_with_its_balances_roles_and_allowances() -> None:
    ledger = Ledger()
    assert ledger.read(EUR, "totalSupply") == 105_000
    assert ledger.read(EUR, "balanceOf", ALICE) == 100_000
    assert ledger.read(EUR, "balanceOf", ISSUER) == 5_000
    assert ledger.read(EUR, "minterAllowance", ISSUER) == 50_000
    assert ledger.read(EUR, "supplyCap") == 1_000_000
    for grant in euro().roles:
        assert ledger.read(EUR, "hasRole", ROLE_NAMES[grant.role], grant.account) is True
    assert ledger.read(EUR, "hasRole", ISSUER_ROLE, ADMIN) is False


def test_a_currency_from_genesis_is_stored_like_one_created_later() -> None:
    from_genesis = build_genesis_storage(genesis(euro(supply_cap=2**128 - 1, roles=(), minters=(), balances=())))
    ledger = Ledger(genesis())
    ledger.call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", "EUX", "Euro", 2, ADMIN)
    created = ledger.storage[currency_address(3)]
    differing = {slot for slot in {*created, *from_genesis[EUR]} if created.get(slot) != from_genesis[EUR].get(slot)}
    assert differing == {19}, "only the symbol differs"


@pytest.mark.parametrize("field", [field.name for field in fields(ProtocolParameters)])
def test_every_parameter_is_on_chain_in_its_published_slot(field: str) -> None:
    ledger = Ledger()
    value = getattr(PARAMETERS, field)
    assert ledger.read(PROTOCOL_CONFIG, view_name(field)) == value
    assert ledger.storage[PROTOCOL_CONFIG][PROTOCOL_PARAMETER_SLOTS[field]] == value


def test_parameter_views_have_their_published_names() -> None:
    assert view_name("network_delta_ms") == "networkDeltaMs"
    assert view_name("block_gas_limit") == "blockGasLimit"
    assert view_name("tx_work_max") == "txWorkMax"


def test_the_governor_is_on_chain() -> None:
    ledger = Ledger()
    assert ledger.read(PROTOCOL_CONFIG, "governor") == GOVERNOR
    assert ledger.storage[PROTOCOL_CONFIG][ProtocolConfigSlots.GOVERNOR] == int.from_bytes(GOVERNOR, "big")


def test_validators_are_on_chain_by_consensus_key() -> None:
    ledger = Ledger()
    assert ledger.read(VALIDATOR_REGISTRY, "validatorCount") == 4
    for index in range(4):
        member = validator(3 - index)
        outcome = ledger.call(ALICE, VALIDATOR_REGISTRY, "validatorAt", index)
        assert outcome.values == (*member.keys.each(), member.operator, hash_endpoints(member.endpoints))
    error = ledger.call(ALICE, VALIDATOR_REGISTRY, "validatorAt", 4).error
    assert error == "IndexOutOfRange(index=4, count=4)"


def test_no_zero_word_is_stored_and_the_order_of_writing_is_fixed() -> None:
    first = build_genesis_storage(genesis())
    second = build_genesis_storage(genesis())
    assert [(address, list(slots.items())) for address, slots in first.items()] == [
        (address, list(slots.items())) for address, slots in second.items()
    ]
    assert all(word for slots in first.values() for word in slots.values())


def test_a_ledger_without_currencies_is_valid() -> None:
    storage = build_genesis_storage(LedgerGenesis(GOVERNOR, PARAMETERS, (), (validator(0),)))
    assert storage[CURRENCY_REGISTRY] == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": "eur"}, "InvalidCurrencyCode"),
        ({"name": ""}, "InvalidCurrencyName"),
        ({"decimals": 19}, "InvalidDecimals"),
        ({"decimals": -1}, "decimals -1"),
        ({"decimals": 256}, "decimals 256"),
        ({"admin": ZERO_ADDRESS}, "admin 0x00.* no account can have"),
        ({"supply_cap": 2**128}, "supply cap"),
        ({"supply_cap": 104_999}, r"SupplyCapExceeded\(cap=104999, supply=100000, amount=5000\)"),
        ({"roles": (RoleGrant("KING_ROLE", ALICE),)}, "no role 'KING_ROLE'"),
        ({"roles": (RoleGrant("ISSUER_ROLE", ZERO_ADDRESS),)}, "ISSUER_ROLE 0x00.* no account can have"),
        ({"minters": (AccountAmount(ALICE, 1), AccountAmount(ALICE, 1))}, "minter of .* twice"),
        ({"minters": (AccountAmount(ALICE, 2**128),)}, "is not 0 to"),
        ({"balances": (AccountAmount(ALICE, 1), AccountAmount(ALICE, 1))}, "balance of .* twice"),
        ({"balances": (AccountAmount(ALICE, -1),)}, "is not 0 to"),
        ({"balances": (AccountAmount(ZERO_ADDRESS, 1),)}, "no account can have"),
        ({"balances": (AccountAmount(JPY, 1),)}, "no account can have"),
    ],
)
def test_a_currency_the_rules_refuse_is_named(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidLedgerGenesis, match=reason):
        build_genesis_storage(genesis(euro(**changes)))


def test_a_supply_equal_to_the_cap_is_accepted() -> None:
    build_genesis_storage(genesis(euro(supply_cap=105_000)))


def test_two_currencies_with_one_code_are_refused() -> None:
    with pytest.raises(InvalidLedgerGenesis, match="CurrencyCodeTaken"):
        build_genesis_storage(genesis(euro(), euro()))


def test_a_network_needs_a_governor_and_parameters_that_fit() -> None:
    for address in (ZERO_ADDRESS, EUR, Address(GOVERNOR + b"\x00"), Address(GOVERNOR[:19])):
        with pytest.raises(InvalidLedgerGenesis, match=r"governor 0x.* no account can have"):
            build_genesis_storage(replace(genesis(), governor=address))
    for value in (-1, 2**64):
        with pytest.raises(InvalidLedgerGenesis, match="block_gas_limit"):
            build_genesis_storage(replace(genesis(), parameters=replace(PARAMETERS, block_gas_limit=value)))


def test_a_network_needs_validators_with_whole_and_different_keys() -> None:
    with pytest.raises(InvalidLedgerGenesis, match="at least one"):
        build_genesis_storage(replace(genesis(), validators=()))
    first, second = validator(1), validator(2)
    for twin, reason in (
        (replace(second, name=first.name), "name is given twice"),
        (replace(second, operator=first.operator), "has another validator"),
        (replace(second, keys=first.keys), "consensus key 0x.* is given twice"),
        (replace(second, keys=replace(second.keys, attestation=first.keys.tls)), "attestation key 0x.* given twice"),
        (replace(second, keys=replace(second.keys, tls=bytes(31))), "tls key has 31 bytes"),
        (replace(second, name="Bank"), "a name has 1 to 31"),
    ):
        with pytest.raises(InvalidLedgerGenesis, match=reason):
            build_genesis_storage(replace(genesis(), validators=(first, twin)))
    with pytest.raises(InvalidLedgerGenesis, match=r"operator 0x00.* no account can have"):
        build_genesis_storage(replace(genesis(), validators=(replace(validator(1), operator=ZERO_ADDRESS),)))


BANK = Address(b"\xba" * 20)
OTHER_BANK = Address(b"\xbb" * 20)
CUSTOMER = Address(b"\xc1" * 20)


def test_banks_and_accounts_from_genesis_are_stored_like_those_registered_later() -> None:
    banks = (
        BankGenesis(BANK, "Bank A", "BANKDEFF", 500, ((CUSTOMER, 3),)),
        BankGenesis(OTHER_BANK, "Bank B", "BANKFRPP", 0),
    )
    ledger = Ledger()
    ledger.call(GOVERNOR, ACCOUNT_REGISTRY, "registerBank", BANK, "Bank A", "BANKDEFF", 500)
    ledger.call(BANK, ACCOUNT_REGISTRY, "registerAccount", CUSTOMER, 3)
    ledger.call(GOVERNOR, ACCOUNT_REGISTRY, "registerBank", OTHER_BANK, "Bank B", "BANKFRPP", 0)
    from_genesis = build_genesis_storage(
        replace(genesis(), banks=banks, timestamp_s=DictionaryContext.block_timestamp_s)
    )
    assert from_genesis[ACCOUNT_REGISTRY] == ledger.storage[ACCOUNT_REGISTRY]


@pytest.mark.parametrize(
    ("banks", "reason"),
    [
        ((BankGenesis(BANK, "", "BANKDEFF", 0),), "InvalidBankName"),
        ((BankGenesis(BANK, "A", "BANK", 0),), "InvalidBic"),
        ((BankGenesis(BANK, "A", "BANKDEFF", 2**64),), "quota"),
        ((BankGenesis(BANK, "A", "BANKDEFF", 0, ((CUSTOMER, 255),)),), "InvalidTier"),
        ((BankGenesis(BANK, "A", "BANKDEFF", 0), BankGenesis(BANK, "B", "BANKFRPP", 0)), "Registered"),
        ((BankGenesis(BANK, "A", "BANKDEFF", 0, ((CUSTOMER, 0), (CUSTOMER, 0))),), "Registered"),
        ((BankGenesis(ZERO_ADDRESS, "A", "BANKDEFF", 0),), "InvalidRoleAccount"),
    ],
    ids=["no name", "no BIC", "quota too large", "tier too high", "bank twice", "account twice", "no address"],
)
def test_a_bank_that_the_registrys_own_rules_refuse_is_named(banks: tuple[BankGenesis, ...], reason: str) -> None:
    with pytest.raises(InvalidLedgerGenesis, match=f"bank '{banks[-1].name}': .*{reason}"):
        build_genesis_storage(replace(genesis(), banks=banks))
