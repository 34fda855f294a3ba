"""What a validator may sign in one view, given what it has signed there. Source: consensus.md §7.

At most one notarize digest per view, and never both nullify and finalize. Nothing relates two views. Whoever may have
forgotten what it signed signs nothing below a view that none of it can have reached.
"""

from collections.abc import Collection, Iterable

from consensus.primitives.scalars import Epoch, View
from consensus.simplex.evidence import are_conflicting
from consensus.simplex.messages import Kind, Statement

RESUME_VIEW_UNKNOWN = View((1 << 64) - 1)
"""Resume view of a validator that does not know yet what it may have signed: above every view."""

RESUME_VIEW_DISTANCE = 2
"""From the highest proved view to the resume view. The last forgotten vote, in view w, followed a certificate of w − 1;
a status of one of its signers proves at least w − 1, so that w is below the resume view. With 1 it could be equal."""

RESUME_VIEW_NEXT_EPOCH = View(2)
"""First view signed in the epoch after the one of the statuses: its view 1 has no certificate before it, so nobody's
status shows whether it was voted in. Resume views found by statuses are higher."""


def may_sign(already: Collection[Statement], wanted: Statement) -> bool:
    """Tell whether `wanted` may be signed beside the statements already signed in its view.

    Signing the same statement again is allowed: the stored signature is sent. A first notarize after a nullify is
    refused, because who gave up on a view no longer looks for its proposal.
    """
    if wanted in already:
        return True
    if any(are_conflicting(signed, wanted) for signed in already):
        return False
    if wanted.kind is Kind.NOTARIZE:
        return not already
    return True


def resume_view_after(proved: Iterable[View]) -> View:
    """Return the first view that may be signed after statuses proved these views (L1)."""
    return View(max(proved) + RESUME_VIEW_DISTANCE)


def resume_view_carried(before: View) -> View:
    """Return the resume view of an epoch, given that of the epoch before (L2)."""
    if before == RESUME_VIEW_UNKNOWN:
        return RESUME_VIEW_UNKNOWN
    return RESUME_VIEW_NEXT_EPOCH if before > RESUME_VIEW_NEXT_EPOCH else View(0)


def resume_view_in(epoch: Epoch, *, found_epoch: Epoch, found_view: View) -> View:
    """Return the resume view of `epoch`, given the one that was found, and in which epoch; view 0 for none (L2)."""
    if epoch < found_epoch:
        return RESUME_VIEW_UNKNOWN
    if epoch == found_epoch:
        return found_view
    return resume_view_carried(found_view) if epoch == found_epoch + 1 else View(0)
