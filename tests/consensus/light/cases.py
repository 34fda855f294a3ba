"""The light-client vectors: one true proof, and each way to be false with one thing changed.

`python -m tests.consensus.light.cases` writes them anew; that approves a change of format.
"""

import json
from dataclasses import replace
from pathlib import Path

from consensus.chain.header import encode_header
from consensus.light.verify import genesis_set_payload
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Epoch
from consensus.simplex.messages import Kind, SigningDomain
from tests.consensus.light.builders import CHAIN_ID, QUORUM, certificate_of, child_of, make_network, signing_keys

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "light" / "final_proofs.json"


def build_cases() -> dict[str, object]:
    network = make_network()
    domain = network.domain
    first = child_of(network.genesis)
    second, third = child_of(first), child_of(child_of(first))
    header, good = encode_header(first), certificate_of(first, domain=domain)
    links = [encode_header(second), encode_header(third)]
    by_third = certificate_of(third, domain=domain)
    strangers = signing_keys(domain=b"stranger")
    copied = bytearray(good)
    copied[-64:] = good[-128:-64]
    cases: list[tuple[str, str, bytes, list[bytes], bytes]] = [
        ("three of four validators signed the header", "", header, [], good),
        ("final through a descendant", "", header, links, by_third),
        ("one byte of the header is wrong", "digest", _flip(header, 200), [], good),
        ("one byte of a signature is wrong", "finalization", header, [], _flip(good, -1)),
        ("one byte of the signed digest is wrong", "digest", header, [], _flip(good, 30)),
        (
            "one signer below the quorum",
            "finalization",
            header,
            [],
            certificate_of(first, domain=domain, signers=range(QUORUM - 1)),
        ),
        (
            "one signer above the quorum",
            "finalization",
            header,
            [],
            certificate_of(first, domain=domain, signers=range(QUORUM + 1)),
        ),
        ("one signature counted for two validators", "finalization", header, [], bytes(copied)),
        ("strangers signed", "finalization", header, [], certificate_of(first, domain=domain, keys=strangers)),
        (
            "notarized, not finalized",
            "finalization",
            header,
            [],
            certificate_of(first, domain=domain, kind=Kind.NOTARIZE),
        ),
        ("the certificate is of another epoch", "epoch", header, [], certificate_of(first, domain=domain, epoch=1)),
        (
            "the header is of another epoch",
            "epoch",
            encode_header(replace(first, epoch=Epoch(1))),
            [],
            certificate_of(replace(first, epoch=Epoch(1)), domain=domain),
        ),
        (
            "signed for another chain",
            "finalization",
            header,
            [],
            certificate_of(first, domain=SigningDomain(CHAIN_ID + 1, domain.genesis_hash)),
        ),
        (
            "signed for another genesis",
            "finalization",
            header,
            [],
            certificate_of(first, domain=SigningDomain(CHAIN_ID, keccak256(b"another genesis"))),
        ),
        ("finalized in a later view", "view", header, [], certificate_of(first, domain=domain, view=9)),
        ("a linking header is missing", "linking headers", header, links[1:], by_third),
        ("a linking header was changed", "linking headers", header, [_flip(links[0], 200), links[1]], by_third),
        ("linking headers in the wrong order", "linking headers", header, links[::-1], by_third),
        ("the last linking header is not the signed one", "digest", header, links[:1], by_third),
        ("the finalization is truncated", "encoding", header, [], good[:-1]),
        ("a byte follows the finalization", "encoding", header, [], good + b"\x00"),
        ("no finalization at all", "encoding", header, [], b""),
    ]
    return {
        "chainId": CHAIN_ID,
        "documentHash": network.genesis.previous_randao.hex(),
        "genesisHeader": encode_header(network.genesis).hex(),
        "validatorSet": genesis_set_payload(network.document).hex(),
        "proofs": [
            {
                "name": name,
                "failed_check": failed_check,
                "header": header_rlp.hex(),
                "linkingHeaders": [link.hex() for link in linking],
                "finalization": finalization.hex(),
            }
            for name, failed_check, header_rlp, linking, finalization in cases
        ],
    }


def _flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(build_cases(), indent=1) + "\n")
