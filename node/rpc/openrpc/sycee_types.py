"""What sycee_* answers. Heights, epochs, views and indices are JSON numbers; amounts are decimal strings."""

from typing import Final

from contracts.movements import MovementKind
from node.rpc.openrpc.ethereum_types import ADDRESS, DATA, HASH
from node.rpc.openrpc.schema import (
    BOOLEAN,
    NUMBER,
    STRING,
    Schema,
    listed,
    named,
    nullable,
    record,
    table,
    text,
    word_of,
)

_AMOUNT: Final = named("Amount")
_CURRENCY: Final = named("CurrencyName")
_CURSOR: Final = nullable(named("PlaceCursor"))

_CERTIFICATE: Final[dict[str, Schema]] = {
    "height": NUMBER,
    "hash": HASH,
    "header": DATA,
    "linkingHeaders": listed(DATA),
    "finalization": DATA,
    "epoch": NUMBER,
    "view": NUMBER,
    "signers": listed(NUMBER),
    "validatorCount": NUMBER,
}

_SUPPLY_PARTS: Final[dict[str, Schema]] = dict.fromkeys(("balance", "held", "frozen", "parked", "spendable"), _AMOUNT)

SYCEE_TYPES: Final[dict[str, Schema]] = {
    "Amount": text("(0|[1-9][0-9]*)", "An amount in minor units, in decimal digits."),
    "AmountChange": text("-?(0|[1-9][0-9]*)", "A change in minor units, in decimal digits."),
    "PlaceCursor": text("0x[0-9a-f]{24}", "Where a list goes on: hand it back as it came."),
    "CurrencyName": record({"address": ADDRESS, "code": STRING, "decimals": NUMBER}),
    "Currency": record({"id": NUMBER, "address": ADDRESS, "code": STRING, "name": STRING, "decimals": NUMBER}),
    "Certificate": record(
        _CERTIFICATE, description="Why a height is final: header and finalization, as bytes to check."
    ),
    "FinalityProof": record(
        {
            **_CERTIFICATE,
            "transactionIndex": NUMBER,
            "transaction": DATA,
            "transactionProof": listed(DATA),
            "receipt": DATA,
            "receiptProof": listed(DATA),
        },
        description="Why a transaction is final and what came of it, checkable without trusting this node.",
    ),
    "Handoff": record(
        {"epoch": NUMBER, "height": NUMBER, "hash": HASH, "header": DATA, "validators": DATA, "finalization": DATA},
        description="How an epoch ended: its last header, the next validator set, the finalization.",
    ),
    "Evidence": record(
        {
            "epoch": NUMBER,
            "view": NUMBER,
            "signer": NUMBER,
            "consensusKey": HASH,
            "firstKind": STRING,
            "secondKind": STRING,
            "first": DATA,
            "second": DATA,
            "transactionHash": HASH,
            "height": nullable(NUMBER),
        },
        description="Two votes of one validator that exclude each other; `height` is null until they are on chain.",
    ),
    "Attestation": record(
        {
            "kind": word_of("lock", "purse", "revocations"),
            "id": HASH,
            "word": HASH,
            "height": NUMBER,
            "time": NUMBER,
            "committee": NUMBER,
            "signatures": listed(record({"index": NUMBER, "signature": DATA})),
        },
        description="A fact of final state with the signatures of attestation keys, by their place in the committee.",
    ),
    "Revocations": record(
        {"height": NUMBER, "time": NUMBER, "prefixes": listed(DATA)},
        description="First 8 bytes of revoked purses and blacklisted owners, ascending; `time` in seconds.",
    ),
    "ValidatorSet": record(
        {
            "epoch": NUMBER,
            "quorum": NUMBER,
            "validators": listed(
                record(
                    {
                        "index": NUMBER,
                        "name": STRING,
                        "operator": ADDRESS,
                        "consensusKey": HASH,
                        "attestationKey": HASH,
                    }
                )
            ),
        }
    ),
    "RevertReason": record({"reverted": BOOLEAN, "reason": nullable(STRING), "data": DATA}),
    "Limits": table(STRING, NUMBER),
    "Position": record(
        {
            "height": NUMBER,
            "hash": HASH,
            "currency": STRING,
            "address": ADDRESS,
            "decimals": NUMBER,
            "account": ADDRESS,
            **_SUPPLY_PARTS,
        },
        optional={"proof": named("AccountProof")},
    ),
    "AdmissionVerdict": record(
        {
            "hash": nullable(HASH),
            "from": nullable(ADDRESS),
            "admissible": BOOLEAN,
            "checks": listed(
                record(
                    {"check": STRING, "passed": BOOLEAN},
                    optional={
                        "error": record(
                            {"code": {"type": "integer"}, "message": STRING, "data": {"type": "object"}},
                        )
                    },
                )
            ),
        }
    ),
    "AddressHistory": record(
        {
            "transactions": listed(
                record(
                    {
                        "transactionHash": HASH,
                        "height": NUMBER,
                        "transactionIndex": NUMBER,
                        "timestampMs": NUMBER,
                        "from": ADDRESS,
                        "to": nullable(ADDRESS),
                        "succeeded": BOOLEAN,
                        "roles": listed(word_of("sender", "recipient", "party", "created")),
                    }
                )
            ),
            "nextCursor": _CURSOR,
            "height": NUMBER,
        }
    ),
    "Statement": record(
        {
            "currency": _CURRENCY,
            "account": ADDRESS,
            "fromHeight": NUMBER,
            "toHeight": NUMBER,
            "opening": _AMOUNT,
            "movements": listed(
                record(
                    {
                        "transactionHash": HASH,
                        "height": NUMBER,
                        "logIndex": NUMBER,
                        "timestampMs": NUMBER,
                        "kind": word_of(*MovementKind),
                        "from": ADDRESS,
                        "to": ADDRESS,
                        "amount": _AMOUNT,
                        "change": named("AmountChange"),
                        "balance": _AMOUNT,
                        "memo": nullable(HASH),
                        "reference": nullable(HASH),
                    }
                )
            ),
            "closing": _AMOUNT,
            "nextCursor": _CURSOR,
        }
    ),
    "Holders": record(
        {
            "currency": _CURRENCY,
            "holders": listed(record({"address": ADDRESS, "balance": _AMOUNT, "firstHeight": NUMBER})),
            "nextCursor": nullable(ADDRESS),
            "height": NUMBER,
        }
    ),
    "Supply": record({"currency": _CURRENCY, "supply": _AMOUNT, "height": NUMBER}),
    "Account": record(
        {
            "address": ADDRESS,
            "height": NUMBER,
            "nonce": NUMBER,
            "value": _AMOUNT,
            "hasCode": BOOLEAN,
            "registration": nullable(
                record(
                    {
                        "bank": record({"id": NUMBER, "address": ADDRESS}, optional={"name": STRING, "bic": STRING}),
                        "tier": NUMBER,
                        "status": word_of("active", "suspended_by_sponsor", "suspended_by_governor"),
                        "permissions": listed(word_of("send", "deploy")),
                        "registeredAt": NUMBER,
                    }
                )
            ),
            "balances": listed(
                record({"currency": _CURRENCY, **_SUPPLY_PARTS, "limits": named("AccountLimits")}),
            ),
            "holds": nullable(listed(named("OpenHold"))),
            "redemptions": nullable(listed(named("OpenRedemption"))),
            "nextCursor": nullable(DATA),
        }
    ),
    "AccountLimits": record(
        {
            "enabled": BOOLEAN,
            "tier": NUMBER,
            **dict.fromkeys(("perTransferMax", "balanceMax", "dailyOutMax"), nullable(_AMOUNT)),
            "outToday": _AMOUNT,
            "outLeft": nullable(_AMOUNT),
            "dailyInMax": nullable(_AMOUNT),
            "inToday": _AMOUNT,
            "inLeft": nullable(_AMOUNT),
        },
        description="Limits of a tier and what is used of them on the block's UTC day; null where there is no limit.",
    ),
    "OpenHold": record(
        {
            "currency": _CURRENCY,
            "id": HASH,
            "roles": listed(word_of("payer", "payee", "notary")),
            "payer": ADDRESS,
            "to": ADDRESS,
            "notary": nullable(ADDRESS),
            "amount": _AMOUNT,
            "remaining": _AMOUNT,
            "expiresAt": NUMBER,
            "expired": BOOLEAN,
            "consentedUntil": nullable(NUMBER),
            "memo": HASH,
        },
        description="A hold that is neither paid nor released; an expired one can only be released.",
    ),
    "OpenRedemption": record(
        {"currency": _CURRENCY, "id": NUMBER, "amount": _AMOUNT, "requestedAt": NUMBER, "memo": HASH}
    ),
    "LogPage": record({"logs": listed(named("Log")), "nextCursor": _CURSOR, "height": NUMBER}),
    "ModuleVersions": table(STRING, STRING),
    "OpenRpcDocument": {"type": "object", "description": "This document (OpenRPC 1.3.2)."},
}
