"""The proof that a purse was spent twice: two spends of the same units, both signed by its device.

It needs the purse's word, which stays for ever: otherwise anybody could invent terms that name a victim. Source:
offline.md §4, §5.
"""

from typing import Final

from contracts.native.context import CallContext
from contracts.native.dispatch import Charge, FunctionTable
from contracts.native.errors import revert
from contracts.native.offline import prices
from contracts.native.offline.errors import PURSE_NOT_FOUND, naming_broken_rules
from contracts.native.offline.fraud import convict
from contracts.native.offline.prices import spend_for_signatures
from contracts.native.offline.purses import HOP, TERMS, HopTuple, PurseTuple, hop_of
from contracts.native.offline.records import read_purse, separator_of
from contracts.offline.purse_rules import SignedHop, verify_equivocation
from contracts.offline.typed_data import PurseTerms, purse_id

PROOFS: Final = FunctionTable()


@PROOFS.function(
    "prove(" + TERMS + f", {HOP} first, bytes firstSignature, {HOP} second, bytes secondSignature)",
    gas=prices.GAS_TWO_SIGNATURES,
    work=prices.WORK_PROVE,
    mutates=True,
    is_metered=True,
)
@naming_broken_rules
def prove(
    context: CallContext,
    charge: Charge,
    encoded: PurseTuple,
    first: HopTuple,
    first_signature: bytes,
    second: HopTuple,
    second_signature: bytes,
) -> None:
    """Flag a purse whose units were signed away twice, also one closed long ago, and blacklist its owner.

    Anybody's call; again does nothing. Reverts with PurseNotFound, OtherPurse, BadRange, UnknownSigAlg, HighS,
    BadSignature, SameDigest, NoOverlap.
    """
    terms = PurseTerms(*encoded)
    spend_for_signatures(charge, terms.sig_alg, count=2)
    separator = separator_of(context)
    purse = purse_id(separator, terms)
    word = read_purse(context, purse)
    if not word.claim_until_s:
        raise revert(PURSE_NOT_FOUND, purse)
    found = verify_equivocation(
        separator, terms, SignedHop(hop_of(first), first_signature), SignedHop(hop_of(second), second_signature)
    )
    digests = (found.digest_first, found.digest_second)
    convict(context, purse, terms.owner, digests, claim_until_s=word.claim_until_s)
