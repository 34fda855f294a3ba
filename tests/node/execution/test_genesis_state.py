"""Block 0: its hash pins the whole genesis state, and a document that makes none is refused by field."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from consensus.chain.errors import InvalidGenesis
from consensus.chain.genesis import GenesisDocument, decode_genesis, encode_genesis
from consensus.primitives.scalars import Address
from contracts.addresses import CURRENCY_REGISTRY
from contracts.layout import balance_slot
from node.chain.commit import commit_genesis
from node.execution.native import SYSTEM_CODE
from node.execution.system_steps import HISTORY_ADDRESS, HISTORY_CODE
from node.state.rebuild import rebuild_state_root
from node.storage.memory import MemoryStore
from tests.node.execution.ledger import ALICE, BOB, DAVE, EUR, OPENING_MINOR, document, genesis

GENESIS_HASH = "0adad4671e78ab022cf84f8f90c470e313ebba24867e1aca6966e31c8dc0a9a4"
STATE_ROOT = "4fbd5770ecf4f79dbc689860b930589a5c4ee40523ab9989c1849d8aaec2ba17"
"""Of the small network: whoever changes any value of the genesis state changes these, and every network with them."""


def test_genesis_hash_pins_the_whole_state() -> None:
    block = genesis().executed.block
    assert block.header.state_root.hex() == STATE_ROOT
    assert block.block_hash.hex() == GENESIS_HASH


def test_document_that_travelled_as_text_makes_the_same_block() -> None:
    travelled = decode_genesis(encode_genesis(document()))
    assert genesis(travelled).executed.block == genesis().executed.block


@pytest.mark.parametrize(
    "change",
    [
        lambda given: replace(given, name="other"),
        lambda given: replace(given, chain_id=7002),
        lambda given: replace(given, governor=ALICE),
        lambda given: replace(given, parameters=(("block_work_max", 999_999),)),
        lambda given: replace(given, currencies=(replace(given.currencies[0], name="Euros"),)),
    ],
    ids=["name", "chain id", "governor", "parameter", "currency"],
)
def test_any_change_of_the_document_makes_another_network(
    change: Callable[[GenesisDocument], GenesisDocument],
) -> None:
    assert genesis(change(document())).executed.block.block_hash != genesis().executed.block.block_hash


def test_stored_genesis_rebuilds_to_the_root_in_its_header() -> None:
    block_zero, store = genesis(), MemoryStore()
    commit_genesis(store, block_zero.executed, block_zero.validator_payload)
    assert rebuild_state_root(store) == block_zero.executed.block.header.state_root


def test_contracts_and_balances_are_there_from_the_start() -> None:
    state = genesis().executed.overlay
    for address in (EUR, CURRENCY_REGISTRY):
        account = state.account(address)
        assert account is not None and account.nonce == 1
        assert state.code(account.code_hash) == SYSTEM_CODE
    history = state.account(HISTORY_ADDRESS)
    assert history is not None and state.code(history.code_hash) == HISTORY_CODE
    assert [state.storage(EUR, balance_slot(owner)) for owner in (ALICE, BOB, DAVE)] == [
        OPENING_MINOR,
        OPENING_MINOR,
        0,
    ]
    assert state.account(ALICE) is None, "nobody holds native money"


def test_validators_are_sorted_by_key_with_their_entries_beside_them() -> None:
    block_zero = genesis(document(tls_keys=[bytes((number,)) * 32 for number in range(1, 6)]))
    keys = [validator.consensus_key for validator in block_zero.validators.validators]
    assert keys == sorted(keys)
    assert [entry.consensus_key for entry in block_zero.entries] == keys
    assert [entry.operator for entry in block_zero.entries] == [v.operator for v in block_zero.validators.validators]


def with_currency(**changes: object) -> GenesisDocument:
    given = document()
    return replace(given, currencies=(replace(given.currencies[0], **changes),))  # type: ignore[arg-type]  # by name


REFUSED: dict[str, tuple[str, Callable[[], GenesisDocument]]] = {
    "unknown parameter": ("parameters.block_wrok_max", lambda: document(parameters=(("block_wrok_max", 1),))),
    "consensus parameter out of bounds": (
        "parameters.network_delta_ms",
        lambda: document(parameters=(("network_delta_ms", 1),)),
    ),
    "limit too low": ("parameters.tx_work_max", lambda: document(parameters=(("tx_work_max", 49_999),))),
    "limit too high": (
        "parameters.block_gas_limit",
        lambda: document(parameters=(("block_gas_limit", 10_000_000_001),)),
    ),
    "same validator twice": (
        "name is given twice",
        lambda: replace(document(), validators=document().validators * 2),
    ),
    "no validators": ("validators", lambda: replace(document(), validators=())),
    "same currency twice": (
        "currency 'EUR': CurrencyCodeTaken",
        lambda: replace(document(), currencies=document().currencies * 2),
    ),
    "code of no currency": ("currency 'eu'", lambda: with_currency(code="eu")),
    "more money than the cap": ("currency 'EUR': SupplyCapExceeded", lambda: with_currency(supply_cap_minor=1)),
    "money of nobody": ("currency 'EUR': balance", lambda: with_currency(balances=((Address(bytes(20)), 1),))),
}


@pytest.mark.parametrize(("field", "make"), REFUSED.values(), ids=REFUSED)
def test_document_that_makes_no_network_is_refused_by_field(field: str, make: Callable[[], GenesisDocument]) -> None:
    with pytest.raises(InvalidGenesis) as caught:
        genesis(make())
    assert field in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("tx_work_max", 50_000), ("block_gas_limit", 10_000_000_000)])
def test_parameter_at_its_bound_is_taken(name: str, value: int) -> None:
    limits = genesis(document(parameters=((name, value),))).limits
    assert value in (limits.transaction_work_max, limits.block_gas_max)
