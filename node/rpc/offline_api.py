"""What wallets need for payments without a network: attested words, and the list of what is revoked.

A node answers with its own signature; a wallet asks several validators and keeps a quorum, after it has proven the word
itself. Source: offline.md §7.
"""

from collections.abc import Sequence

from consensus.light.attestation import AttestedKind
from consensus.primitives.scalars import Height
from node.rpc.encoding import Json, data_hex
from node.rpc.errors import InvalidParameter
from node.rpc.methods import Context, Method
from node.rpc.parameters import read_count, read_hash, read_object
from node.validator.attestor import ATTESTED_HEIGHTS, Attested

ATTESTED_KINDS = {"lock": AttestedKind.LOCK, "purse": AttestedKind.PURSE, "revocations": AttestedKind.REVOCATIONS}
"""What can be asked for, by name. Committees attest each other without being asked."""

_MEMBERS = frozenset(("kind", "id", "height"))


async def attest(context: Context, parameters: Sequence[object]) -> Json:
    """Return the word of a lock or purse, or the hash of the revocations, after a final block, signed by this node.

    `signatures` is empty on a node that is no validator; null if nothing is locked under the id. The height is the last
    final one if it is left out, and at most 256 below it. Raises: InvalidParameter, CallsOverloaded.
    """
    wanted = read_object(parameters[0], "attested", _MEMBERS)
    kind, name = _read_kind(wanted.get("kind"))
    height = _read_height(context, wanted.get("height"))
    id = None
    if kind is not AttestedKind.REVOCATIONS:
        id = read_hash(wanted.get("id"), "attested.id")
    elif "id" in wanted:
        raise InvalidParameter("attested.id", expected="left out for revocations", actual=wanted["id"])
    found = await context.backend.attest(kind, id, height)
    return None if found is None else _attested_object(name, found)


async def get_revocations(context: Context, parameters: Sequence[object]) -> Json:
    """Return the unexpired revocations after a final block: 8 bytes of purse ids and owners, ascending.

    Raises: InvalidParameter, CallsOverloaded.
    """
    height = _read_height(context, parameters[0] if parameters else None)
    found = await context.backend.revocations(height)
    return {
        "height": found.height,
        "time": found.time_s,
        "prefixes": [data_hex(prefix) for prefix in found.prefixes],
    }


def _read_kind(value: object) -> tuple[AttestedKind, str]:
    if not isinstance(value, str) or value not in ATTESTED_KINDS:
        raise InvalidParameter("attested.kind", expected=f"one of {', '.join(ATTESTED_KINDS)}", actual=value)
    return ATTESTED_KINDS[value], value


def _read_height(context: Context, value: object) -> Height:
    head = context.backend.head().height
    if value is None:
        return head
    height = Height(read_count(value, "height", head))
    if height + ATTESTED_HEIGHTS < head:
        raise InvalidParameter("height", expected=f"{head - ATTESTED_HEIGHTS} to {head}", actual=value)
    return height


def _attested_object(name: str, found: Attested) -> Json:
    attestation = found.attestation
    return {
        "kind": name,
        "id": data_hex(attestation.id),
        "word": data_hex(attestation.word),
        "height": attestation.height,
        "time": attestation.time_s,
        "committee": attestation.committee,
        "signatures": [{"index": index, "signature": data_hex(signature)} for index, signature in found.signatures],
    }


METHODS = {
    "sycee_attest": Method(attest, 1, 1, "attested", "Attestation?"),
    "sycee_getRevocations": Method(get_revocations, 0, 1, "attestedHeight", "Revocations"),
}
