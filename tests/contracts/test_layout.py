"""Slots: against another keccak, and against the published vectors."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address
from contracts import layout
from contracts.abi import AbiValue
from contracts.addresses import CURRENCY_REGISTRY, PROTOCOL_CONFIG, VALIDATOR_REGISTRY
from contracts.declarations import encode_call
from contracts.layout import (
    PROTOCOL_PARAMETER_SLOTS,
    CurrencySlots,
    MemberWords,
    ProtocolConfigSlots,
    ValidatorRegistrySlots,
)
from contracts.native.directory import lookup
from contracts.native.dispatch import find_function
from contracts.native.genesis import build_genesis_storage
from contracts.native.roles import ATTESTOR_ROLE, ENFORCER_ROLE, FREEZER_ROLE, ISSUER_ROLE
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    EUR,
    GOVERNOR,
    ISSUER,
    MEMO,
    DictionaryContext,
    Ledger,
    Storage,
    genesis,
    validator,
)

accounts = st.binary(min_size=20, max_size=20)


def solidity_slot(key: bytes, slot: int) -> int:
    """What solc computes for a mapping entry."""
    return int.from_bytes(keccak(key + slot.to_bytes(32, "big")), "big")


@settings(max_examples=50, deadline=None)
@given(accounts, accounts, st.binary(min_size=32, max_size=32))
def test_slots_are_where_solidity_puts_them(owner: bytes, spender: bytes, role: bytes) -> None:
    padded_owner, padded_spender = owner.rjust(32, b"\x00"), spender.rjust(32, b"\x00")
    assert layout.balance_slot(owner) == solidity_slot(padded_owner, 2)
    assert layout.allowance_slot(owner, spender) == solidity_slot(padded_spender, solidity_slot(padded_owner, 3))
    assert layout.minter_allowance_slot(owner) == solidity_slot(padded_owner, 7)
    assert layout.role_slot(role, owner) == solidity_slot(padded_owner, solidity_slot(role, 13))
    assert layout.currency_id_slot(b"EUR") == solidity_slot(b"EUR", 1)
    assert layout.validator_slot(3) == int.from_bytes(keccak(bytes(32)), "big") + 15


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 100))
def test_text_is_read_back_as_it_was_written(text: bytes, slot: int) -> None:
    words = layout.encode_text(text, slot)
    assert layout.read_text(lambda wanted: words[wanted], slot) == text
    if len(text) < 32:
        assert words == {slot: int.from_bytes(text + bytes(31 - len(text)) + bytes((2 * len(text),)), "big")}
    else:
        assert words[slot] == 2 * len(text) + 1
        assert set(words) - {slot} == {
            int.from_bytes(keccak(slot.to_bytes(32, "big")), "big") + index for index in range((len(text) + 31) // 32)
        }


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**256 - 1), st.integers(0, 2**64 - 1))
def test_writing_a_packed_field_keeps_its_neighbours(word: int, value: int) -> None:
    changed = layout.write_packed(word, value, offset_bits=24, bits=64)
    assert layout.read_packed(changed, offset_bits=24, bits=64) == value
    assert layout.read_packed(changed, offset_bits=0, bits=24) == layout.read_packed(word, offset_bits=0, bits=24)
    assert changed >> 88 == word >> 88


@pytest.mark.parametrize("value", [-1, 256])
def test_a_value_too_large_for_its_field_is_a_programming_error(value: int) -> None:
    with pytest.raises(AssertionError):
        layout.write_packed(0, value, offset_bits=0, bits=8)


def test_fields_of_a_currency_never_move() -> None:
    assert {name: slot for name, slot in vars(CurrencySlots).items() if name.isupper()} == {
        "FLAGS": 0,
        "TOTAL_SUPPLY": 1,
        "BALANCES": 2,
        "ALLOWANCES": 3,
        "FROZEN": 4,
        "HELD": 5,
        "HOLDS": 6,
        "MINTER_ALLOWANCES": 7,
        "NONCES": 8,
        "AUTHORIZATION_STATES": 9,
        "REDEMPTIONS": 10,
        "PARKED": 11,
        "RESERVES": 12,
        "ROLES": 13,
        "ADMIN_COUNT": 14,
        "ADMIN_TRANSFER_FROM": 15,
        "ADMIN_TRANSFER_TO": 16,
        "SUPPLY_CAP": 17,
        "NAME": 18,
        "SYMBOL": 19,
        "REDEMPTION_COUNT": 20,
        "RESERVE_DOCUMENT": 21,
        "TIER_LIMITS": 30,
        "DAILY_USE": 31,
    }


def test_fields_of_the_registry_and_the_configuration_never_move() -> None:
    assert {name: slot for name, slot in vars(ValidatorRegistrySlots).items() if name.isupper()} == {
        "VALIDATORS": 0,
        "EPOCH": 1,
        "GENESIS_HASH": 2,
        "MEMBERS": 3,
        "OPERATOR_BY_NAME": 4,
        "KEYS": 5,
        "ENDPOINTS": 6,
        "APPLICANTS": 7,
        "CANDIDATES": 8,
        "LAST_SEQUENCE": 9,
        "FORMER_SETS": 10,
        "EVIDENCE": 11,
        "EVIDENCE_KNOWN": 12,
        "SUSPENDED": 13,
    }
    assert {name: offset for name, offset in vars(MemberWords).items() if name.isupper()} == {
        "STATUS": 0,
        "REQUESTS": 1,
        "KEYS": 2,
        "ENDPOINTS_HASH": 5,
        "NEXT_KEYS": 6,
        "NAME": 9,
    }
    assert {name: slot for name, slot in vars(ProtocolConfigSlots).items() if name.isupper()} == {
        "GOVERNOR": 0,
        "GOVERNOR_OFFERED": 13,
        "SCHEDULED": 14,
        "ACCOUNT_MODE": 15,
    }
    assert {name: slot for name, slot in vars(layout.PolicyRegistrySlots).items() if name.isupper()} == {
        "COUNT": 0,
        "POLICIES": 1,
        "ADMINS_OFFERED": 2,
        "LISTED": 3,
    }
    assert {name: slot for name, slot in vars(layout.AccountRegistrySlots).items() if name.isupper()} == {
        "RECORDS": 0,
        "BANK_COUNT": 1,
        "BANKS": 2,
        "BANK_ID_BY_ADDRESS": 3,
    }
    assert sorted(PROTOCOL_PARAMETER_SLOTS.values()) == [*range(1, 13), 16, 17, 18]


def vector(name: str) -> dict[str, object]:
    """Return a committed vector file."""
    text = (resources.files("tests.vectors.contracts") / f"{name}.json").read_text("utf-8")
    document: dict[str, object] = json.loads(text)
    return document


def storage_json(storage: Storage) -> dict[str, dict[str, str]]:
    """Return storage as the vectors write it."""
    return {
        f"0x{address.hex()}": {f"0x{slot:064x}": f"0x{word:x}" for slot, word in sorted(slots.items()) if word}
        for address, slots in sorted(storage.items())
    }


def test_genesis_storage_equals_its_vector() -> None:
    assert storage_json(build_genesis_storage(genesis())) == vector("genesis_storage")


Call = tuple[Address, Address, str, tuple[AbiValue, ...]]

HOLD_EXPIRES_S = DictionaryContext.block_timestamp_s + 100
HOLD: Call = (ALICE, EUR, "createHold", (MEMO, BOB, CAROL, 7, HOLD_EXPIRES_S, MEMO))

PREPARATIONS: dict[str, Call] = {
    "grant_enforcer": (ADMIN, EUR, "grantRole", (ENFORCER_ROLE, ADMIN)),
    "grant_attestor": (ADMIN, EUR, "grantRole", (ATTESTOR_ROLE, ADMIN)),
}

CALLS: dict[str, Call] = {
    "transfer": (ALICE, EUR, "transfer", (BOB, 7)),
    "transfer_with_memo": (ALICE, EUR, "transferWithMemo", (BOB, 7, MEMO)),
    "approve": (ALICE, EUR, "approve", (BOB, 7)),
    "create_currency": (GOVERNOR, CURRENCY_REGISTRY, "createCurrency", ("CNY.BANKA", "x" * 40, 2, BOB)),
    "set_parameter": (GOVERNOR, PROTOCOL_CONFIG, "setParameter", ("block_gas_limit", 200_000_000)),
    "suspend": (GOVERNOR, VALIDATOR_REGISTRY, "suspend", (validator(0).operator,)),
    "set_endpoints": (validator(1).operator, VALIDATOR_REGISTRY, "setEndpoints", (("bank.example:30300", "[::1]:1"),)),
    "leave": (validator(2).operator, VALIDATOR_REGISTRY, "requestLeave", ()),
    "end_epoch": (GOVERNOR, VALIDATOR_REGISTRY, "endEpoch", ()),
    "refused_transfer": (BOB, EUR, "transfer", (ALICE, 7)),
    "transfer_batch": (ALICE, EUR, "transferBatch", ((BOB, CAROL, BOB), (3, 4, 5), (MEMO, MEMO, MEMO))),
    "grant_role": (ADMIN, EUR, "grantRole", (FREEZER_ROLE, ADMIN)),
    "set_frozen_tokens": (ADMIN, EUR, "setFrozenTokens", (ALICE, 60_000)),
    "forced_transfer": (ADMIN, EUR, "forcedTransfer", (ALICE, BOB, 50_000)),
    "request_redemption": (ALICE, EUR, "requestRedemption", (7, MEMO)),
    "complete_redemption": (ISSUER, EUR, "completeRedemption", (1,)),
    "attest_reserves": (ADMIN, EUR, "attestReserves", (200_000, HOLD_EXPIRES_S - 100, MEMO)),
    "create_hold": HOLD,
    "execute_hold": (CAROL, EUR, "executeHold", (MEMO, 3)),
    "consent_to_extension": (CAROL, EUR, "consentToExtension", (MEMO, HOLD_EXPIRES_S + 9)),
    "release_hold": (CAROL, EUR, "releaseHold", (MEMO,)),
}

BEFORE: dict[str, tuple[str, ...]] = {
    "set_frozen_tokens": ("grant_role",),
    "forced_transfer": ("grant_role", "set_frozen_tokens", "grant_enforcer"),
    "complete_redemption": ("request_redemption",),
    "attest_reserves": ("grant_attestor",),
    "execute_hold": ("create_hold",),
    "consent_to_extension": ("create_hold",),
    "release_hold": ("create_hold", "execute_hold"),
}
"""Calls that run before the one a vector shows."""


def call_json(name: str) -> dict[str, object]:
    """Return what a call does to the genesis ledger of the tests, and what came before it, as the vectors write it."""
    caller, address, function, values = CALLS[name]
    contract = lookup(address)
    assert contract is not None
    ledger = Ledger()
    for earlier in BEFORE.get(name, ()):
        by, at, earlier_function, earlier_values = {**PREPARATIONS, **CALLS}[earlier]
        assert ledger.call(by, at, earlier_function, *earlier_values).error is None
    before = {holder: dict(slots) for holder, slots in ledger.storage.items()}
    calldata = encode_call(find_function(contract, function), *values)
    result, logs = ledger.run(caller, address, calldata)
    changed = {
        holder: {slot: word for slot, word in slots.items() if before.get(holder, {}).get(slot) != word}
        for holder, slots in ledger.storage.items()
    }
    return {
        "caller": f"0x{caller.hex()}",
        "to": f"0x{address.hex()}",
        "calldata": f"0x{calldata.hex()}",
        "success": result.success,
        "output": f"0x{result.output.hex()}",
        "gas_used": result.gas_used,
        "work": result.work,
        "logs": [
            {
                "address": f"0x{emitter.hex()}",
                "topics": [f"0x{topic.hex()}" for topic in topics],
                "data": f"0x{data.hex()}",
            }
            for emitter, topics, data in logs
        ],
        "storage": storage_json({holder: slots for holder, slots in changed.items() if slots}),
    }


@pytest.mark.parametrize("name", CALLS)
def test_a_call_equals_its_vector(name: str) -> None:
    assert call_json(name) == vector("calls")[name]


def slots_json() -> dict[str, str]:
    """Return where the fields of a currency lie for the accounts of the tests, as the vectors write it."""
    slots = {
        "balances[alice]": layout.balance_slot(ALICE),
        "allowances[alice][bob]": layout.allowance_slot(ALICE, BOB),
        "frozen[alice]": layout.frozen_slot(ALICE),
        "held[alice]": layout.held_slot(ALICE),
        "holds[memo]": layout.hold_slot(MEMO),
        "minterAllowances[issuer]": layout.minter_allowance_slot(ISSUER),
        "nonces[alice]": layout.permit_nonce_slot(ALICE),
        "authorizationStates[alice][memo]": layout.authorization_slot(ALICE, MEMO),
        "redemptions[1]": layout.redemption_slot(1),
        "parked[alice]": layout.parked_slot(ALICE),
        "roles[ISSUER_ROLE][issuer]": layout.role_slot(ISSUER_ROLE, ISSUER),
        "tierLimits[255]": layout.tier_limits_slot(255),
        "dailyUse[alice]": layout.daily_use_slot(ALICE),
    }
    return {name: f"0x{slot:064x}" for name, slot in slots.items()}


def test_slots_of_a_currency_equal_their_vector() -> None:
    assert slots_json() == vector("currency_slots")


def test_slots_of_records_and_parts_of_a_position_are_where_solidity_puts_them() -> None:
    padded = ALICE.rjust(32, b"\x00")
    assert layout.frozen_slot(ALICE) == solidity_slot(padded, 4)
    assert layout.held_slot(ALICE) == solidity_slot(padded, 5)
    assert layout.parked_slot(ALICE) == solidity_slot(padded, 11)
    assert layout.hold_slot(MEMO) == solidity_slot(MEMO, 6)
    assert layout.redemption_slot(258) == solidity_slot((258).to_bytes(32, "big"), 10)


def test_words_of_records_never_move() -> None:
    assert {name: word for name, word in vars(layout.HoldWords).items() if name.isupper()} == {
        "PAYER": 0,
        "PAYEE": 1,
        "NOTARY": 2,
        "AMOUNTS": 3,
        "MEMO": 4,
    }
    assert {name: word for name, word in vars(layout.RedemptionWords).items() if name.isupper()} == {
        "OWNER": 0,
        "AMOUNT": 1,
        "MEMO": 2,
    }


def test_the_storage_page_lists_every_slot_of_a_currency() -> None:
    page = (Path(__file__).parents[2] / "docs" / "contracts" / "currency-storage.md").read_text("utf-8")
    listed = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
    assert [int(slot) for slot in listed] == sorted(
        slot for name, slot in vars(CurrencySlots).items() if name.isupper()
    )
