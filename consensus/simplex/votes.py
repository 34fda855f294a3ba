"""The votes of an epoch: one slot per kind, view and signer; each quorum is reported once. Source: SPEC V1, V7."""

from consensus.primitives.scalars import ValidatorIndex, View
from consensus.simplex.evidence import ConflictingVotes, are_conflicting
from consensus.simplex.messages import Kind, Statement, Vote
from consensus.simplex.validators import ValidatorSet

_ViewVotes = dict[tuple[Kind, ValidatorIndex], Vote]


class VoteBook:
    """Verified votes by view. Bounded by the window the machine keeps: n slots per kind and view."""

    def __init__(self, validators: ValidatorSet) -> None:
        self._validators = validators
        self._views: dict[View, _ViewVotes] = {}
        self._conflicts: set[tuple[View, ValidatorIndex]] = set()

    def get(self, kind: Kind, view: View, signer: ValidatorIndex) -> Vote | None:
        """Return the vote in a slot."""
        votes = self._views.get(view)
        return None if votes is None else votes.get((kind, signer))

    def add(self, vote: Vote) -> ConflictingVotes | None:
        """Put a vote into its slot, unless it is taken, and return a conflict the first time one shows.

        Of two votes for one slot the first counts. A finalize beside a nullify is counted and reported.
        """
        statement, signer = vote.statement, vote.signer
        votes = self._views.setdefault(statement.view, {})
        conflict: ConflictingVotes | None = None
        for kind in Kind:
            other = votes.get((kind, signer))
            if other is not None and are_conflicting(other.statement, statement):
                if (statement.view, signer) not in self._conflicts:
                    self._conflicts.add((statement.view, signer))
                    conflict = ConflictingVotes(other, vote)
                break
        votes.setdefault((statement.kind, signer), vote)
        return conflict

    def signatures_of(self, statement: Statement) -> dict[ValidatorIndex, bytes]:
        """Return the signatures of every vote for exactly this statement, by ascending signer."""
        votes = self._views.get(statement.view, {})
        found: dict[ValidatorIndex, bytes] = {}
        for index in range(self._validators.count):
            vote = votes.get((statement.kind, ValidatorIndex(index)))
            if vote is not None and vote.statement == statement:
                found[ValidatorIndex(index)] = vote.signature
        return found

    def count(self, kind: Kind, view: View) -> int:
        """Return how many signers have a vote of that kind in a view, whatever its digest."""
        return sum(voted is kind for voted, _ in self._views.get(view, {}))

    def has_voted(self, view: View, signer: ValidatorIndex) -> bool:
        """Tell whether any vote of the signer is known in a view."""
        votes = self._views.get(view, {})
        return any((kind, signer) in votes for kind in (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE))

    def voter_count(self, view: View) -> int:
        """Return how many different validators have a vote in a view."""
        return len({signer for _, signer in self._views.get(view, {})})

    def drop_below(self, view: View) -> None:
        """Forget the votes of views below `view`."""
        for old in [known for known in self._views if known < view]:
            del self._views[old]
        self._conflicts = {(known, signer) for known, signer in self._conflicts if known >= view}
