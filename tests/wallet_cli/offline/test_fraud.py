"""A double spend is found from any two spends and proven to anybody by one small message."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.light.attestation import AttestationDomain, AttestationNotValid
from contracts.offline.errors import NoOverlap, RuleBroken
from contracts.offline.lock_rules import OfflineWord
from tests.wallet_cli.offline.builders import (
    CLAIM_UNTIL_S,
    DOMAIN,
    MALLORY,
    PURSE_ID,
    PURSE_TERMS,
    PURSE_WORD,
    SEPARATOR,
    SHOPS,
    SPEND_UNTIL_S,
    certify_purse,
    make_fraud,
    make_hop,
    make_purse_payment,
    trust,
)
from wallet_cli.offline.errors import MessageError
from wallet_cli.offline.fraud import (
    OtherNetwork,
    ShownPayment,
    detect_double_spend,
    find_conflict,
    is_overspent,
    prove_double_spend,
    spend_of_payment,
    spends_of_fraud,
    verify_fraud,
    verify_fraud_of_owner,
)
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import Fraud


def test_two_payments_to_two_tills_prove_the_double_spend_to_a_third_party() -> None:
    first = spend_of_payment(PURSE_ID, make_purse_payment(0, 10_00, to=SHOPS[0]), SHOPS[0])
    second = spend_of_payment(PURSE_ID, make_purse_payment(9_99, 20_00, 2, to=SHOPS[1]), SHOPS[1])
    fraud = prove_double_spend(DOMAIN, PURSE_TERMS, first, second)
    shown = decode_message(encode_message(fraud))
    assert isinstance(shown, Fraud)
    found = verify_fraud(DOMAIN, shown)
    assert (found.purse_id, found.lo, found.hi) == (PURSE_ID, 9_99, 10_00)
    assert set(spends_of_fraud(DOMAIN, shown)) == {first, second}


def test_double_spend_is_detected_from_two_payments_and_only_from_a_true_one() -> None:
    first = ShownPayment(make_purse_payment(0, 10_00, to=SHOPS[0]), SHOPS[0])
    second = ShownPayment(make_purse_payment(9_99, 20_00, 2, to=SHOPS[1], is_first=False), SHOPS[1])
    found = detect_double_spend(DOMAIN, second, first)
    assert found is not None
    assert verify_fraud(DOMAIN, found).purse_id == PURSE_ID
    bare = replace(first, payment=replace(first.payment, terms=None))
    other = make_purse_payment(terms=replace(PURSE_TERMS, open_nonce=9))
    misnamed = [replace(shown, payment=replace(shown.payment, ref=bytes(16))) for shown in (first, second)]
    for one, two in (
        (first, first),
        (misnamed[0], misnamed[1]),
        (bare, second),
        (first, ShownPayment(make_purse_payment(10_00, 20_00, 2, to=SHOPS[1]), SHOPS[1])),
        (first, replace(second, to=SHOPS[2])),
        (first, ShownPayment(make_purse_payment(9_99, 20_00, 2, to=SHOPS[1], key=MALLORY), SHOPS[1])),
        (first, ShownPayment(other, SHOPS[1])),
        (replace(first, payment=replace(first.payment, terms=other.terms)), second),
    ):
        assert detect_double_spend(DOMAIN, one, two) is None


def test_proof_has_the_same_bytes_whichever_was_seen_first() -> None:
    first, second = make_hop(0, 10), make_hop(5, 15, number=2)
    assert prove_double_spend(DOMAIN, PURSE_TERMS, first, second) == prove_double_spend(
        DOMAIN, PURSE_TERMS, second, first
    )
    with pytest.raises(NoOverlap):
        prove_double_spend(DOMAIN, PURSE_TERMS, first, make_hop(10, 15, number=2))


def test_no_flipped_bit_of_a_proof_is_a_proof() -> None:
    fraud = make_fraud()
    encoded = bytearray(encode_message(fraud))
    for at in range(len(encoded)):
        bit = 1 << at % 8
        encoded[at] ^= bit
        with pytest.raises((MessageError, RuleBroken, OtherNetwork)):
            found = decode_message(bytes(encoded))
            assert isinstance(found, Fraud)
            verify_fraud(DOMAIN, found)
        encoded[at] ^= bit


def test_proof_of_another_network_proves_nothing_here() -> None:
    fraud = make_fraud()
    with pytest.raises(OtherNetwork):
        verify_fraud(AttestationDomain(1, DOMAIN.contract), fraud)
    with pytest.raises(RuleBroken):
        verify_fraud(AttestationDomain(1, DOMAIN.contract), replace(fraud, chain_id=1))


def test_owner_is_to_blame_only_for_a_purse_that_was_opened() -> None:
    fraud = make_fraud()
    assert not verify_fraud_of_owner(trust(), fraud, None).is_opened
    assert verify_fraud_of_owner(trust(), fraud, certify_purse()).is_opened
    other = certify_purse(id=SEPARATOR)
    with pytest.raises(AttestationNotValid):
        verify_fraud_of_owner(trust(), fraud, other)


def test_more_paid_than_an_honest_owner_has_is_proof_by_itself() -> None:
    assert not is_overspent(PURSE_TERMS, replace(PURSE_WORD, settled=60_00))
    assert is_overspent(PURSE_TERMS, OfflineWord(60_01, 80_00, SPEND_UNTIL_S, CLAIM_UNTIL_S))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), min_size=2, max_size=6, unique=True))
def test_conflict_is_found_exactly_where_units_are_shared(ranges: list[tuple[int, int]]) -> None:
    spends = [make_hop(lo, lo + size, number=number) for number, (lo, size) in enumerate(ranges)]
    seen, spend = spends[:-1], spends[-1]
    units = set(range(spend.hop.lo, spend.hop.hi))
    sharing = [earlier for earlier in seen if units & set(range(earlier.hop.lo, earlier.hop.hi))]
    assert find_conflict(SEPARATOR, seen, spend) == (sharing[0] if sharing else None)
    assert find_conflict(SEPARATOR, [*seen, spend], spend) == (sharing[0] if sharing else None)
