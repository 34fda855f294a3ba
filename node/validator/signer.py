"""Signing through the guard: what was signed is on disk before the signature leaves.

The signer knows nothing of blocks. A guard that has grown is replaced by the votes above the floor, with the floor:
what is at or below it is refused for ever, so nothing that was signed there needs to be remembered. Beside them the
guard holds two marks: the resume view of a key that may have forgotten some, and that voting has stopped.
Source: consensus.md §7.
"""

from dataclasses import replace

from nacl.signing import SigningKey

from consensus.primitives.scalars import Epoch, Hash32, View
from consensus.simplex.messages import SIGN_PREFIX, Kind, SigningDomain, Statement, decode_statement, sign_bytes
from consensus.simplex.sign_guard import may_sign, resume_view_in
from consensus.simplex.stop_reason import StopReason
from node.storage.guard_file import NO_MARKS, GuardFile, GuardMarks, ResumeReason, waiting_marks


class SignRefused(Exception):
    """A signature that could contradict an earlier one; a bug or a second host with this key. Voting stops."""

    def __init__(self, rule: str, statement: Statement) -> None:
        self.rule = rule
        self.statement = statement
        super().__init__(f"sign guard refuses {statement.kind.name.lower()} in view {statement.view}: {rule}")


class GuardedSigner:
    """One consensus key with its guard. `record` and `release` on the loop thread, `sync` on the wal thread."""

    def __init__(self, private_key: bytes, domain: SigningDomain, guard: GuardFile | None, signed: list[bytes]) -> None:
        """`guard` is None for a node that follows without voting; it signs only statuses and hellos."""
        self._key = SigningKey(private_key)
        self._domain = domain
        self._guard = guard
        self._signed: dict[tuple[Epoch, View], list[Statement]] = {}
        self._to_sync: list[bytes] = []
        self._unsynced: set[Statement] = set()
        self._kept: list[bytes] | None = None
        """What is to stay in a guard that has grown, with everything unsynced, at the next sync."""
        self._kept_floor: tuple[Epoch, View] = (Epoch(0), View(0))
        self._floor = (Epoch(0), View(0)) if guard is None else (Epoch(guard.floor[0]), View(guard.floor[1]))
        self._epoch_last = self._floor[0] + 1
        """The last epoch to sign in: the one that begins on the floor, or one that was entered since."""
        self._marks = NO_MARKS if guard is None else guard.marks
        self._has_new_marks = False
        self._marks_to_sync: GuardMarks | None = None
        self.refused_counts: dict[str, int] = {}
        """Refusals by rule since start; any is a reason to call somebody."""
        self._of_other_networks: list[bytes] = []
        """Sign bytes that bind nobody here, kept in the guard for the network they bind in."""
        for message in signed:
            statement = _parse(message, domain)
            if statement is None:
                self._of_other_networks.append(message)
            else:
                self._signed.setdefault((statement.epoch, statement.view), []).append(statement)

    @property
    def public_key(self) -> bytes:
        """The consensus key others know."""
        return bytes(self._key.verify_key)

    @property
    def floor(self) -> tuple[Epoch, View]:
        """Epoch and view at or below which nothing is signed any more."""
        return self._floor

    @property
    def has_guard(self) -> bool:
        """Whether this key may sign votes at all."""
        return self._guard is not None

    @property
    def is_waiting(self) -> bool:
        """Whether this key may have signed what is not remembered here, and nobody has told yet where that ends."""
        return self._marks.is_waiting

    @property
    def resume_reason(self) -> ResumeReason:
        """Why votes may have been forgotten; NONE if none were."""
        return self._marks.resume_reason

    @property
    def stop_reason(self) -> StopReason | None:
        """Why this key votes no more; None while it votes."""
        return StopReason(self._marks.stop_reason) if self._marks.stop_reason else None

    def resume_view(self, epoch: Epoch) -> View:
        """Return the first view of an epoch in which this key may sign."""
        found_epoch, found_view = Epoch(self._marks.resume_epoch), View(self._marks.resume_view)
        return resume_view_in(epoch, found_epoch=found_epoch, found_view=found_view)

    def draw_nonce(self) -> bytes:
        """Return 32 bytes that nobody can have signed before. Only of a key with a guard."""
        assert self._guard is not None
        return self._guard.draw_nonce()

    def signed_statements(self) -> list[Statement]:
        """Return everything the guard remembers that still binds, by epoch and view."""
        return [
            statement
            for epoch, view in sorted(self._signed)
            for statement in self._signed[epoch, view]
            if view >= self.resume_view(epoch)
        ]

    def set_floor(self, epoch: Epoch, view: View) -> None:
        """Refuse views at or below a final one from now on, and forget them; a lower floor than before is ignored."""
        if (epoch, view) <= self._floor:
            return
        self._floor = (epoch, view)
        self.enter_epoch(Epoch(epoch + 1))
        self._signed = {key: said for key, said in self._signed.items() if key > self._floor}

    def enter_epoch(self, epoch: Epoch) -> None:
        """Sign in an epoch that has begun on disk; the floor follows once the votes of the one before have left."""
        self._epoch_last = max(self._epoch_last, epoch)

    def require_resume(self, reason: ResumeReason) -> None:
        """Refuse every vote until a resume view is set; durable with the next sync."""
        if not self.is_waiting:
            self._change_marks(waiting_marks(reason, self._marks))

    def set_resume_view(self, epoch: Epoch, view: View) -> None:
        """Refuse views below `view` from now on: what this key signed there is not remembered (lost-disk rule).

        Durable with the next sync; a lower view than before is ignored.
        """
        if self.is_waiting or (epoch, view) > (self._marks.resume_epoch, self._marks.resume_view):
            self._change_marks(replace(self._marks, resume_epoch=epoch, resume_view=view))

    def stop(self, reason: StopReason) -> None:
        """Refuse every vote from now on, also after a restart; durable with the next sync."""
        if not self._marks.stop_reason:
            self._change_marks(replace(self._marks, stop_reason=int(reason)))

    def record(self, statement: Statement) -> None:
        """Decide that a vote is signed; its signature may leave after the next sync.

        Raises: SignRefused.
        """
        key = (statement.epoch, statement.view)
        already = self._signed.get(key, [])
        if statement in already:
            return
        if self._guard is None:
            self._refuse("no_guard", statement)
        if key <= self._floor:
            self._refuse("below_floor", statement)
        if self._marks.stop_reason:
            self._refuse("voting_stopped", statement)
        if statement.view < self.resume_view(statement.epoch):
            self._refuse("below_resume_view", statement)
        if statement.epoch > self._epoch_last:
            self._refuse("other_epoch", statement)
        if not may_sign(already, statement):
            self._refuse("conflict", statement)
        self._signed.setdefault(key, []).append(statement)
        self._to_sync.append(sign_bytes(self._domain, statement))
        self._unsynced.add(statement)

    def take_unsynced(self) -> list[bytes]:
        """Return the sign bytes recorded since the last call, to be given to `sync`."""
        taken, self._to_sync = self._to_sync, []
        self._marks_to_sync = self._marks if self._has_new_marks else None
        self._has_new_marks = False
        if taken and self._guard is not None and self._guard.is_grown:
            binding = [sign_bytes(self._domain, statement) for statement in self.signed_statements()]
            self._kept = self._of_other_networks + binding
            self._kept_floor = self._floor
        return taken

    def sync(self, statements: list[bytes]) -> None:
        """Put sign bytes on disk. Raises: WriteFailed, which ends the process."""
        if self._guard is None:
            return
        marks, self._marks_to_sync = self._marks_to_sync, None
        if self._kept is None:
            self._guard.append(statements, marks=marks)
            return
        kept, self._kept = self._kept, None
        self._guard.replace(kept, floor=self._kept_floor, marks=marks)

    def synced(self) -> None:
        """The sign bytes taken before are on disk."""
        self._unsynced.clear()

    def release(self, statement: Statement) -> bytes:
        """Return the signature of a recorded and synced vote. Raises: SignRefused."""
        if statement not in self._signed.get((statement.epoch, statement.view), ()):
            self._refuse("not_recorded", statement)
        assert statement not in self._unsynced, "a signature may not leave before its sync"
        return self._key.sign(sign_bytes(self._domain, statement)).signature

    def sign_unguarded(self, statement: Statement) -> bytes:
        """Return the signature of a status or hello, which bind nobody to anything."""
        assert statement.kind in (Kind.STATUS, Kind.HELLO)
        return self._key.sign(sign_bytes(self._domain, statement)).signature

    def close(self) -> None:
        """Release the guard."""
        if self._guard is not None:
            self._guard.close()

    def _change_marks(self, marks: GuardMarks) -> None:
        self._marks = marks
        self._has_new_marks = self._guard is not None

    def _refuse(self, rule: str, statement: Statement) -> None:
        self.refused_counts[rule] = self.refused_counts.get(rule, 0) + 1
        raise SignRefused(rule, statement)


def _parse(message: bytes, domain: SigningDomain) -> Statement | None:
    """Return the statement in sign bytes of this network; None if they are of another."""
    head = SIGN_PREFIX + domain.chain_id.to_bytes(8, "big") + Hash32(domain.genesis_hash)
    if not message.startswith(head):
        return None
    rest = message[len(head) :]
    # Sign bytes and wire bytes order epoch and kind differently.
    return decode_statement(rest[8:9] + rest[:8] + rest[9:])
