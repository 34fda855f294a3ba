"""sycee_*: what somebody has, and what would become of a transaction that is not sent."""

from collections.abc import Callable, Sequence
from typing import cast

from consensus.chain.errors import InvalidTransaction
from consensus.chain.transaction import Transaction, decode_transaction, recover_sender, validate_transaction
from consensus.primitives.hashing import KECCAK_EMPTY
from consensus.primitives.scalars import Address, Height
from node.chain.index_reader import IndexReader
from node.chain.indexes import ADDRESSES
from node.chain.reservations import is_place
from node.mempool.errors import (
    ExceedsBlockGas,
    InsufficientFunds,
    NonceTaken,
    NonceTooFar,
    NonceTooLow,
    NotReady,
    RejectedTransaction,
)
from node.rpc.account_reads import balance_object, open_reservations, read_context, registration_object
from node.rpc.block_tags import resolve_block
from node.rpc.currencies import read_currency
from node.rpc.cursors import read_limit
from node.rpc.encoding import Json, JsonObject, data_hex, proof_object, word_hex
from node.rpc.error_table import error_object
from node.rpc.errors import InvalidParameter
from node.rpc.methods import Context, Method
from node.rpc.parameters import optional, read_address, read_bool, read_data
from node.rpc.positions import position_object, position_slots

RESERVATIONS_MAX = 500
"""Holds and redemptions looked at for one answer: 10 ms of reading their records."""


async def get_position(context: Context, parameters: Sequence[object]) -> Json:
    """Return everything an account has in a currency at the last final height, on request with its proof.

    Amounts are decimal strings of the minor unit with `decimals` beside them. The currency is given by code or address.
    Raises: InvalidParameter, CallsOverloaded.
    """
    currency = read_currency(parameters[0], context.backend)
    account = read_address(parameters[1], "account")
    proof = optional(parameters, 2)
    has_proof = proof is not None and read_bool(proof, "proof")
    head = context.backend.head().height
    position = position_object(context.backend, currency, account, head)
    if has_proof:
        slots = position_slots(account)
        proved = await context.backend.proof(currency.address, slots, head)
        position["proof"] = proof_object(proved, [word_hex(slot) for slot in slots])
    return position


async def get_account(context: Context, parameters: Sequence[object]) -> Json:
    """Return what the ledger says of an account after one block: position and limits in every currency it has to do
    with, bank, tier, status and permissions, and its open holds (as payer, payee, notary) and open redemptions.

    `holds` and `redemptions` are null on a node without the index of addresses. A page may be short although more
    follow; one that closes between two pages may be told twice. Raises: InvalidParameter, BlockNotFound, Pruned,
    CallsOverloaded.
    """
    address = read_address(parameters[0], "address")
    height = resolve_block(optional(parameters, 1), context.backend).height
    cursor = optional(parameters, 2)
    after = b"" if cursor is None else _read_reservation_cursor(cursor)
    limit = read_limit(optional(parameters, 3), RESERVATIONS_MAX)
    indexes = context.backend.indexes()
    return await context.encode_aside(
        lambda: _account_object(context, address, height, indexes, after=after, entries_max=limit)
    )


def check_transaction(context: Context, parameters: Sequence[object]) -> Json:
    """Return each check admission makes of a transaction and its result, without sending it.

    The first checks decide whether later ones can be made: bytes that are no transaction have no sender.
    Raises: InvalidParameter.
    """
    raw = read_data(parameters[0], "transaction")
    checks: list[Json] = []
    try:
        transaction = decode_transaction(raw)
        checks.append(_passed("encoding"))
    except InvalidTransaction as error:
        return _verdict([_failed("encoding", error)], None, None)
    checks.append(_check("rules", lambda: validate_transaction(transaction, chain_id=context.backend.chain_id)))
    try:
        sender = recover_sender(transaction)
        checks.append(_passed("signature"))
    except InvalidTransaction as error:
        return _verdict([*checks, _failed("signature", error)], transaction, None)
    return _verdict([*checks, *_ledger_checks(context, transaction, sender)], transaction, sender)


def _account_object(
    context: Context, address: Address, height: Height, indexes: IndexReader, *, after: bytes, entries_max: int
) -> JsonObject:
    backend = context.backend
    here = read_context(backend, height, backend.chain_id)
    account = backend.state_at(height).account(address)
    balances = [balance_object(here, currency, address) for currency in backend.currencies()]
    told: JsonObject = {
        "address": data_hex(address),
        "height": height,
        "nonce": 0 if account is None else account.nonce,
        "value": "0" if account is None else str(account.balance),
        "hasCode": account is not None and account.code_hash != KECCAK_EMPTY,
        "registration": registration_object(here, address),
        "balances": [balance for balance in balances if balance is not None],
        "holds": None,
        "redemptions": None,
        "nextCursor": None,
    }
    if indexes.is_complete(ADDRESSES):
        holds, redemptions, place = open_reservations(
            here, backend, indexes, address, after=after, entries_max=entries_max
        )
        told |= {
            "holds": holds,
            "redemptions": redemptions,
            "nextCursor": None if place is None else data_hex(place),
        }
    return told


def _read_reservation_cursor(value: object) -> bytes:
    data = read_data(value, "cursor")
    if not is_place(data):
        raise InvalidParameter("cursor", expected="nextCursor of an earlier answer", actual=value)
    return data


def _ledger_checks(context: Context, transaction: Transaction, sender: Address) -> list[Json]:
    """Check against the last final state and the mempool; a nonce gap fails, though a submission is held a while."""
    backend = context.backend
    head = backend.head().height
    account = backend.state_at(head).account(sender)
    nonce, balance = (0, 0) if account is None else (account.nonce, account.balance)
    block_gas_limit = backend.header(head).header.gas_limit

    def in_step() -> None:
        if backend.syncing() is not None:
            raise NotReady

    def gas() -> None:
        if transaction.gas_limit > block_gas_limit:
            raise ExceedsBlockGas(gas_limit=transaction.gas_limit, block_gas_limit=block_gas_limit)

    def funds() -> None:
        if transaction.value > balance:
            raise InsufficientFunds(balance=balance, value=transaction.value)

    def right_nonce() -> None:
        next_nonce = backend.pending_nonce(sender)
        if transaction.nonce < nonce:
            raise NonceTooLow(found=transaction.nonce, expected=nonce)
        if transaction.nonce > next_nonce:
            raise NonceTooFar(found=transaction.nonce, expected=next_nonce, ahead_max=0)
        if transaction.nonce < next_nonce and backend.pending(transaction.hash) is None:
            pending = backend.pending_transactions(backend.pool_counts()[0])
            rivals = (entry.transaction for entry in pending if entry.sender == sender)
            rival = next(entry for entry in rivals if entry.nonce == transaction.nonce)
            raise NonceTaken(transaction.nonce, rival.hash)

    return [_check("synced", in_step), _check("gas", gas), _check("funds", funds), _check("nonce", right_nonce)]


def _check(name: str, run: Callable[[], None]) -> Json:
    try:
        run()
    except (InvalidTransaction, RejectedTransaction) as error:
        return _failed(name, error)
    return _passed(name)


def _passed(name: str) -> JsonObject:
    return {"check": name, "passed": True}


def _failed(name: str, error: Exception) -> JsonObject:
    return {"check": name, "passed": False, "error": cast(JsonObject, error_object(error))}


def _verdict(checks: Sequence[Json], transaction: Transaction | None, sender: Address | None) -> JsonObject:
    return {
        "hash": None if transaction is None else data_hex(transaction.hash),
        "from": None if sender is None else data_hex(sender),
        "admissible": all(isinstance(check, dict) and check["passed"] is True for check in checks),
        "checks": checks,
    }


METHODS = {
    "sycee_getPosition": Method(get_position, 2, 3, "currency account proof", "Position"),
    "sycee_getAccount": Method(get_account, 1, 4, "address block cursor limit", "Account"),
    "sycee_checkTransaction": Method(check_transaction, 1, 1, "transaction", "AdmissionVerdict"),
}
