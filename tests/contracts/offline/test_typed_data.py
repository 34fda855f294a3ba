"""What devices sign is what any EIP-712 implementation hashes."""

from collections.abc import Callable

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.typed_data import (
    Hop,
    LockTerms,
    PurseTerms,
    card_digest,
    domain_separator,
    heal_digest,
    hop_digest,
    invoice_digest,
    lock_id,
    purse_id,
    receipt_digest,
    release_digest,
    voucher_digest,
)

CHAIN_ID = 23790
SEPARATOR = domain_separator(CHAIN_ID)
A, B, C, D = (Address(keccak256(bytes((number,)))[:20]) for number in range(4))
ID = keccak256(b"id")
INVOICE = ID[:8]

CASES: tuple[tuple[str, str, dict[str, object], Callable[[], Hash32]], ...] = (
    (
        "LockTerms",
        "address payer,address payee,address till,address currency,address signer,uint8 sigAlg,uint64 openNonce",
        {"payer": A, "payee": B, "till": C, "currency": D, "signer": A, "sigAlg": 2, "openNonce": 2**64 - 1},
        lambda: lock_id(SEPARATOR, LockTerms(A, B, C, D, A, 2, 2**64 - 1)),
    ),
    (
        "PurseTerms",
        "address owner,address currency,address signer,uint8 sigAlg,uint8 signerClass,uint64 openNonce,uint96 value,"
        "uint96 collateral,uint96 perPayee,uint8 maxHops,uint32 settleDelay,bytes32 acceptClass,uint32 spendUntil,"
        "uint32 claimUntil",
        {
            "owner": A, "currency": B, "signer": C, "sigAlg": 1, "signerClass": 2, "openNonce": 7, "value": 2**96 - 1,
            "collateral": 5, "perPayee": 6, "maxHops": 1, "settleDelay": 9, "acceptClass": ID, "spendUntil": 10,
            "claimUntil": 11,
        },
        lambda: purse_id(SEPARATOR, PurseTerms(A, B, C, 1, 2, 7, 2**96 - 1, 5, 6, 1, 9, ID, 10, 11)),
    ),
    (
        "Hop",
        "bytes32 purseId,bytes32 parent,uint96 lo,uint96 hi,address to,bytes8 invoice",
        {"purseId": ID, "parent": bytes(32), "lo": 3, "hi": 2**90, "to": A, "invoice": INVOICE},
        lambda: hop_digest(SEPARATOR, Hop(ID, 3, 2**90, A, INVOICE)),
    ),
    (
        "Voucher",
        "bytes32 lockId,uint96 cumulative,bytes8 invoice",
        {"lockId": ID, "cumulative": 12_34, "invoice": INVOICE},
        lambda: voucher_digest(SEPARATOR, lock=ID, cumulative=12_34, invoice=INVOICE),
    ),
    (
        "Release",
        "bytes32 lockId,uint96 cumulative",
        {"lockId": ID, "cumulative": 12_34},
        lambda: release_digest(SEPARATOR, lock=ID, cumulative=12_34),
    ),
    (
        "Invoice",
        "address payee,address till,address currency,uint96 amount,bytes8 invoice,uint32 until,uint8 modes,string name,"
        "uint32 committee,bytes32 channel",
        {
            "payee": A, "till": B, "currency": C, "amount": 5, "invoice": INVOICE, "until": 6, "modes": 3,
            "name": "水 & ü", "committee": 8, "channel": ID,
        },
        lambda: invoice_digest(
            SEPARATOR, payee=A, till=B, currency=C, amount_minor=5, invoice=INVOICE, until_s=6, modes=3, name="水 & ü",
            committee=8, channel=ID,
        ),
    ),
    (
        "Receipt",
        "bytes8 invoice,bytes16 payment,uint32 time",
        {"invoice": INVOICE, "payment": ID[:16], "time": 99},
        lambda: receipt_digest(SEPARATOR, invoice=INVOICE, payment=ID[:16], time_s=99),
    ),
    (
        "Heal",
        "bytes32 lockId,uint96 best,bytes8 invoice",
        {"lockId": ID, "best": 0, "invoice": INVOICE},
        lambda: heal_digest(SEPARATOR, lock=ID, best=0, invoice=INVOICE),
    ),
    (
        "Card",
        "address payee,address till,string name,uint32 until",
        {"payee": A, "till": B, "name": "", "until": 5},
        lambda: card_digest(SEPARATOR, payee=A, till=B, name="", until_s=5),
    ),
)  # fmt: skip


def reference(name: str, fields: str, values: dict[str, object], *, chain_id: int = CHAIN_ID) -> bytes:
    members = [{"type": kind, "name": field} for kind, field in (entry.split(" ") for entry in fields.split(","))]
    domain = {
        "name": "Sycee OfflineLocks",
        "version": "1",
        "chainId": chain_id,
        "verifyingContract": "0x" + OFFLINE_LOCKS.hex(),
    }
    shown = {
        key: "0x" + value.hex() if isinstance(value, bytes) and len(value) == 20 else value
        for key, value in values.items()
    }
    return bytes(_hash_eip191_message(encode_typed_data(domain, {name: members}, shown)))


@pytest.mark.parametrize(("name", "fields", "values", "digest"), CASES, ids=[case[0] for case in CASES])
def test_digest_is_that_of_the_standard(
    name: str, fields: str, values: dict[str, object], digest: Callable[[], Hash32]
) -> None:
    assert digest() == reference(name, fields, values)


@pytest.mark.parametrize(("name", "fields", "values", "digest"), CASES, ids=[case[0] for case in CASES])
def test_no_digest_is_good_on_another_chain(
    name: str, fields: str, values: dict[str, object], digest: Callable[[], Hash32]
) -> None:
    assert digest() != reference(name, fields, values, chain_id=CHAIN_ID + 1)


def test_another_contract_has_another_domain() -> None:
    assert domain_separator(CHAIN_ID) != domain_separator(CHAIN_ID, A)
