"""Double spends proven, owners blacklisted and cleared; and every proof that is none."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import ZERO_HASH
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.lock_rules import LIFE_S_MAX
from contracts.offline.typed_data import Hop, PurseTerms, hop_digest, purse_id
from tests.contracts.ledger import ALICE, CAROL, EUR, GOVERNOR, text
from tests.contracts.native.offline.till import (
    CLAIM_UNTIL_S,
    NOW_S,
    PAYEE,
    PURSE,
    PURSE_ID,
    SECOND,
    SEPARATOR,
    Till,
    hop,
    hop_tuple,
    signed,
    terms_of,
)

PURSE_TEXT = f"0x{PURSE_ID.hex()}"
FIRST, OTHER = hop(0, 500), hop(499, 600, SECOND)
NEXT: PurseTerms = replace(PURSE, open_nonce=1)


def digest_text(spend: Hop) -> str:
    return f"0x{hop_digest(SEPARATOR, spend).hex()}"


@pytest.mark.parametrize(("first", "second"), [(FIRST, OTHER), (OTHER, FIRST)])
def test_overlapping_spends_convict_from_either_order(till: Till, first: Hop, second: Hop) -> None:
    outcome = till.with_purse().proves(first, second)
    assert outcome.events == [
        f"Equivocation(purseId={PURSE_TEXT}, owner={text(ALICE)}, digestA={digest_text(first)},"
        f" digestB={digest_text(second)})"
    ]
    assert till.ledger.read(OFFLINE_LOCKS, "purseFlags", PURSE_ID) == 2
    assert till.ledger.read(OFFLINE_LOCKS, "isBlacklisted", ALICE) is True
    assert till.does(CAROL, "revocationAt", 0).values == (1, CLAIM_UNTIL_S, PURSE_ID[:8])
    assert till.does(CAROL, "revocationAt", 1).values == (2, NOW_S + LIFE_S_MAX, ALICE[:8])
    assert till.does(CAROL, "revocationAt", 2).error == "IndexOutOfRange(index=2, count=2)"
    assert till.proves(first, second).events == []


def test_a_proof_pays_and_withholds_nothing_of_any_payee(till: Till) -> None:
    till.with_purse().proves(FIRST, OTHER)
    assert till.claims(FIRST).values == (500,)
    assert till.claims(OTHER).values == (101,)


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (FIRST, FIRST, f"SameDigest(digest={digest_text(FIRST)})"),
        (FIRST, hop(500, 600), "NoOverlap()"),
        (FIRST, replace(OTHER, purse_id=ZERO_HASH), f"OtherPurse(expected={PURSE_TEXT}, given=0x{ZERO_HASH.hex()})"),
        (FIRST, hop(499, 3_001), "BadRange(lo=499, hi=3001, value=3000)"),
    ],
)
def test_what_proves_nothing_is_refused(till: Till, first: Hop, second: Hop, error: str) -> None:
    till.with_purse()
    assert till.proves(first, second).error == error
    assert till.ledger.read(OFFLINE_LOCKS, "isBlacklisted", ALICE) is False


def test_a_forged_spend_proves_nothing(till: Till) -> None:
    till.with_purse()
    shown = (hop_tuple(FIRST), signed(FIRST), hop_tuple(OTHER), signed(OTHER, key="enemy"))
    refused = till.does(CAROL, "prove", terms_of(PURSE), *shown)
    assert refused.error == f"BadSignature(signer={text(PURSE.signer)})"


def test_terms_that_somebody_invented_prove_nothing(till: Till) -> None:
    till.with_purse()
    invented = purse_id(SEPARATOR, NEXT)
    first, second = replace(FIRST, purse_id=invented), replace(OTHER, purse_id=invented)
    assert till.proves(first, second, NEXT).error == f"PurseNotFound(purseId=0x{invented.hex()})"


def test_a_purse_closed_long_ago_still_convicts(till: Till) -> None:
    till.with_purse().at(CLAIM_UNTIL_S + 1).does(CAROL, "closePurse", terms_of(PURSE))
    assert till.at(CLAIM_UNTIL_S + 1_000_000).proves(FIRST, OTHER).error is None
    assert till.ledger.read(OFFLINE_LOCKS, "isBlacklisted", ALICE) is True


def test_a_blacklisted_owner_opens_no_purse_and_waits_for_its_rest(till: Till) -> None:
    till.with_purse().proves(FIRST, OTHER)
    blacklisted = f"AccountBlacklisted(account={text(ALICE)})"
    assert till.does(ALICE, "openPurse", terms_of(NEXT)).error == blacklisted
    till.claims(FIRST)
    closed = till.at(CLAIM_UNTIL_S + 1).does(CAROL, "closePurse", terms_of(PURSE))
    assert closed.values == (3_500,)
    assert closed.events[0].startswith(f"PayoutHeld(currency={text(EUR)}, account={text(ALICE)}, amount=3500")
    assert till.money() == (96_000, 500, 0, 3_500)
    assert till.held(ALICE) == 3_500
    assert till.does(CAROL, "releaseHeld", EUR, ALICE, 3_500).error == blacklisted
    assert till.does(GOVERNOR, "clear", ALICE).events == [f"Cleared(owner={text(ALICE)})"]
    assert till.does(CAROL, "releaseHeld", EUR, ALICE, 3_500).error is None
    assert till.money() == (99_500, 500, 0, 0)


def test_an_owner_once_cleared_is_not_convicted_again_by_the_same_purse(till: Till) -> None:
    till.with_purse().proves(FIRST, OTHER)
    assert till.does(GOVERNOR, "clear", ALICE).error is None
    assert till.proves(FIRST, hop(0, 500, SECOND)).error is None
    assert till.ledger.read(OFFLINE_LOCKS, "isBlacklisted", ALICE) is False


def test_clear_is_the_governors_and_of_the_blacklisted(till: Till) -> None:
    assert till.does(ALICE, "clear", ALICE).error == f"GovernorOnly(caller={text(ALICE)}, governor={text(GOVERNOR)})"
    assert till.does(GOVERNOR, "clear", PAYEE).error == f"NotBlacklisted(account={text(PAYEE)})"


def test_a_flag_of_the_owner_and_a_proof_are_one_revocation_of_the_purse(till: Till) -> None:
    till.with_purse().does(ALICE, "flagPurse", terms_of(PURSE))
    till.proves(FIRST, OTHER)
    assert till.ledger.read(OFFLINE_LOCKS, "purseFlags", PURSE_ID) == 3
    assert till.ledger.read(OFFLINE_LOCKS, "revocationCount") == 2
