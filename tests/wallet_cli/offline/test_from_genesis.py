"""From a genesis document to goods over the counter: every link of the trust that a till stands on, in one chain."""

from dataclasses import replace

from nacl.signing import SigningKey

from consensus.chain.header import encode_header
from consensus.light.attestation import (
    Attestation,
    AttestationDomain,
    AttestedKind,
    CommitteeTrust,
    assemble_attestation,
    attested_bytes,
    committee_of,
    committee_record_hash,
    follow_handoff,
    next_committee,
)
from consensus.light.verify import verify_handoff
from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import ZERO_HASH, Epoch, Height
from consensus.simplex.validators import Validator, encode_set_payload, next_set_requests_hash
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.lock_rules import OfflineWord, encode_word, redeem
from tests.consensus.light.builders import KEYS, certificate_of, child_of, make_network, validator_of
from tests.wallet_cli.offline.builders import CHAIN_ID, DAY_S, LOCK_ID, make_invoice, make_paired
from tests.wallet_cli.offline.tills import make_till, open_invoices
from wallet_cli.offline.acceptance import check_payment
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import CertifiedWord, CommitteeMessage
from wallet_cli.offline.verdicts import AcceptVoucher, Reason, Refused

DOMAIN = AttestationDomain(CHAIN_ID, OFFLINE_LOCKS)


def attesting(generation: int) -> list[SigningKey]:
    return [SigningKey(sha256(f"attester {generation} {number}".encode())) for number in range(len(KEYS))]


def members(generation: int) -> list[Validator]:
    return [
        replace(validator_of(key), attestation_key=bytes(attester.verify_key))
        for key, attester in zip(KEYS, attesting(generation), strict=True)
    ]


def test_till_that_was_online_at_genesis_accepts_through_two_changes_of_validators() -> None:
    network = make_network()
    start_s = network.genesis.timestamp_ms // 1000
    committees = CommitteeTrust(DOMAIN, (committee_of(network.trusted.validators, number=0, start_s=start_s),), start_s)

    # Online: the first epoch ends, and hands over to a set with other attestation keys.
    first_set = encode_set_payload(Epoch(1), members(1))
    first_end = replace(child_of(network.genesis), requests_hash=next_set_requests_hash(first_set))
    trusted, committees = follow_handoff(
        network.trusted,
        committees,
        header_rlp=encode_header(first_end),
        payload=first_set,
        finalization=certificate_of(first_end, domain=network.domain),
    )
    assert committees.newest.number == 1

    # The till goes offline. The second epoch ends; its outgoing committee introduces the next.
    second_set = encode_set_payload(Epoch(2), members(2))
    second_end = replace(
        child_of(first_end, view=1, step_ms=5 * DAY_S * 1000),
        epoch=Epoch(1),
        requests_hash=next_set_requests_hash(second_set),
    )
    online = verify_handoff(
        trusted,
        header_rlp=encode_header(second_end),
        payload=second_set,
        finalization=certificate_of(second_end, domain=network.domain),
    )
    second_start_s = second_end.timestamp_ms // 1000
    newest = next_committee(committees.newest, online.validators, start_s=second_start_s)
    record = Attestation(
        AttestedKind.COMMITTEE,
        committee_record_hash(CHAIN_ID, newest),
        ZERO_HASH,
        1,
        second_end.height,
        second_start_s,
    )
    introduced = assemble_attestation(
        committees.newest,
        record,
        {at: attesting(1)[at].sign(attested_bytes(DOMAIN, record)).signature for at in (0, 1, 3)},
    )
    introduction = CommitteeMessage(
        CHAIN_ID, newest.number, introduced, newest.start_s, newest.keys, newest.first_epoch
    )

    # A payer locks under the new committee, and pays the till with its certificate and the introduction.
    now_s = second_start_s + 3_600
    word = OfflineWord(0, 50_00, now_s + 7 * DAY_S, now_s + 14 * DAY_S)
    lock = Attestation(AttestedKind.LOCK, LOCK_ID, encode_word(word), 2, Height(9), now_s - 60)
    certificate = assemble_attestation(
        newest, lock, {at: attesting(2)[at].sign(attested_bytes(DOMAIN, lock)).signature for at in (0, 2, 3)}
    )
    till = make_till(trust=committees, invoices=open_invoices(make_invoice(until_s=now_s + 60)))
    payment = make_paired(certified=CertifiedWord(word, certificate))
    alone = check_payment(till, encode_message(payment), now_s=now_s).verdict
    assert isinstance(alone, Refused)
    assert alone.reason is Reason.COMMITTEE_UNKNOWN
    carrying = replace(payment, attachments=(encode_message(introduction),))
    decision = check_payment(till, encode_message(carrying), now_s=now_s)
    assert isinstance(decision.verdict, AcceptVoucher)
    assert decision.learned.trust.newest == newest
    assert decision.learned.trust.anchor_time_s == second_start_s

    # The ledger pays what was accepted, up to the last second promised.
    _, paid = redeem(word, cumulative=decision.verdict.voucher.cumulative, now_s=word.claim_until_s)
    assert paid == decision.verdict.amount_minor
