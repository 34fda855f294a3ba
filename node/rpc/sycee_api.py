"""sycee_*: what a client needs to believe nobody, and what only this network has.

Heights, epochs, views and indices are JSON numbers; bytes are hex as everywhere.
"""

from collections.abc import Sequence
from dataclasses import asdict

from consensus.chain.merkle import ordered_list_proof
from consensus.chain.receipt import encode_receipts
from consensus.primitives.scalars import Epoch, Height
from consensus.simplex.messages import encode_vote
from node.rpc.block_tags import resolve_block
from node.rpc.encoding import Json, JsonObject, certificate_object, data_hex
from node.rpc.methods import Context, Method
from node.rpc.parameters import UINT64_MAX, read_count, read_hash
from node.runtime.evidence import EvidenceRecord


def get_certificate(context: Context, parameters: Sequence[object]) -> Json:
    """Return why a height is final: its header, the headers up to the signed one, and the finalization.

    Raises: InvalidParameter, BlockNotFound, Pruned.
    """
    block = parameters[0]
    # Heights are JSON numbers in the answers of this namespace, so they are read back as such.
    if isinstance(block, int) and not isinstance(block, bool):
        block = hex(block)
    height = resolve_block(block, context.backend, "blockOrHeight").height
    return certificate_object(context.backend.certificate(height))


async def get_finality_proof(context: Context, parameters: Sequence[object]) -> Json:
    """Return a final transaction and its receipt with certificate and Merkle paths, at one height; else null.

    Raises: InvalidParameter, Pruned, CallsOverloaded.
    """
    place = context.backend.locate(read_hash(parameters[0], "transactionHash"))
    if place is None:
        return None
    height, index = place
    return await context.encode_aside(lambda: _finality_proof_object(context, height, index))


def get_currencies(context: Context, parameters: Sequence[object]) -> Json:
    """Return the native currencies by id."""
    return [
        {
            "id": currency.currency_id,
            "address": data_hex(currency.address),
            "code": currency.code,
            "name": currency.name,
            "decimals": currency.decimals,
        }
        for currency in context.backend.currencies()
    ]


def get_validators(context: Context, parameters: Sequence[object]) -> Json:
    """Return the validator set of the current epoch."""
    validator_set = context.backend.validators()
    return {
        "epoch": validator_set.epoch,
        "quorum": validator_set.quorum,
        "validators": [
            {
                "index": validator.index,
                "name": validator.name,
                "operator": data_hex(validator.operator),
                "consensusKey": data_hex(validator.consensus_key),
                "attestationKey": data_hex(validator.attestation_key),
            }
            for validator in validator_set.validators
        ],
    }


HANDOFFS_MAX = 64
"""Handoffs in one answer: about 400 KB for 30 validators, months of epochs."""


def get_handoffs(context: Context, parameters: Sequence[object]) -> Json:
    """Return how epochs ended, from the given one on, at most 64: header, next validator set, finalization of each.

    The list is empty while the given epoch runs. Raises: InvalidParameter.
    """
    first = read_count(parameters[0], "fromEpoch", UINT64_MAX - HANDOFFS_MAX)
    found: list[Json] = []
    for epoch in range(first, first + HANDOFFS_MAX):
        handoff = context.backend.handoff(Epoch(epoch))
        if handoff is None:
            break
        found.append(
            {
                "epoch": handoff.epoch,
                "height": handoff.height,
                "hash": data_hex(handoff.block_hash),
                "header": data_hex(handoff.header_rlp),
                "validators": data_hex(handoff.payload),
                "finalization": data_hex(handoff.finalization),
            }
        )
    return found


def get_evidence(context: Context, parameters: Sequence[object]) -> Json:
    """Return who signed two votes that exclude each other, as far as this node has heard: decoded, and raw to check."""
    return [evidence_object(found) for found in context.backend.evidence()]


def evidence_object(found: EvidenceRecord) -> JsonObject:
    """Return a contradiction as clients and `evidence list` see it."""
    first, second = found.accusation.first, found.accusation.second
    return {
        "epoch": first.statement.epoch,
        "view": first.statement.view,
        "signer": first.signer,
        "consensusKey": data_hex(found.consensus_key),
        "firstKind": first.statement.kind.name.lower(),
        "secondKind": second.statement.kind.name.lower(),
        "first": data_hex(encode_vote(first)),
        "second": data_hex(encode_vote(second)),
        "transactionHash": data_hex(found.transaction_hash),
        "height": found.height,
    }


def get_revert_reason(context: Context, parameters: Sequence[object]) -> Json:
    """Return whether a final transaction reverted, with its revert data and their meaning; null if not final.

    Raises: InvalidParameter, Pruned.
    """
    place = context.backend.locate(read_hash(parameters[0], "transactionHash"))
    if place is None:
        return None
    height, index = place
    receipts = context.backend.receipts(height)
    has_reverted = not receipts.receipts[index].succeeded
    output = receipts.revert_outputs[index]
    return {
        "reverted": has_reverted,
        "reason": context.backend.revert_reason(output) if has_reverted else None,
        "data": data_hex(output),
    }


def get_limits(context: Context, parameters: Sequence[object]) -> Json:
    """Return every limit of this node a client can meet."""
    numbers = {name: limit for name, limit in asdict(context.limits).items() if isinstance(limit, int)}
    rpc: JsonObject = {_camel_case(name): limit for name, limit in numbers.items()}
    return {**context.backend.limits(), **rpc}


def _finality_proof_object(context: Context, height: Height, index: int) -> JsonObject:
    transactions = context.backend.block(height).transactions
    receipts = encode_receipts(context.backend.receipts(height).receipts)
    return {
        **certificate_object(context.backend.certificate(height)),
        "transactionIndex": index,
        "transaction": data_hex(transactions[index]),
        "transactionProof": [data_hex(node) for node in ordered_list_proof(transactions, index)],
        "receipt": data_hex(receipts[index]),
        "receiptProof": [data_hex(node) for node in ordered_list_proof(receipts, index)],
    }


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


METHODS = {
    "sycee_getCertificate": Method(get_certificate, 1, 1, "blockOrHeight", "Certificate"),
    "sycee_getFinalityProof": Method(get_finality_proof, 1, 1, "transactionHash", "FinalityProof?"),
    "sycee_getEvidence": Method(get_evidence, 0, 0, "", "Evidence[]"),
    "sycee_getHandoffs": Method(get_handoffs, 1, 1, "fromEpoch", "Handoff[]"),
    "sycee_getCurrencies": Method(get_currencies, 0, 0, "", "Currency[]"),
    "sycee_getValidators": Method(get_validators, 0, 0, "", "ValidatorSet"),
    "sycee_getRevertReason": Method(get_revert_reason, 1, 1, "transactionHash", "RevertReason?"),
    "sycee_getLimits": Method(get_limits, 0, 0, "", "Limits"),
}
