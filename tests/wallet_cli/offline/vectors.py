"""The golden bytes of offline messages and of everything signed in them.

`python -m tests.wallet_cli.offline.vectors` writes them anew; that approves a change of format.
"""

import json
from pathlib import Path

from consensus.light.attestation import (
    Attestation,
    AttestedKind,
    attested_bytes,
    committee_record_hash,
    revocations_hash,
)
from consensus.primitives.scalars import ZERO_HASH
from contracts.offline.lock_rules import encode_word
from contracts.offline.typed_data import (
    card_digest,
    heal_digest,
    hop_digest,
    invoice_digest,
    receipt_digest,
    release_digest,
    voucher_digest,
)
from tests.wallet_cli.offline.builders import (
    ATTESTED_HEIGHT,
    ATTESTED_S,
    BOB_ADDRESS,
    CHAIN_ID,
    CLASS,
    DOMAIN,
    EUR,
    LOCK_ID,
    LOCK_WORD,
    NOW_S,
    PURSE_ID,
    PURSE_TERMS,
    PURSE_WORD,
    SEPARATOR,
    TILL_ADDRESS,
    committee,
    every_message,
    invoice_number,
    make_hop,
)
from wallet_cli.offline.message_encoder import encode_message

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "offline" / "messages.json"


def build_vectors() -> dict[str, object]:
    invoice = invoice_number(1)
    record = committee_record_hash(CHAIN_ID, committee(6))
    return {
        "chainId": CHAIN_ID,
        "domainSeparator": SEPARATOR.hex(),
        "lockId": LOCK_ID.hex(),
        "purseId": PURSE_ID.hex(),
        "classId": PURSE_TERMS.accept_class.hex(),
        "classMembers": [member.hex() for member in CLASS],
        "words": {"lock": encode_word(LOCK_WORD).hex(), "purse": encode_word(PURSE_WORD).hex()},
        "digests": {
            "voucher": voucher_digest(SEPARATOR, lock=LOCK_ID, cumulative=12_34, invoice=invoice).hex(),
            "release": release_digest(SEPARATOR, lock=LOCK_ID, cumulative=12_34).hex(),
            "hop": hop_digest(SEPARATOR, make_hop(0, 12_34).hop).hex(),
            "receipt": receipt_digest(SEPARATOR, invoice=invoice, payment=LOCK_ID[:16], time_s=NOW_S).hex(),
            "heal": heal_digest(SEPARATOR, lock=LOCK_ID, best=12_34, invoice=invoice).hex(),
            "card": card_digest(
                SEPARATOR, payee=BOB_ADDRESS, till=TILL_ADDRESS, name="Bob's bakery", until_s=NOW_S
            ).hex(),
            "invoice": invoice_digest(
                SEPARATOR,
                payee=BOB_ADDRESS,
                till=TILL_ADDRESS,
                currency=EUR,
                amount_minor=12_34,
                invoice=invoice,
                until_s=NOW_S,
                modes=3,
                name="Bob's bakery",
                committee=5,
                channel=ZERO_HASH,
            ).hex(),
        },
        "attested": {
            kind.name.lower(): attested_bytes(DOMAIN, Attestation(kind, id, word, 5, ATTESTED_HEIGHT, ATTESTED_S)).hex()
            for kind, id, word in (
                (AttestedKind.LOCK, LOCK_ID, encode_word(LOCK_WORD)),
                (AttestedKind.PURSE, PURSE_ID, encode_word(PURSE_WORD)),
                (AttestedKind.COMMITTEE, record, ZERO_HASH),
                (AttestedKind.REVOCATIONS, revocations_hash((PURSE_ID[:8],)), (1).to_bytes(32, "big")),
            )
        },
        "messages": {named.name: encode_message(named.message).hex() for named in every_message()},
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(build_vectors(), indent=1) + "\n")
