"""`sycee doctor`: is this wallet sound, and what to type where it is not. One line a check; nothing is changed."""

import errno
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from consensus.light.trust import TRUST_PERIOD_MS
from contracts.addresses import CURRENCY_REGISTRY
from wallet_cli.cli import Need, wallet_command
from wallet_cli.client import RpcRefused, RpcSilent
from wallet_cli.errors import Exit, UserError
from wallet_cli.files import PRIVATE_FILE_MODE, validate_private
from wallet_cli.moments import instant_text
from wallet_cli.offline.claim_limits import earliest_claim_limit_s
from wallet_cli.offline.database import OFFLINE_FILE
from wallet_cli.output import age_text
from wallet_cli.session import Session
from wallet_cli.sqlite_copies import copy_database_file, validate_database

CLOCK_BEHIND_MAX_MS: Final = 5_000
"""A header from further in the future means that this clock is wrong: validators refuse such headers, too."""

HEAD_AGE_MAX_MS: Final = 30_000
"""Three heartbeats of a network without payments: older, and the endpoint lags or this clock is ahead."""

PROOF_WINDOW: Final = 256
"""Heights back for which nodes must prove balances (wallet.md §12)."""

DISK_FREE_MIN_BYTES: Final = 64 * 1024 * 1024
"""Less free space, and a payment may not get to disk; a year of payments is a few megabytes."""

CLAIM_WARNING_S: Final = 72 * 3_600
TRUST_WARNING_MS: Final = TRUST_PERIOD_MS // 2  # No remainder: the period is whole days.


class State(Enum):
    """What a check found; only RED makes the command fail."""

    GREEN = "ok"
    YELLOW = "look"
    RED = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line."""

    check: str
    state: State
    detail: str
    fix: str = ""
    """What to type; empty if nothing is to be done."""
    exit_code: Exit = Exit.DONE
    """With which the command ends if this is the first that is red."""


class _WrongWallet(UserError):
    """Something is red; the exit code is that of what was found first."""

    default_code = "DOCTOR_RED"

    def __init__(self, exit_code: Exit, message: str, *, why: str, next_step: str) -> None:
        super().__init__(message, why=why, next_step=next_step)
        self.exit_code = exit_code


@wallet_command("doctor", needs=(Need.NETWORK,), examples=("sycee doctor", "sycee doctor --json"))
def doctor(session: Session) -> None:
    """Check this wallet, its disk, its network and its offline money; say what to do. Exit 0 if nothing is red."""
    findings = [finding for name, check in _CHECKS for finding in _run(session, name, check)]
    rows = [
        {"check": entry.check, "state": entry.state.value, "detail": entry.detail, "fix": entry.fix}
        for entry in findings
    ]
    lines = [
        f"{entry.state.value:<6} {entry.check:<12} {entry.detail}" + (f"\n{'':<19} → {entry.fix}" if entry.fix else "")
        for entry in findings
    ]
    red = [entry for entry in findings if entry.state is State.RED]
    if not red:
        session.output.result(rows, "\n".join(lines))
        return
    session.output.say("\n".join(lines))
    raise _WrongWallet(
        red[0].exit_code,
        f"{len(red)} of {len(findings)} checks found something wrong: "
        + "; ".join(f"{entry.check}: {entry.detail}" for entry in red),
        why="money could be lost, or cannot be moved, until it is put right",
        next_step=red[0].fix,
    )


def _run(session: Session, name: str, check: Callable[[Session], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what a check finds; an error of the wallet is a finding."""
    try:
        yield from check(session)
    except UserError as error:
        yield Finding(name, State.RED, error.message, error.next_step, error.exit_code)


def _settings(session: Session) -> Iterator[Finding]:
    default = session.preferences.account or "none"
    yield Finding("settings", State.GREEN, f"{session.home.config_file} is understood; default account {default}")
    yield Finding("network", State.GREEN, f"{session.network.name}, chain {session.network.chain_id}")


def _keys(session: Session) -> Iterator[Finding]:
    count = len(session.accounts)
    fix = "" if count else "sycee keys new NAME"
    yield Finding("keys", State.GREEN if count else State.YELLOW, f"{count} keys, for their owner only", fix)
    weak = [account.name for account in session.accounts if account.is_development]
    if weak:
        yield Finding("keys", State.YELLOW, f"development keys: {', '.join(weak)}", "keep nothing of value there")
    file = session.preferences.password_file
    if file:
        try:
            validate_private(Path(file).expanduser(), PRIVATE_FILE_MODE)
        except OSError as error:
            detail = f"{file}: {error.strerror}"
            yield Finding("keys", State.RED, detail, "sycee config set password_file ''", Exit.USAGE)
    yield Finding("contacts", State.GREEN, f"{len(session.contact_book)} contacts")


def _disk(session: Session) -> Iterator[Finding]:
    """Write, sync and remove a file where payments are kept."""
    try:
        with tempfile.TemporaryFile(dir=session.home.data) as stream:
            stream.write(b"doctor")
            stream.flush()
            os.fsync(stream.fileno())
        free = shutil.disk_usage(session.home.data).free
    except OSError as error:
        word = errno.errorcode.get(error.errno or 0, "error")
        fix = f"ls -ld {session.home.data}; df {session.home.data}"
        yield Finding("disk", State.RED, f"{session.home.data}: {error.strerror} ({word})", fix, Exit.DEVICE)
        return
    # Whole megabytes, as people read them.
    detail = f"writes and syncs, {free // 1_000_000} MB free"
    is_low = free < DISK_FREE_MIN_BYTES
    yield Finding("disk", State.RED if is_low else State.GREEN, detail, "free some space" if is_low else "",
                  Exit.DEVICE)  # fmt: skip


def _databases(session: Session) -> Iterator[Finding]:
    folder = session.home.network_data(session.network.name)
    for path in sorted(folder.glob("*.db")):
        if path.name == OFFLINE_FILE:
            continue
        try:
            validate_database(copy_database_file(path))
            yield Finding("database", State.GREEN, f"{path.name} is sound")
        except (OSError, ValueError, sqlite3.Error) as error:
            fix = f"move {path} away, or restore a backup: sycee backup restore FILE"
            yield Finding("database", State.RED, f"{path}: {error}", fix, Exit.USAGE)


def _trust(session: Session) -> Iterator[Finding]:
    session.verifier.validate_no_conflict()
    stored = session.trust_store.load_anchor()
    if stored is None:
        yield Finding("trust", State.YELLOW, "nothing verified yet", "sycee balance")
        return
    age_ms = session.settings.now_ms() - stored.refreshed_ms
    detail = f"height {stored.height} verified, {age_text(age_ms)} old"
    if age_ms > TRUST_PERIOD_MS:
        fix = f"sycee init --network {session.network.name} --replace with a genesis document you trust"
        yield Finding("trust", State.RED, detail, fix, Exit.POLICY)
    else:
        is_old = age_ms > TRUST_WARNING_MS
        yield Finding("trust", State.YELLOW if is_old else State.GREEN, detail, "sycee balance" if is_old else "")


def _endpoints(session: Session) -> Iterator[Finding]:
    """Ask every endpoint for its head and an old balance, then prove the highest head against the clock."""
    is_any = False
    for endpoint in session.client.endpoints:
        finding = _endpoint(session, endpoint)
        is_any |= finding.state is State.GREEN
        yield finding
    if not is_any:
        fix = "sycee net health, or name another node with --rpc URL"
        yield Finding("endpoints", State.RED, "none answers and proves", fix, Exit.NETWORK)
        return
    if len(session.client.endpoints) == 1:
        yield Finding("endpoints", State.YELLOW, "only one: nobody contradicts it", "add another --rpc URL at init")
    head = session.verifier.head()
    age_ms = 0 if head is None else head.proof.age_ms or 0
    if age_ms < -CLOCK_BEHIND_MAX_MS:
        detail = f"this clock is {age_text(-age_ms)} behind the network"
        yield Finding("clock", State.RED, detail, "set this machine's clock", Exit.POLICY)
    elif age_ms > HEAD_AGE_MAX_MS:
        detail = f"the newest block is {age_text(age_ms)} old: the network stands, or this clock is ahead"
        yield Finding("clock", State.YELLOW, detail, "compare this machine's clock")
    else:
        yield Finding("clock", State.GREEN, f"the newest block is {age_text(age_ms)} old")


def _endpoint(session: Session, endpoint: str) -> Finding:
    try:
        answer = session.client.call_at(endpoint, "sycee_getCertificate", "latest")
        height = int(str(answer["height"]), 0)
        old = hex(max(height - PROOF_WINDOW, 0))
        session.client.call_at(endpoint, "eth_getProof", "0x" + CURRENCY_REGISTRY.hex(), [], old)
    except RpcSilent as error:
        session.client.mark_silent(error)
        return Finding("endpoint", State.YELLOW, f"{endpoint} is silent: {error.detail}", "sycee net health")
    except RpcRefused as error:
        return Finding(
            "endpoint", State.YELLOW, f"{endpoint} does not prove: {error.message}", "name another --rpc URL"
        )
    except (KeyError, TypeError, ValueError):
        return Finding("endpoint", State.YELLOW, f"{endpoint} answers nonsense", "name another --rpc URL")
    return Finding("endpoint", State.GREEN, f"{endpoint} at height {height}, proves {PROOF_WINDOW} heights back")


def _payments(session: Session) -> Iterator[Finding]:
    opened = [entry for account in session.accounts for entry in session.outbox.load_open(account.address)]
    if opened:
        fix = f"sycee tx wait 0x{opened[0].hash.hex()}"
        yield Finding("payments", State.YELLOW, f"{len(opened)} signed and not known to be final", fix)
    else:
        yield Finding("payments", State.GREEN, "none is unfinished")


def _offline(session: Session) -> Iterator[Finding]:
    """Open the offline store, which checks its file and its guard, and look for what is urgent."""
    if not (session.home.network_data(session.network.name) / OFFLINE_FILE).exists():
        yield Finding("offline", State.GREEN, "no offline money")
        return
    database = session.offline_database
    yield Finding("offline", State.GREEN, "the store is sound and the one written last")
    query = "SELECT count(*) FROM intents WHERE receipt IS NULL"
    count = int(database.read(query, (), (int,))[0][0])
    if count:
        yield Finding("offline", State.YELLOW, f"{count} exchanges without a receipt", "sycee offline resume")
    limit_s = earliest_claim_limit_s(database)
    if limit_s is not None:
        # Now is rounded down to the second limits are counted in.
        is_urgent = limit_s - session.settings.now_ms() // 1_000 < CLAIM_WARNING_S
        detail = f"accepted payments to be redeemed by {instant_text(limit_s)}"
        yield Finding("offline", State.RED if is_urgent else State.YELLOW, detail, "sycee redeem", Exit.POLICY)


def _screen(session: Session) -> Iterator[Finding]:
    encoding = sys.stdout.encoding or "ascii"
    try:
        "█▀▄".encode(encoding)
        yield Finding("QR codes", State.GREEN, "this terminal can show them")
    except UnicodeEncodeError:
        yield Finding("QR codes", State.YELLOW, f"{encoding} cannot show them", "use --png, or a UTF-8 locale")
    if find_spec("zxingcpp") is None:
        yield Finding("QR codes", State.YELLOW, "pictures cannot be read", "install zxing-cpp")


_CHECKS: Final[tuple[tuple[str, Callable[[Session], Iterator[Finding]]], ...]] = (
    ("settings", _settings),
    ("keys", _keys),
    ("disk", _disk),
    ("database", _databases),
    ("trust", _trust),
    ("endpoints", _endpoints),
    ("payments", _payments),
    ("offline", _offline),
    ("QR codes", _screen),
)
"""In the order in which a wallet is put right."""
