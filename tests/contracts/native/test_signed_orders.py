"""Permits and authorizations, signed by an independent library as wallets do."""

from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.layout import UINT256_MAX
from tests.contracts.ledger import ALICE, BOB, CAROL, EUR, JPY, PAUSER, DictionaryContext, Ledger, Outcome, text

OWNER: LocalAccount = Account.from_key("0x" + "0a" * 32)
OTHER: LocalAccount = Account.from_key("0x" + "0b" * 32)
OWNER_ADDRESS = Address(bytes.fromhex(OWNER.address[2:]))
NONCE = bytes(range(32, 64))
NOW = DictionaryContext.block_timestamp_s
CHAIN_ID = DictionaryContext.chain_id

PERMIT = {"owner": "address", "spender": "address", "value": "uint256", "nonce": "uint256", "deadline": "uint256"}
TRANSFER = {
    "from": "address",
    "to": "address",
    "value": "uint256",
    "validAfter": "uint256",
    "validBefore": "uint256",
    "nonce": "bytes32",
}
CANCEL = {"authorizer": "address", "nonce": "bytes32"}


def sign(
    kind: str, fields: dict[str, str], values: dict[str, Any], *, signer: LocalAccount = OWNER, **domain: Any
) -> tuple[int, bytes, bytes]:
    """Return v, r, s of typed data for the euro."""
    shown = {
        name: Web3.to_checksum_address(value) if fields[name] == "address" else value for name, value in values.items()
    }
    separator = {
        "name": "Euro",
        "version": "1",
        "chainId": CHAIN_ID,
        "verifyingContract": Web3.to_checksum_address(EUR),
        **domain,
    }
    types = {kind: [{"name": name, "type": kind_of} for name, kind_of in fields.items()]}
    signed = Account.sign_typed_data(signer.key, separator, types, shown)
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger()
    assert made.call(ALICE, EUR, "transfer", OWNER_ADDRESS, 1_000).error is None
    return made


def permit_values(**changes: Any) -> dict[str, Any]:
    return {"owner": OWNER_ADDRESS, "spender": BOB, "value": 70, "nonce": 0, "deadline": NOW} | changes


def authorization_values(**changes: Any) -> dict[str, Any]:
    wanted = {"from": OWNER_ADDRESS, "to": BOB, "value": 70, "validAfter": NOW - 1, "validBefore": NOW + 1}
    return {**wanted, "nonce": NONCE, **changes}


def submit_permit(ledger: Ledger, values: dict[str, Any], signature: tuple[int, bytes, bytes]) -> Outcome:
    given = (values["owner"], values["spender"], values["value"], values["deadline"])
    return ledger.call(CAROL, EUR, "permit", *given, *signature)


def submit(
    ledger: Ledger, function: str, values: dict[str, Any], signature: tuple[int, bytes, bytes], caller: Address = CAROL
) -> Outcome:
    return ledger.call(caller, EUR, function, *values.values(), *signature)


def test_permit_approves_for_whoever_signed_it_and_counts(ledger: Ledger) -> None:
    values = permit_values()
    outcome = submit_permit(ledger, values, sign("Permit", PERMIT, values))
    assert outcome.error is None
    assert outcome.events == [f"Approval(owner={text(OWNER_ADDRESS)}, spender={text(BOB)}, value=70)"]
    assert ledger.read(EUR, "allowance", OWNER_ADDRESS, BOB) == 70
    assert ledger.read(EUR, "nonces", OWNER_ADDRESS) == 1


def test_permit_is_used_once(ledger: Ledger) -> None:
    values = permit_values()
    signature = sign("Permit", PERMIT, values)
    submit_permit(ledger, values, signature)
    assert str(submit_permit(ledger, values, signature).error).startswith("ERC2612InvalidSigner(")
    following = permit_values(nonce=1, value=5)
    assert submit_permit(ledger, following, sign("Permit", PERMIT, following)).error is None


def test_permit_after_its_deadline_is_refused(ledger: Ledger) -> None:
    values = permit_values(deadline=NOW - 1)
    outcome = submit_permit(ledger, values, sign("Permit", PERMIT, values))
    assert outcome.error == f"ERC2612ExpiredSignature(deadline={NOW - 1})"


@pytest.mark.parametrize(
    "changed",
    [
        {"signer": OTHER},
        {"chainId": CHAIN_ID + 1},
        {"verifyingContract": Web3.to_checksum_address(JPY)},
        {"name": "Yen"},
        {"version": "2"},
    ],
    ids=["another key", "another network", "another currency", "another name", "another version"],
)
def test_permit_signed_for_something_else_is_refused(ledger: Ledger, changed: dict[str, Any]) -> None:
    values = permit_values()
    outcome = submit_permit(ledger, values, sign("Permit", PERMIT, values, **changed))
    assert str(outcome.error).startswith("ERC2612InvalidSigner(")
    assert ledger.read(EUR, "nonces", OWNER_ADDRESS) == 0


def test_permit_of_the_zero_address_is_never_good(ledger: Ledger) -> None:
    values = permit_values(owner=ZERO_ADDRESS)
    outcome = submit_permit(ledger, values, (27, bytes(32), bytes(32)))
    assert outcome.error == f"ERC2612InvalidSigner(signer={text(ZERO_ADDRESS)}, owner={text(ZERO_ADDRESS)})"


def test_authorized_transfer_is_submitted_by_anybody_once(ledger: Ledger) -> None:
    values = authorization_values()
    signature = sign("TransferWithAuthorization", TRANSFER, values)
    outcome = submit(ledger, "transferWithAuthorization", values, signature)
    assert outcome.error is None
    assert [event.partition("(")[0] for event in outcome.events] == ["Transfer", "AuthorizationUsed"]
    assert ledger.read(EUR, "balanceOf", BOB) == 70
    assert ledger.read(EUR, "authorizationState", OWNER_ADDRESS, NONCE) is True
    again = submit(ledger, "transferWithAuthorization", values, signature)
    assert str(again.error).startswith("AuthorizationAlreadyUsed(")


def test_authorizations_are_used_in_any_order(ledger: Ledger) -> None:
    for number in (9, 3, 7):
        values = authorization_values(nonce=bytes((number,)) * 32)
        signature = sign("TransferWithAuthorization", TRANSFER, values)
        assert submit(ledger, "transferWithAuthorization", values, signature).error is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"validAfter": NOW}, "AuthorizationNotYetValid("),
        ({"validBefore": NOW}, "AuthorizationExpired("),
        ({"value": 1_001}, "ERC20InsufficientBalance("),
        ({"to": ZERO_ADDRESS}, "ERC20InvalidReceiver("),
        ({"to": EUR}, "ERC20InvalidReceiver("),
    ],
)
def test_authorized_transfer_that_must_not_be_is_refused(ledger: Ledger, changes: dict[str, Any], error: str) -> None:
    values = authorization_values(**changes)
    outcome = submit(ledger, "transferWithAuthorization", values, sign("TransferWithAuthorization", TRANSFER, values))
    assert str(outcome.error).startswith(error)
    assert ledger.read(EUR, "authorizationState", OWNER_ADDRESS, NONCE) is False


@pytest.mark.parametrize("field", ["to", "value", "validBefore", "nonce"])
def test_authorization_changed_after_it_was_signed_is_refused(ledger: Ledger, field: str) -> None:
    values = authorization_values()
    signature = sign("TransferWithAuthorization", TRANSFER, values)
    other = {"to": CAROL, "value": 71, "validBefore": UINT256_MAX, "nonce": bytes(32)}
    outcome = submit(ledger, "transferWithAuthorization", values | {field: other[field]}, signature)
    assert str(outcome.error).startswith("InvalidAuthorizationSigner(")


def test_receipt_is_submitted_by_the_payee_alone(ledger: Ledger) -> None:
    values = authorization_values()
    signature = sign("ReceiveWithAuthorization", TRANSFER, values)
    refused = submit(ledger, "receiveWithAuthorization", values, signature)
    assert refused.error == f"CallerIsNotPayee(caller={text(CAROL)}, payee={text(BOB)})"
    assert submit(ledger, "receiveWithAuthorization", values, signature, caller=BOB).error is None


def test_one_kind_of_authorization_is_no_other(ledger: Ledger) -> None:
    values = authorization_values()
    signature = sign("ReceiveWithAuthorization", TRANSFER, values)
    outcome = submit(ledger, "transferWithAuthorization", values, signature)
    assert str(outcome.error).startswith("InvalidAuthorizationSigner(")


def test_cancelled_authorization_is_never_used(ledger: Ledger) -> None:
    cancelled = {"authorizer": OWNER_ADDRESS, "nonce": NONCE}
    signature = sign("CancelAuthorization", CANCEL, cancelled)
    outcome = submit(ledger, "cancelAuthorization", cancelled, signature)
    assert [event.partition("(")[0] for event in outcome.events] == ["AuthorizationCanceled"]
    values = authorization_values()
    refused = submit(ledger, "transferWithAuthorization", values, sign("TransferWithAuthorization", TRANSFER, values))
    assert str(refused.error).startswith("AuthorizationAlreadyUsed(")
    assert str(submit(ledger, "cancelAuthorization", cancelled, signature).error).startswith("AuthorizationAlready")


def test_authorization_is_cancelled_by_its_signer_alone(ledger: Ledger) -> None:
    cancelled = {"authorizer": OWNER_ADDRESS, "nonce": NONCE}
    signature = sign("CancelAuthorization", CANCEL, cancelled, signer=OTHER)
    outcome = submit(ledger, "cancelAuthorization", cancelled, signature)
    assert str(outcome.error).startswith("InvalidAuthorizationSigner(")


def test_pause_stops_authorized_transfers_and_neither_permits_nor_cancellations(ledger: Ledger) -> None:
    ledger.call(PAUSER, EUR, "pause")
    values, permitted = authorization_values(), permit_values()
    stopped = submit(ledger, "transferWithAuthorization", values, sign("TransferWithAuthorization", TRANSFER, values))
    assert stopped.error == "EnforcedPause()"
    assert submit_permit(ledger, permitted, sign("Permit", PERMIT, permitted)).error is None
    cancelled = {"authorizer": OWNER_ADDRESS, "nonce": NONCE}
    signature = sign("CancelAuthorization", CANCEL, cancelled)
    assert submit(ledger, "cancelAuthorization", cancelled, signature).error is None


def test_domain_is_told_field_by_field(ledger: Ledger) -> None:
    fields = ledger.call(CAROL, EUR, "eip712Domain").values
    assert fields == (b"\x0f", "Euro", "1", CHAIN_ID, EUR, bytes(32), ())
