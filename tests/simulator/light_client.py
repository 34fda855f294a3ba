"""The checker `light_follows`: somebody who has only the genesis document, and asks nodes that may lie.

It must reach the tip with what any honest node serves, and accept nothing else.
"""

from dataclasses import replace
from random import Random

from consensus.chain.genesis import document_hash, encode_genesis
from consensus.light.trust import LightError, TrustedState, advance
from consensus.light.verify import trust_genesis, verify_final_proof, verify_handoff
from consensus.primitives.scalars import Epoch, Height, TimestampMs, View
from consensus.simplex.messages import decode_certificate, encode_certificate
from tests.simulator.cluster import Cluster, SimulatedNode
from tests.simulator.world import Broken

QUESTIONS = 6
"""Heights asked of each node. All of them would prove no more, and take a second."""


def check_light_follows(cluster: Cluster) -> None:
    """Follow the chain from genesis by what each stopped node has on its disk. Raises: Broken."""
    drawn = cluster.world.generator("light client")
    for node in cluster.honest:
        if node.refusal is None:
            trusted = _follow(_trusted_genesis(cluster), node, drawn)
            if trusted.highest.height != node.height:
                raise Broken(
                    "light_follows", f"{node.name} is at {node.height}, the light client at {trusted.highest.height}"
                )


def _trusted_genesis(cluster: Cluster) -> TrustedState:
    genesis, document = cluster.genesis, cluster.document
    return trust_genesis(
        chain_id=document.chain_id,
        document_hash=document_hash(encode_genesis(document)),
        payload=genesis.validator_payload,
        header_rlp=genesis.executed.block.header_rlp,
        accepted_ms=TimestampMs(document.timestamp_ms),
    )


def _follow(trusted: TrustedState, node: SimulatedNode, drawn: Random) -> TrustedState:
    chain, head = node.chain, node.height
    heights = sorted({head, *(drawn.randint(1, head) for _ in range(QUESTIONS))}) if head else []
    for height in heights:
        trusted = _hand_off(trusted, node, height)
        top = height
        while (finalization := chain.own_finalization(Height(top))) is None and top < head:
            top += 1
        headers = [chain.header_rlp(Height(number)) for number in range(height, top + 1)]
        present = [header for header in headers if header is not None]
        if finalization is None or len(present) != len(headers):
            raise Broken(
                "light_follows", f"{node.name} cannot prove height {height}: nothing up to {head} is finalized"
            )
        try:
            final = verify_final_proof(
                trusted, header_rlp=present[0], linking_headers=present[1:], finalization=finalization
            )
            trusted = advance(trusted, final.waypoint, final.header.timestamp_ms)
        except LightError as error:
            raise Broken("light_follows", f"{node.name}, height {height}: {error}") from error
        _require_refused(trusted, node, present[0], finalization)
    return trusted


def _hand_off(trusted: TrustedState, node: SimulatedNode, height: int) -> TrustedState:
    """Go on to the epoch of a height, one by one."""
    chain = node.chain
    while (record := chain.epoch_record(Epoch(trusted.epoch + 1))) is not None and record[0] <= height:
        first_height, payload = record
        last = Height(first_height - 1)
        header_rlp, finalization = chain.header_rlp(last), chain.own_finalization(last)
        if header_rlp is None or finalization is None:
            raise Broken("light_follows", f"{node.name} cannot prove height {last}, the last of epoch {trusted.epoch}")
        try:
            trusted = verify_handoff(trusted, header_rlp=header_rlp, payload=payload, finalization=finalization)
        except LightError as error:
            raise Broken("light_follows", f"{node.name}, end of epoch {trusted.epoch}: {error}") from error
    return trusted


def _require_refused(trusted: TrustedState, node: SimulatedNode, header_rlp: bytes, finalization: bytes) -> None:
    """Offer what is almost right. Raises: Broken."""
    certificate = decode_certificate(finalization)
    statement = certificate.statement
    signature = certificate.signatures[0]
    for what, offered in (
        ("another view", replace(certificate, statement=replace(statement, view=View(statement.view + 1)))),
        ("a broken signature", replace(certificate, signatures=(signature[::-1], *certificate.signatures[1:]))),
        ("one signature less", replace(certificate, signatures=certificate.signatures[1:])),
    ):
        try:
            verify_final_proof(
                trusted, header_rlp=header_rlp, linking_headers=(), finalization=encode_certificate(offered)
            )
        except LightError:
            continue
        raise Broken("light_follows", f"{node.name}: a finalization with {what} is accepted")
