"""Alice and Bob with real stores, and power that fails where a test says so."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from consensus.primitives.scalars import Address
from contracts.offline.typed_data import Hop
from tests.wallet_cli.offline.builders import (
    BOB_ADDRESS,
    CHAIN_ID,
    CLASS,
    EUR,
    LOCK_DEVICE,
    LOCK_TERMS,
    NOW_S,
    PURSE_DEVICE,
    PURSE_TERMS,
    SEPARATOR,
    TILL,
    TILL_ADDRESS,
    certify_lock,
    certify_purse,
    invoice_number,
    trust,
)
from tests.wallet_cli.offline.tills import LIMITS
from wallet_cli.offline import payer_tables, till_tables
from wallet_cli.offline.database import OfflineDatabase
from wallet_cli.offline.messages import Invoice, Mode
from wallet_cli.offline.pairing import Confirm
from wallet_cli.offline.payer_desk import PayerDesk
from wallet_cli.offline.signer import Signer, SoftwareSigner, VoucherFields
from wallet_cli.offline.till_desk import TillDesk, make_invoice

KEYS = {LOCK_TERMS.signer: LOCK_DEVICE, PURSE_TERMS.signer: PURSE_DEVICE}


class PowerLost(Exception):
    """The machine is off; what was not committed is gone."""


@dataclass
class Power:
    """Fails once, at one step."""

    fails_at: int | None = None
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps - 1 == self.fails_at:
            raise PowerLost


class FragileDatabase(OfflineDatabase):
    """Power may fail before a transaction, within it, and between its commit and the guard's."""

    def __init__(self, folder: Path, guard: Path, power: Power) -> None:
        self._power = power
        super().__init__(folder, guard, random=random.Random(7).randbytes)

    def _open(self) -> sqlite3.Connection:
        connection = super()._open()
        # A real loss of power is not simulated below SQLite: waiting for the disk would only be slow.
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        self._power.step()
        with super().transaction() as connection:
            yield connection
            self._power.step()
        self._power.step()

    def _write_guard(self, counter: int) -> None:
        self._power.step()
        super()._write_guard(counter)


class FragileSigner:
    """Power may fail before and after a signature."""

    def __init__(self, power: Power) -> None:
        self._power = power
        self._signer: Signer = SoftwareSigner(SEPARATOR, KEYS)

    def sign_voucher(self, key: Address, fields: VoucherFields) -> bytes:
        self._power.step()
        signature = self._signer.sign_voucher(key, fields)
        self._power.step()
        return signature

    def sign_hop(self, key: Address, hop: Hop, *, value: int) -> bytes:
        self._power.step()
        signature = self._signer.sign_hop(key, hop, value=value)
        self._power.step()
        return signature


@dataclass
class Alice:
    """A payer's home; `approved` is what its person said yes to."""

    folder: Path
    power: Power = field(default_factory=Power)
    approved: list[Confirm] = field(default_factory=list)

    @contextmanager
    def at_desk(self) -> Iterator[PayerDesk]:
        database = FragileDatabase(self.folder / "data", self.folder / "state" / "guard.json", self.power)
        try:
            yield PayerDesk(database, FragileSigner(self.power), CHAIN_ID, (EUR,), self._confirm)
        finally:
            database.close()

    def _confirm(self, asked: Confirm) -> bool:
        self.approved.append(asked)
        return True


@dataclass
class Bob:
    """A till's home."""

    folder: Path
    power: Power = field(default_factory=Power)

    @contextmanager
    def at_desk(self) -> Iterator[TillDesk]:
        database = FragileDatabase(self.folder / "data", self.folder / "state" / "guard.json", self.power)
        try:
            yield TillDesk(database, CHAIN_ID, BOB_ADDRESS, TILL_ADDRESS, TILL, {EUR: LIMITS})
        finally:
            database.close()


def make_alice(folder: Path, *, has_lock: bool = True, has_purse: bool = False) -> Alice:
    """Return a payer that was online: with a lock of 50.00 for Bob's till, with a purse of 60.00, or both."""
    alice = Alice(folder)
    with alice.at_desk() as desk:
        if has_lock:
            payer_tables.save_lock(desk.database, SEPARATOR, LOCK_TERMS, certify_lock())
        if has_purse:
            members = tuple(Address(member) for member in CLASS)
            payer_tables.save_purse(desk.database, SEPARATOR, PURSE_TERMS, certify_purse(), members)
    return alice


def make_bob(folder: Path) -> Bob:
    """Return a till that was online a day ago."""
    bob = Bob(folder)
    with bob.at_desk() as desk:
        till_tables.save_trust(desk.database, trust())
        till_tables.save_class(desk.database, PURSE_TERMS.accept_class, len(CLASS))
    return bob


def ask(desk: TillDesk, number: int = 1, amount_minor: int = 5_00, *, modes: Mode = Mode.PAIRED) -> Invoice:
    """Return an invoice; a purse's payer is shown the card of the lock's till, so Bob's modes decide the source."""
    return make_invoice(
        desk,
        currency=EUR,
        amount_minor=amount_minor,
        number=invoice_number(number),
        until_s=NOW_S + 600,
        modes=modes,
        card=None,
    )


def accepted_minor(desk: TillDesk) -> int:
    """Return what Bob can redeem: the highest cumulative, and each range of units once."""
    jobs = till_tables.load_jobs(desk.database)
    from_locks = max((job.hi for job in jobs if job.lock_id is not None), default=0)
    return from_locks + sum(job.hi - job.lo for job in jobs if job.purse_id is not None)
