"""The contracts of a development network: where they stand, and what creates them."""

import pytest

from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.hashing import keccak256
from contracts.addresses import currency_address
from contracts.loader import load
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.cli.predeploys import predeployer, predeploys, sign_predeploys


def test_every_settlement_contract_is_there_once_and_the_interbank_one_for_each_currency() -> None:
    names = [contract.name for contract in predeploys()]
    single = ["SettlementEngine", "Escrow", "FxDesk", "HashedTimelock", "Mandate", "PurposeBound", "Prepaid"]
    assert names == [*single, "InterbankTransfer.CNY", "InterbankTransfer.EUR", "InterbankTransfer.JPY"]


def test_addresses_never_change() -> None:
    listed = "".join(contract.facts()["address"] for contract in predeploys())
    assert keccak256(listed.encode()).hex() == "e747d0363081c5cffa359319d494c6b354f5a51e5fcbec45960b95dfbaf8af52"


def test_a_contract_for_one_currency_is_created_with_its_address() -> None:
    [euro] = [contract for contract in predeploys() if contract.name == "InterbankTransfer.EUR"]
    assert euro.init_code == load("InterbankTransfer").init_code + currency_address(2).rjust(32, b"\x00")


@pytest.mark.parametrize("nonce", [0, 4, 10])
def test_only_what_is_missing_is_signed_by_the_account_that_creates(nonce: int) -> None:
    signed = [
        decode_transaction(bytes.fromhex(out.raw[2:])) for out in sign_predeploys(DEVNET_CHAIN_ID, nonce_first=nonce)
    ]
    assert [transaction.nonce for transaction in signed] == list(range(nonce, 10))
    assert [transaction.data for transaction in signed] == [contract.init_code for contract in predeploys()[nonce:]]
    assert all(recover_sender(transaction) == predeployer().address for transaction in signed)
