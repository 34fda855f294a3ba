"""Four real validators attest a lock that was just opened; what a wallet makes of their answers convinces a payee."""

import json
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.light.attestation import (
    Attestation,
    AttestationDomain,
    AttestedKind,
    Committee,
    CommitteeTrust,
    verify_attestation,
)
from consensus.primitives.scalars import ZERO_ADDRESS, Epoch, Height
from consensus.primitives.signatures import address_of_private_key
from contracts.addresses import OFFLINE_LOCKS
from contracts.declarations import encode_call
from contracts.native.dispatch import find_function
from contracts.native.offline.contract import OFFLINE_LOCKS as CONTRACT
from contracts.offline.lock_rules import OfflineWord, decode_word, encode_word
from contracts.offline.typed_data import LockTerms, domain_separator, lock_id
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.dev_accounts import ALICE, BOB
from tests.e2e.cluster import EUR, running_devnet
from tests.wallet_cli.offline.builders import key_of
from wallet_cli.offline.certificates import certify

pytestmark = pytest.mark.e2e

RPC_PORT = 11_750
DAY_S = 24 * 3_600


def ask(url: str, method: str, *parameters: object) -> object:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
    with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=30) as answer:
        found = json.load(answer)
    assert "error" not in found, found
    return found["result"]


def test_a_lock_is_certified_by_four_processes(tmp_path: Path) -> None:
    now_s = int(time.time())
    device = address_of_private_key(key_of("device"))
    terms = LockTerms(ALICE.address, BOB.address, ZERO_ADDRESS, EUR, device, 1, 0)
    name = lock_id(domain_separator(DEVNET_CHAIN_ID), terms)
    word = OfflineWord(0, 5_000, now_s + 5 * DAY_S, now_s + 12 * DAY_S)
    values = tuple(getattr(terms, field) for field in terms.__slots__)
    data = encode_call(find_function(CONTRACT, "open"), values, word.deposit, word.spend_until_s, word.claim_until_s)
    raw = sign_dynamic_fee_transaction(
        ALICE.private_key, chain_id=DEVNET_CHAIN_ID, nonce=0, gas_limit=200_000, to=OFFLINE_LOCKS, data=data
    )
    with running_devnet(tmp_path / "devnet", RPC_PORT) as cluster:
        receipt = ask(cluster.urls[0], "eth_sendRawTransactionSync", f"0x{raw.hex()}", 20_000)
        assert isinstance(receipt, dict)
        assert receipt["status"] == "0x1"
        height = int(receipt["blockNumber"], 16)
        wanted = {"kind": "lock", "id": f"0x{name.hex()}", "height": height}
        answers = []
        for url in cluster.urls:
            while int(str(ask(url, "eth_blockNumber")), 16) < height:
                time.sleep(0.05)
            answers.append(ask(url, "sycee_attest", wanted))
        validators = ask(cluster.urls[0], "sycee_getValidators")
        block_zero = ask(cluster.urls[0], "eth_getBlockByNumber", "0x0", False)
    assert isinstance(validators, dict)
    assert isinstance(block_zero, dict)
    start_s = int(block_zero["timestamp"], 16)
    keys = tuple(bytes.fromhex(entry["attestationKey"][2:]) for entry in validators["validators"])
    committee = Committee(0, Epoch(0), start_s, keys)
    first = answers[0]
    assert isinstance(first, dict)
    assert decode_word(bytes.fromhex(first["word"][2:])) == word
    domain = AttestationDomain(DEVNET_CHAIN_ID, OFFLINE_LOCKS)
    fact = Attestation(AttestedKind.LOCK, name, encode_word(word), 0, Height(height), first["time"])
    certificate = certify(domain, committee, fact, answers)
    trust = CommitteeTrust(domain, (committee,), start_s)
    signers = verify_attestation(
        trust, certificate, kind=AttestedKind.LOCK, id=name, word=encode_word(word), promised_until_s=word.claim_until_s
    )
    assert len(signers) == 3
    assert {entry["index"] for answer in answers for entry in answer["signatures"]} == {0, 1, 2, 3}  # type: ignore[index]
