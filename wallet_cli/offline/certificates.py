"""Certificates: a word that this wallet has proven, with the signatures of a quorum that says the same.

Nobody who carries signatures is believed: every one is checked over the bytes of the proven fact, and whatever else an
answer says is not read. Source: offline.md §7.
"""

from collections.abc import Iterable

from consensus.light.attestation import (
    Attestation,
    AttestationCertificate,
    AttestationDomain,
    Committee,
    assemble_attestation,
    verify_signature,
)


class QuorumMissing(ValueError):
    """Too few validators signed the proven word."""

    def __init__(self, *, found: int, needed: int, committee: int) -> None:
        self.found = found
        self.needed = needed
        self.committee = committee
        super().__init__(f"{found} validators of committee {committee} signed, {needed} are needed: ask more of them")


def certify(
    domain: AttestationDomain, committee: Committee, fact: Attestation, answers: Iterable[object]
) -> AttestationCertificate:
    """Return the certificate of a fact from answers of `sycee_attest`, asking no more of them than needed.

    `fact` is what this wallet proved itself: word, height and time under a final header of the committee's epoch.
    Raises: QuorumMissing.
    """
    signatures: dict[int, bytes] = {}
    for answer in answers:
        for index, signature in _signatures_in(answer):
            if index not in signatures and verify_signature(domain, committee, fact, index=index, signature=signature):
                signatures[index] = signature
        if len(signatures) >= committee.quorum:
            return assemble_attestation(committee, fact, signatures)
    raise QuorumMissing(found=len(signatures), needed=committee.quorum, committee=committee.number)


def _signatures_in(answer: object) -> list[tuple[int, bytes]]:
    """Return what could be signatures; an answer of another shape has none."""
    listed = answer.get("signatures") if isinstance(answer, dict) else None
    found = []
    for entry in listed if isinstance(listed, list) else []:
        index = entry.get("index") if isinstance(entry, dict) else None
        text = entry.get("signature") if isinstance(entry, dict) else None
        # True is an int to Python and no index to anybody.
        if type(index) is int and isinstance(text, str):
            try:
                found.append((index, bytes.fromhex(text.removeprefix("0x"))))
            except ValueError:
                continue
    return found
