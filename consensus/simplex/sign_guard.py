"""What a validator may sign in one view, given what it has signed there. Source: consensus.md §7.

At most one notarize digest per view, and never both nullify and finalize. Nothing relates two views.
"""

from collections.abc import Collection

from consensus.simplex.evidence import are_conflicting
from consensus.simplex.messages import Kind, Statement


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
