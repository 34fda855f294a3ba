"""One deed, one transaction: show, ask, sign, store, send, prove; the same command again resumes what was signed.

Every command that changes the ledger goes through here, so that none of them can do a thing twice after a crash.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wallet_cli.keystore import Account
from wallet_cli.outbox import Entry, Intent
from wallet_cli.output import Proof
from wallet_cli.payments import GAS_LIMIT_MAX
from wallet_cli.session import Session
from wallet_cli.transactions import (
    estimate_gas,
    next_nonce,
    settle,
    sign,
    validate_succeeded,
)
from wallet_cli.unlocking import open_key
from wallet_cli.verified import FinalTransaction, Head


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done, and what its doer is asked to agree to."""

    intent: Intent
    screen: str
    """Everything that will move or change, at 80 columns."""
    record: dict[str, object]
    """What a dry run answers with `--json`."""
    gas_limit_max: int = GAS_LIMIT_MAX
    """Highest gas limit signed: an estimate comes from a node nobody believes."""
    question: str = "Send?"


def carry_out(
    session: Session,
    head: Head,
    account: Account,
    prepare: Callable[[], Deed],
    *,
    is_same: Callable[[Intent], bool],
    name: str = "transaction",
    on_stored: Callable[[Entry], None] = lambda entry: None,
) -> FinalTransaction | None:
    """Do one deed and return its transaction, proven final and successful; None on a dry run.

    `prepare` checks and describes it, and is called only if nothing stored `is_same` and waits for its outcome.
    `on_stored` is told what is on disk, before it leaves.
    Raises: Declined, PasswordWrong, TransactionRefused, OutcomeUnknown, ProofInvalid, WalletLocked.
    """
    with session.outbox.account_lock(account.address):
        entry = open_entry(session, account, is_same)
        if entry is not None:
            session.output.say(f"resuming the {name} signed before: 0x{entry.hash.hex()}")
        else:
            entry = _new_entry(session, head, account, prepare())
            if entry is None:
                return None
        on_stored(entry)
        with session.output.progress(f"waiting until 0x{entry.hash.hex()[:8]}… is final"):
            found = settle(session, entry.hash, entry.raw)
    validate_succeeded(session, found)
    return found


def final_line(proof: Proof) -> str:
    """Return how every deed that is done says so."""
    return f"final at height {proof.height}, signed {proof.signed}"


def open_entry(session: Session, account: Account, is_same: Callable[[Intent], bool]) -> Entry | None:
    """Return the stored transaction that does this and has no proven outcome, or None."""
    for entry in session.outbox.load_open(account.address):
        if is_same(entry.intent):
            return entry
    return None


def _new_entry(session: Session, head: Head, account: Account, deed: Deed) -> Entry | None:
    """Try, show, ask, sign and store; None on a dry run."""
    gas_limit = estimate_gas(session, deed.intent, gas_limit_max=deed.gas_limit_max)
    session.output.say(deed.screen)
    if session.settings.is_dry_run:
        record = {"dry_run": True, "gas_limit": str(gas_limit), **deed.record}
        session.output.result(record, "dry run: nothing was signed", proof=head.proof)
        return None
    session.output.confirm(deed.question, is_yes=session.settings.is_yes, next_step="repeat with --yes to send")
    state, _ = session.verifier.read_account(head, account.address)
    nonce = next_nonce(session, account.address, state.nonce if state is not None else 0)
    entry = sign(session, open_key(session, account), deed.intent, nonce=nonce, gas_limit=gas_limit)
    session.outbox.save(entry)
    return entry
