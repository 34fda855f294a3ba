"""A lying node gets exit 7, STALE or UNVERIFIED from the wallet, and never a ✓."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from consensus.chain.header import encode_header
from consensus.chain.receipt import decode_receipt, encode_receipt
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from consensus.simplex.messages import SigningDomain
from tests.consensus.light.builders import CHAIN_ID, certificate_of, child_of
from tests.wallet_cli.chain import ALICE, Chain, account_proof, certificate
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.twin import Node, Refusal
from wallet_cli.addresses import checksum_address

Lie = Callable[[list[Any], Callable[[], Any]], Any]


def wrong_balance(params: list[Any], honest: Callable[[], Any]) -> Any:
    """Answer with proofs of another state, in which alice is rich."""
    rich = Chain()
    for words in rich.head.storage.values():
        for slot, word in words.items():
            if word == 10_000:
                words[slot] = 99_999_999
    return account_proof(rich.head, Address(bytes.fromhex(params[0][2:])), [int(key, 16) for key in params[1]])


def wrong_value_beside_a_true_proof(params: list[Any], honest: Callable[[], Any]) -> Any:
    answer = honest()
    for entry in answer["storageProof"]:
        entry["value"] = "0xffffff"
    return answer


def no_proof_nodes(params: list[Any], honest: Callable[[], Any]) -> Any:
    answer = honest()
    answer["storageProof"] = [{**entry, "proof": []} for entry in answer["storageProof"]]
    return answer


def too_few_signers(params: list[Any], honest: Callable[[], Any]) -> Any:
    answer = honest()
    chain = Chain()
    header = child_of(chain.head.header)
    forged = certificate_of(header, domain=chain.domain, signers=(0, 1))
    if answer["height"] == 0:
        return answer
    return {**answer, "header": "0x" + encode_header(header).hex(), "finalization": "0x" + forged.hex()}


def other_chain(params: list[Any], honest: Callable[[], Any]) -> Any:
    answer = honest()
    if answer["height"] == 0:
        return answer
    chain = Chain()
    header = child_of(chain.head.header)
    forged = certificate_of(header, domain=SigningDomain(CHAIN_ID + 1, chain.domain.genesis_hash))
    return {**answer, "header": "0x" + encode_header(header).hex(), "finalization": "0x" + forged.hex()}


def other_genesis(params: list[Any], honest: Callable[[], Any]) -> Any:
    chain = Chain()
    changed = replace(chain.head.header, previous_randao=chain.head.hash)
    return {**honest(), "header": "0x" + encode_header(changed).hex()} if params == ["0x0"] else honest()


def nonsense(params: list[Any], honest: Callable[[], Any]) -> Any:
    return {"header": "0x00", "linkingHeaders": [], "finalization": 7}


@pytest.mark.parametrize(
    ("method", "lie", "check"),
    [
        ("eth_getProof", wrong_balance, "Merkle proof"),
        ("eth_getProof", no_proof_nodes, "Merkle proof"),
        ("sycee_getCertificate", too_few_signers, "finalization"),
        ("sycee_getCertificate", other_chain, "finalization"),
        ("sycee_getCertificate", other_genesis, "genesis"),
        ("sycee_getCertificate", nonsense, "encoding"),
        ("eth_getProof", lambda params, honest: "rich", "answer"),
        ("sycee_getCurrencies", lambda params, honest: [{**honest()[0], "decimals": 0}, honest()[1]], "answer"),
        ("sycee_getCurrencies", lambda params, honest: honest()[:1], "answer"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_lie_about_a_balance_is_exit_7_naming_endpoint_and_check(
    wallet: Wallet, method: str, lie: Lie, check: str
) -> None:
    wallet.node.lies[method] = lie
    result = wallet.run("balance")
    assert result.exit_code == 7, result.output
    assert "✓" not in result.output
    assert wallet.node.url in result.stderr
    assert f"check of {check}:" in result.stderr
    assert wallet.run("send", "bob", "1 EUR", "--yes").exit_code == 7
    assert wallet.node.sent() == []


def test_value_beside_a_proof_is_not_even_read(wallet: Wallet) -> None:
    wallet.node.lies["eth_getProof"] = wrong_value_beside_a_true_proof
    answer = wallet.json("balance")
    assert answer["data"][0]["units"] == "10000"
    assert answer["proof"] == {
        "level": "verified",
        "height": 2,
        "hash": "0x" + wallet.chain.head.hash.hex(),
        "age_s": 2,
        "signed": "3/4",
        "note": "one endpoint",
    }


def test_old_header_is_stale_and_may_be_refused(wallet: Wallet) -> None:
    wallet.now_ms += 28_000
    assert wallet.json("balance")["proof"]["level"] == "verified"
    wallet.now_ms += 1
    assert wallet.json("balance")["proof"]["level"] == "stale"
    wallet.now_ms += 9 * 86_400_000
    shown = wallet.run("balance")
    assert shown.exit_code == 0
    assert "STALE 9 d" in shown.stdout
    assert "✓" not in shown.output
    assert wallet.json("balance", "--max-age", "60", exit_code=10)["error"]["code"] == "TOO_OLD"


def test_header_below_the_highest_verified_is_stale(wallet: Wallet) -> None:
    assert wallet.json("balance")["proof"]["height"] == 2
    wallet.node.lies["sycee_getCertificate"] = lambda params, honest: certificate(wallet.chain.blocks[1])
    proof = wallet.json("balance")["proof"]
    assert (proof["level"], proof["height"]) == ("stale", 1)
    assert wallet.json("trust", "show")["data"]["highest"]["height"] == 2


def test_anchor_older_than_the_trust_period_is_not_followed(wallet: Wallet) -> None:
    wallet.now_ms += 15 * 86_400_000
    assert wallet.json("balance", exit_code=10)["error"]["code"] == "ANCHOR_STALE"


def test_two_final_blocks_of_one_height_stop_everything_and_are_kept(wallet: Wallet) -> None:
    honest = wallet.chain.make_block()
    other = wallet.chain.make_block(gas_used=1)
    wallet.chain.blocks.append(honest)
    assert wallet.run("balance").exit_code == 0
    wallet.chain.blocks[-1] = other
    assert wallet.json("balance", exit_code=7)["error"]["code"] == "CONFLICTING_FINALITY"
    wallet.chain.blocks[-1] = honest
    assert wallet.json("balance", exit_code=7)["error"]["code"] == "CONFLICTING_FINALITY"
    conflicts = wallet.json("trust", "show")["data"]["conflicts"]
    assert {entry["hash"] for entry in conflicts} == {"0x" + block.hash.hex() for block in (honest, other)}


def test_genesis_alone_proves_no_balance(wallet: Wallet) -> None:
    del wallet.chain.blocks[1:]
    proof = wallet.json("balance")["proof"]
    assert proof["level"] == "unverified"
    assert wallet.json("balance", "--require-proof", exit_code=7)["error"]["code"] == "PROOF_MISSING"


def test_foreign_node_without_proofs_is_labelled_unverified(wallet: Wallet) -> None:
    assert wallet.run("balance").exit_code == 0

    def missing(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Refusal(-32601, "the method does not exist/is not available")

    wallet.node.lies["sycee_getCertificate"] = missing
    wallet.node.lies["eth_call"] = lambda params, honest: hex(777)
    shown = wallet.run("balance")
    assert shown.exit_code == 0
    assert "7.77 EUR" in shown.stdout
    assert "UNVERIFIED (rpc)" in shown.stdout
    assert "✓" not in shown.output
    assert wallet.run("balance", "--require-proof").exit_code == 7
    assert wallet.json("send", "bob", "1 EUR", "--yes", exit_code=7)["error"]["code"] == "PROOF_MISSING"


@contextmanager
def second_node(wallet: Wallet, chain: Chain) -> Iterator[Node]:
    node = Node(chain)
    try:
        assert wallet.init(wallet.node.url, node.url).exit_code == 0
        yield node
    finally:
        node.close()


def test_highest_head_of_all_endpoints_counts(wallet: Wallet) -> None:
    behind = Chain()
    behind.add_block()
    with second_node(wallet, behind):
        proof = wallet.json("balance")["proof"]
    assert (proof["level"], proof["height"]) == ("verified", 2)
    assert "note" not in proof


def test_silent_endpoint_is_passed_over_and_a_lying_one_is_not(wallet: Wallet) -> None:
    with second_node(wallet, wallet.chain) as node:
        pass
    assert wallet.json("balance")["proof"]["level"] == "verified"
    assert wallet.json("net", "health")["data"][1]["state"] == "silent"
    with second_node(wallet, wallet.chain) as node:
        node.lies["sycee_getCertificate"] = too_few_signers
        assert wallet.run("balance").exit_code == 7


# Receipts


def pay(wallet: Wallet) -> str:
    answer = wallet.json("send", "bob", "12.34 EUR", "--memo", "INV-2041", "--yes")
    return str(answer["data"]["hash"])


def forged_receipt(params: list[Any], honest: Callable[[], Any]) -> Any:
    answer = honest()
    receipt = decode_receipt(bytes.fromhex(answer["receipt"][2:]))
    return {**answer, "receipt": "0x" + encode_receipt(replace(receipt, succeeded=not receipt.succeeded)).hex()}


def receipt_of_another_transaction(params: list[Any], honest: Callable[[], Any]) -> Any:
    answer = honest()
    return {**answer, "transaction": "0x02" + answer["transaction"][4:-2] + "00"}


@pytest.mark.parametrize("lie", [forged_receipt, receipt_of_another_transaction])
def test_forged_receipt_is_exit_7(wallet: Wallet, lie: Lie) -> None:
    paid = pay(wallet)
    wallet.node.lies["sycee_getFinalityProof"] = lie
    for words in (("tx", "show", paid), ("tx", "wait", paid), ("tx", "history")):
        result = wallet.run(*words)
        assert result.exit_code == 7, result.output
        assert "✓" not in result.output


def test_true_proof_of_another_transaction_is_exit_7(wallet: Wallet) -> None:
    first, second = pay(wallet), wallet.json("send", "bob", "1 EUR", "--yes")["data"]["hash"]
    wallet.node.lies["sycee_getFinalityProof"] = lambda params, honest: wallet.node._sycee_getFinalityProof(first)
    assert "asked for" in wallet.json("tx", "show", second, exit_code=7)["error"]["message"]


def test_history_lists_proven_payments_and_calls_the_list_unverified(wallet: Wallet) -> None:
    paid = pay(wallet)
    wallet.run("send", "bob", "1 EUR", "--yes")
    answer = wallet.json("tx", "history", "bob")
    assert [(entry["amount"], entry["memo"]) for entry in answer["data"]] == [("1.00", ""), ("12.34", "INV-2041")]
    assert answer["data"][1]["hash"] == paid
    assert {entry["proof"]["level"] for entry in answer["data"]} == {"verified"}
    assert answer["proof"]["level"] == "unverified"
    assert len(wallet.json("tx", "history", "bob", "--limit", "1")["data"]) == 1


def test_listed_payment_that_nobody_proves_is_exit_7(wallet: Wallet) -> None:
    pay(wallet)
    wallet.node.lies["sycee_getFinalityProof"] = lambda params, honest: None
    assert wallet.run("tx", "history").exit_code == 7


def test_show_says_pending_or_unknown_without_a_proof(wallet: Wallet) -> None:
    unknown = wallet.json("tx", "show", "0x" + "ab" * 32)
    assert (unknown["data"]["status"], unknown["proof"]["level"]) == ("unknown", "unverified")
    paid = pay(wallet)
    wallet.node.lies["sycee_getFinalityProof"] = lambda params, honest: None
    assert wallet.json("tx", "show", paid)["data"]["status"] == "pending"


def test_unprintable_names_of_a_currency_never_reach_the_terminal(wallet: Wallet) -> None:
    wallet.node.lies["sycee_getCurrencies"] = lambda params, honest: [
        {**honest()[0], "name": "Eu\x1b[2Jro"},
        honest()[1],
    ]
    result = wallet.run("balance")
    assert result.exit_code == 7
    assert "\x1b" not in result.output


def test_true_receipt_of_another_payment_proves_nothing_about_this_one(wallet: Wallet) -> None:
    first = wallet.json("send", "bob", "1 EUR", "--yes")["data"]["hash"]
    second = pay(wallet)
    wallet.node.lies["sycee_getFinalityProof"] = lambda params, honest: {
        **wallet.node._sycee_getFinalityProof(second),
        "transaction": wallet.node._sycee_getFinalityProof(first)["transaction"],
    }
    assert "transaction 0 is not proven" in wallet.json("tx", "show", first, exit_code=7)["error"]["message"]


# Screens


def test_balance_screen_is_this_at_80_columns(wallet: Wallet) -> None:
    short = f"{checksum_address(ALICE)[:6]}…{checksum_address(ALICE)[-4:]}"
    screen = wallet.run("balance", "--all").stdout.splitlines()
    assert screen == [
        f"alice  {short}          ✓ verified at height 2, 2 s old (one endpoint)",
        "  available                100.00 EUR",
        "  held / frozen              0.00 EUR",
        "  total                    100.00 EUR   available + held + frozen",
        "  available                     0 JPY",
        "  held / frozen                 0 JPY",
        "  total                         0 JPY   available + held + frozen",
    ]
    unnamed = wallet.run("balance", checksum_address(keccak256(b"stranger")[:20])).stdout.splitlines()
    assert all(len(line) <= 80 for line in [*screen, *unnamed])


def test_transaction_screen_is_this_at_80_columns(wallet: Wallet) -> None:
    paid = pay(wallet)
    screen = wallet.run("tx", "show", paid).stdout.splitlines()
    assert screen == [
        paid,
        "  outcome   final at height 3, signed 3/4",
        "  proof     ✓ finalization and receipt checked by this wallet, 1 s old",
        "  paid      12.34 EUR  alice → bob  INV-2041",
    ]


def test_words_of_a_node_cannot_move_the_cursor_or_add_lines(wallet: Wallet) -> None:
    def refuse(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Refusal(-32000, "\x1b[2J\x9b1A no\n✓ verified at height 9", None)

    wallet.node.lies["eth_getProof"] = refuse
    result = wallet.run("balance")
    assert result.exit_code == 6
    assert len(result.stderr.splitlines()) == 3
    assert "\x1b" not in result.output
    assert "\x9b" not in result.output
