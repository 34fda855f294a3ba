"""Accounts that let a contract's code run for them. Source: EIP-7702."""

from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from consensus.chain.transaction import decode_transaction, intrinsic_gas, recover_sender, validate_transaction
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from node.execution.delegation import DELEGATION_PREFIX, delegate_of
from node.execution.genesis_state import Genesis
from node.execution.transition import Outcome, SignedTransaction, apply_transaction, validate_on_state
from node.state.journal import Journal
from node.state.overlay import Overlay
from tests.node.execution.ledger import CHAIN_ID, context, genesis

ALICE: LocalAccount = Account.from_key("0x" + "a1" * 32)
BOB: LocalAccount = Account.from_key("0x" + "b0" * 32)
CODE_AT = Address(b"\xc0" * 20)
STORES_CALLER = bytes.fromhex("33 6000 55 00".replace(" ", ""))
"""CALLER PUSH0 SSTORE STOP, in older words."""


def address_of(account: LocalAccount) -> Address:
    return Address(bytes.fromhex(account.address[2:]))


@pytest.fixture
def journal() -> Journal:
    made = Journal(Overlay(genesis().executed.overlay))
    made.set_code(CODE_AT, STORES_CALLER)
    made.set_nonce(CODE_AT, 1)
    made.commit()
    return made


def authorization(account: LocalAccount, **changes: Any) -> Any:
    fields = {"chainId": CHAIN_ID, "address": CODE_AT, "nonce": 0, **changes}
    return account.sign_authorization(fields)


def send(journal: Journal, *authorizations: Any, sender: LocalAccount = BOB, to: Address | None = None) -> Outcome:
    target = address_of(ALICE) if to is None else to
    raw = sender.sign_transaction(
        {
            "type": 4,
            "chainId": CHAIN_ID,
            "nonce": journal.get_nonce(address_of(sender)),
            "gas": 300_000,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "to": target,
            "value": 0,
            "data": b"",
            "accessList": [],
            "authorizationList": list(authorizations),
        }
    ).raw_transaction
    transaction = decode_transaction(bytes(raw))
    validate_transaction(transaction, chain_id=CHAIN_ID)
    signed = SignedTransaction(transaction, recover_sender(transaction))
    validate_on_state(journal, transaction, signed.sender)
    outcome = apply_transaction(journal, context(GENESIS), signed)
    journal.commit()
    return outcome


GENESIS: Genesis = genesis()


def test_delegated_account_runs_the_code_on_its_own_storage(journal: Journal) -> None:
    outcome = send(journal, authorization(ALICE))
    alice = address_of(ALICE)
    assert outcome.succeeded
    assert delegate_of(journal.get_code(alice)) == CODE_AT
    assert journal.get_slot(alice, 0) == int.from_bytes(address_of(BOB), "big")
    assert journal.get_nonce(alice) == 1
    assert journal.get_slot(CODE_AT, 0) == 0


def test_delegated_account_still_signs_transactions(journal: Journal) -> None:
    send(journal, authorization(ALICE))
    assert send(journal, authorization(BOB, nonce=1), sender=ALICE, to=CODE_AT).succeeded


def test_delegation_to_nobody_gives_the_account_back(journal: Journal) -> None:
    send(journal, authorization(ALICE))
    send(journal, authorization(ALICE, nonce=1, address=ZERO_ADDRESS))
    assert journal.get_code(address_of(ALICE)) == b""
    assert journal.get_nonce(address_of(ALICE)) == 2


@pytest.mark.parametrize("changes", [{"nonce": 1}, {"chainId": CHAIN_ID + 1}], ids=["another nonce", "another network"])
def test_authorization_that_does_not_hold_is_skipped_and_the_transaction_goes_on(
    journal: Journal, changes: dict[str, Any]
) -> None:
    outcome = send(journal, authorization(ALICE, **changes))
    assert outcome.succeeded
    assert journal.get_code(address_of(ALICE)) == b""


def test_authorization_for_every_network_holds_here(journal: Journal) -> None:
    send(journal, authorization(ALICE, chainId=0))
    assert delegate_of(journal.get_code(address_of(ALICE))) == CODE_AT


def test_sender_that_authorizes_itself_counts_the_transaction_first(journal: Journal) -> None:
    send(journal, authorization(BOB, nonce=1), to=CODE_AT)
    assert delegate_of(journal.get_code(address_of(BOB))) == CODE_AT
    assert journal.get_nonce(address_of(BOB)) == 2


def test_delegation_stays_when_the_call_fails(journal: Journal) -> None:
    journal.set_code(CODE_AT, bytes.fromhex("fe"))
    journal.commit()
    outcome = send(journal, authorization(ALICE))
    assert not outcome.succeeded
    assert delegate_of(journal.get_code(address_of(ALICE))) == CODE_AT


def test_account_that_exists_gets_a_refund_of_half_its_authorization(journal: Journal) -> None:
    first = send(journal, authorization(ALICE), to=Address(b"\x0d" * 20))
    again = send(journal, authorization(ALICE, nonce=1), to=Address(b"\x0d" * 20))
    # Of 46 000 a fifth at most comes back (EIP-3529).
    assert (first.gas_used, again.gas_used) == (46_000, 46_000 - 46_000 // 5)


def test_contract_cannot_be_delegated(journal: Journal) -> None:
    journal.set_code(address_of(ALICE), b"\x00")
    journal.commit()
    send(journal, authorization(ALICE))
    assert journal.get_code(address_of(ALICE)) == b"\x00"


@pytest.mark.parametrize(
    ("code", "delegate"),
    [
        (DELEGATION_PREFIX + CODE_AT, CODE_AT),
        (DELEGATION_PREFIX + CODE_AT + b"\x00", None),
        (DELEGATION_PREFIX + CODE_AT[1:], None),
        (b"\xef\x01\x01" + CODE_AT, None),
        (b"", None),
    ],
)
def test_delegation_is_recognised_by_its_exact_form(code: bytes, delegate: Address | None) -> None:
    assert delegate_of(code) == delegate


def test_authorization_costs_25000_gas() -> None:
    def raw(*authorizations: Any) -> bytes:
        fields: dict[str, Any] = {"type": 4, "chainId": CHAIN_ID, "nonce": 0, "gas": 300_000, "maxFeePerGas": 0}
        fields |= {"maxPriorityFeePerGas": 0, "to": CODE_AT, "value": 0, "data": b"", "accessList": []}
        return bytes(BOB.sign_transaction({**fields, "authorizationList": list(authorizations)}).raw_transaction)

    one, two = (
        intrinsic_gas(decode_transaction(raw(*[authorization(ALICE, nonce=index) for index in range(count)])))
        for count in (1, 2)
    )
    assert (one, two - one) == (46_000, 25_000)
