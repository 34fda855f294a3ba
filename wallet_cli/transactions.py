"""A transaction from intent to proof: try, sign, store, send, prove.

Signed means stored: the bytes are on disk before they leave, and every retry sends the same ones. A time-out is never
called a failure.
"""

from typing import Final

from consensus.primitives.scalars import Address, Hash32
from contracts.decoding import describe_revert
from wallet_cli.client import (
    METHOD_NOT_FOUND,
    SYNC_NONCE_GAP,
    SYNC_NOT_READY,
    SYNC_TIMED_OUT,
    Answer,
    RpcRefused,
    RpcSilent,
)
from wallet_cli.errors import NetworkUnreachable, OutcomeUnknown, ProofInvalid, TransactionRefused
from wallet_cli.outbox import SIGNED, Entry, Intent
from wallet_cli.refusals import advice_for
from wallet_cli.session import Session
from wallet_cli.verified import FinalTransaction, Head, ask_any, proof_failed, refused_answer

POLL_MS: Final = 200
"""Between two questions about a pending transaction: a payment takes about 100 ms, a slow leader a second."""

SYNC_TIMEOUT_MAX_MS: Final = 30_000
"""Longest wait one node grants (operations.md §10)."""

EXECUTION_REVERTED: Final = 3


def provable_head(session: Session) -> Head:
    """Return the newest proven header. Raises: ProofInvalid if nothing can be proven here, NetworkUnreachable."""
    head = session.verifier.head()
    if head is None:
        raise ProofInvalid(
            "no endpoint proves what it says, so the outcome could not be proven either",
            why="a transaction returns only what was verified",
            next_step="name a node that serves proofs: --rpc URL",
            code="PROOF_MISSING",
        )
    return head


def estimate_gas(session: Session, intent: Intent, *, gas_limit_max: int) -> int:
    """Return the gas limit of a transaction, having let a node try it out; never above `gas_limit_max`.

    Raises: TransactionRefused if it would revert.
    """
    call = {"from": "0x" + intent.sender.hex(), "data": "0x" + intent.data.hex()}
    if intent.to is not None:
        call["to"] = "0x" + intent.to.hex()
    try:
        answer = session.client.call("eth_estimateGas", call)
    except RpcRefused as error:
        if error.code != EXECUTION_REVERTED:
            raise refused_answer(error) from error
        advice = advice_for(revert_data(error))
        raise TransactionRefused(
            f"the transaction would revert: {revert_text(error)}",
            why=f"{advice.why if advice else 'the ledger refuses it by its rules'}; nothing was signed",
            next_step=advice.next_step if advice else f"sycee balance {checksum_or_name(session, intent.sender)}",
            code="WOULD_REVERT",
            reason=error.reason,
        ) from error
    return min(_quantity(answer), gas_limit_max)


def next_nonce(session: Session, account: Address, proven_nonce: int) -> int:
    """Return the nonce to sign with, having sent again what is stored and may not have arrived.

    Never below the proven nonce. An open transaction that no node takes is thereby replaced, not doubled.
    """
    for entry in session.outbox.load_open(account):
        if entry.nonce >= proven_nonce:
            try:
                session.client.call("eth_sendRawTransaction", "0x" + entry.raw.hex())
            except RpcRefused as error:
                session.output.detail(f"stored transaction 0x{entry.hash.hex()}: {error.message}")
    answer = ask_any(session.client, "eth_getTransactionCount", "0x" + account.hex(), "pending")
    return max(proven_nonce, _quantity(answer))


def sign(session: Session, private_key: bytes, intent: Intent, *, nonce: int, gas_limit: int) -> Entry:
    """Return a signed transaction, which may leave only after the outbox has saved it."""
    from wallet_cli.signing import sign_call

    signed = sign_call(
        private_key,
        chain_id=session.network.chain_id,
        nonce=nonce,
        gas_limit=gas_limit,
        to=intent.to,
        data=intent.data,
    )
    return Entry(signed.hash, nonce, signed.raw, intent, SIGNED)


def settle(session: Session, transaction_hash: Hash32, raw: bytes | None) -> FinalTransaction:
    """Send the bytes, if there are any, and return the transaction when it is proven final.

    Raises: OutcomeUnknown on time-out or Ctrl-C, TransactionRefused if it was not admitted, ProofInvalid.
    """
    try:
        return _settle(session, transaction_hash, raw)
    except KeyboardInterrupt as error:
        raise unknown_outcome(session, transaction_hash) from error


def _settle(session: Session, transaction_hash: Hash32, raw: bytes | None) -> FinalTransaction:
    deadline_ms = session.settings.now_ms() + session.settings.timeout_ms
    to_send = raw
    while True:
        refusal = None
        try:
            if to_send is not None:
                refusal = _send(session, to_send)
                to_send = None
            found = session.verifier.finality(transaction_hash)
            if found is not None:
                session.outbox.mark_final(transaction_hash)
                return found
            if refusal is not None:
                raise refusal
        except NetworkUnreachable as error:
            if raw is None:
                raise
            # The bytes may have left: from here on the outcome is unknown, and an endpoint may come back.
            session.output.detail(error.message)
            session.client.forget_silence()
        if session.settings.now_ms() >= deadline_ms:
            raise unknown_outcome(session, transaction_hash)
        session.settings.pause_ms(POLL_MS)


def validate_succeeded(session: Session, found: FinalTransaction) -> None:
    """Check that a proven transaction did what it was signed for. Raises: TransactionRefused."""
    if found.receipt.succeeded:
        return
    name, data = "0x" + found.transaction.hash.hex(), told_revert_data(session, found)
    reason = "its receipt has status 0" if data is None else f"{describe_revert(data)} (says the node)"
    advice = None if data is None else advice_for(data)
    raise TransactionRefused(
        f"{name} is final at height {found.final.header.height} and reverted: {reason}",
        why=f"{advice.why if advice else 'the ledger refused it when it was executed'}; no money moved",
        next_step=f"sycee tx show {name}",
        code="REVERTED",
    )


def told_revert_data(session: Session, found: FinalTransaction) -> bytes | None:
    """Return why a proven transaction reverted, as a node says; None if it does not say."""
    try:
        answer = session.client.call("sycee_getRevertReason", "0x" + found.transaction.hash.hex()).result
        if isinstance(answer, dict) and isinstance(answer.get("data"), str):
            return bytes.fromhex(answer["data"].removeprefix("0x"))
    except (RpcRefused, ValueError):
        session.output.detail("the node does not say why")
    return None


def unknown_outcome(session: Session, transaction_hash: Hash32) -> OutcomeUnknown:
    """Return the error for a transaction whose outcome was not proven in time."""
    return OutcomeUnknown(
        f"0x{transaction_hash.hex()} is not proven final yet; it may still become final",
        why="the network is slow, or the endpoint is; the payment is neither done nor failed",
        next_step=f"sycee tx wait 0x{transaction_hash.hex()}",
    )


def checksum_or_name(session: Session, address: bytes) -> str:
    """Return this wallet's name for an address, else the address."""
    from wallet_cli.addresses import checksum_address

    return session.name_of(address) or checksum_address(address)


def _quantity(answer: Answer) -> int:
    try:
        return int(str(answer.result), 16)
    except ValueError as error:
        raise proof_failed(answer.endpoint, error) from error


def _send(session: Session, raw: bytes) -> TransactionRefused | None:
    """Offer the bytes to the endpoints until one takes them; return the refusal if one refused and none was silent.

    Raises: NetworkUnreachable if none took them and any was silent: it may have passed them on all the same.
    """
    wait_ms = min(session.settings.timeout_ms, SYNC_TIMEOUT_MAX_MS)
    refusal: TransactionRefused | None = None
    is_any_silent = False
    for endpoint in list(session.client.living()):
        try:
            _send_to(session, endpoint, raw, wait_ms)
            return None
        except RpcSilent as error:
            session.client.mark_silent(error)
            is_any_silent = True
        except RpcRefused as error:
            refusal = refusal or _refusal(error)
    if is_any_silent or refusal is None:
        raise session.client.unreachable()
    return refusal


def _send_to(session: Session, endpoint: str, raw: bytes, wait_ms: int) -> None:
    """Offer the bytes to one endpoint; returns if it took them. Raises: RpcRefused, RpcSilent."""
    data = "0x" + raw.hex()
    try:
        session.client.call_at(endpoint, "eth_sendRawTransactionSync", data, wait_ms, wait_ms=wait_ms)
    except RpcRefused as error:
        if error.code == METHOD_NOT_FOUND:
            session.client.call_at(endpoint, "eth_sendRawTransaction", data)
        elif error.code != SYNC_TIMED_OUT:
            raise


def _refusal(error: RpcRefused) -> TransactionRefused:
    details = {
        SYNC_NOT_READY: "it is not ready for execution",
        SYNC_NONCE_GAP: f"an earlier transaction of the account is missing, expected nonce {error.data}",
    }
    return TransactionRefused(
        f"{error.endpoint} did not admit the transaction: {details.get(error.code, error.message)}",
        why="it is in no pool; the same signed bytes are kept and can be sent again",
        next_step="repeat the command: it sends the same bytes and cannot pay twice",
        code="NOT_ADMITTED",
        reason=error.reason,
    )


def revert_data(error: RpcRefused) -> bytes:
    """Return the revert data in a refusal; empty if there is none."""
    try:
        return bytes.fromhex(error.data.removeprefix("0x")) if isinstance(error.data, str) else b""
    except ValueError:
        return b""


def revert_text(error: RpcRefused) -> str:
    """Return the named error and its values in a refusal, or its message."""
    data = revert_data(error)
    return describe_revert(data) if data else error.message
