"""The wallet follows changing validators by handoffs, and believes nobody who cannot show them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.consensus.light.builders import KEYS, signing_keys
from tests.wallet_cli.conftest import Wallet

NEWCOMERS = signing_keys(domain=b"newcomer")
THIRD = signing_keys(domain=b"third")


def change_sets(wallet: Wallet, count: int = 3) -> None:
    """Let `count` epochs end, each with all validators replaced."""
    for number in range(count):
        wallet.chain.end_epoch((NEWCOMERS, THIRD, KEYS)[number % 3])
        wallet.chain.add_block()


def test_balance_is_verified_after_every_validator_was_replaced_three_times(wallet: Wallet) -> None:
    assert wallet.json("balance")["proof"]["level"] == "verified"
    change_sets(wallet)
    proof = wallet.json("balance")["proof"]
    assert (proof["level"], proof["height"]) == ("verified", wallet.chain.head.header.height)


def test_handoffs_are_fetched_once_and_kept(wallet: Wallet) -> None:
    change_sets(wallet)
    wallet.json("balance")
    asked = len([1 for method, _ in wallet.node.calls if method == "sycee_getHandoffs"])
    assert asked == 2
    wallet.chain.add_block()
    wallet.json("balance")
    assert len([1 for method, _ in wallet.node.calls if method == "sycee_getHandoffs"]) == asked


def test_payment_of_an_old_epoch_is_still_proven(wallet: Wallet) -> None:
    paid = wallet.json("send", "bob", "1.00 EUR", "--yes")["data"]["hash"]
    change_sets(wallet)
    wallet.json("balance")
    assert wallet.json("tx", "show", paid)["proof"]["level"] == "verified"


Lie = Callable[[list[Any], Callable[[], Any]], Any]


def without_handoffs(params: list[Any], honest: Callable[[], Any]) -> Any:
    return []


def another_set(params: list[Any], honest: Callable[[], Any]) -> Any:
    handoffs = honest()
    first = {**handoffs[0], "validators": handoffs[0]["validators"][:-2] + "00"}
    return [first, *handoffs[1:]]


def a_handoff_left_out(params: list[Any], honest: Callable[[], Any]) -> Any:
    return honest()[1:]


def too_few_signers(params: list[Any], honest: Callable[[], Any]) -> Any:
    handoffs = honest()
    return [{**handoffs[0], "finalization": handoffs[1]["finalization"]}, *handoffs[1:]]


@pytest.mark.parametrize("lie", [without_handoffs, another_set, a_handoff_left_out, too_few_signers])
def test_head_of_an_epoch_that_is_not_handed_over_is_exit_7(wallet: Wallet, lie: Lie) -> None:
    wallet.json("balance")
    change_sets(wallet)
    wallet.node.lies["sycee_getHandoffs"] = lie
    error = wallet.json("balance", exit_code=7)["error"]
    assert wallet.node.url in error["message"]
    del wallet.node.lies["sycee_getHandoffs"]
    assert wallet.json("balance")["proof"]["level"] == "verified"


def test_validators_of_an_epoch_that_is_over_cannot_sign_new_blocks(wallet: Wallet) -> None:
    change_sets(wallet, 1)
    wallet.json("balance")
    wallet.chain.keys = KEYS
    wallet.chain.add_block()
    assert "quorum" in wallet.json("balance", exit_code=7)["error"]["message"]


def test_trust_that_is_too_old_is_not_carried_into_a_new_epoch(wallet: Wallet) -> None:
    wallet.json("balance")
    change_sets(wallet, 1)
    wallet.now_ms += 15 * 86_400_000
    assert wallet.json("balance", exit_code=10)["error"]["code"] == "ANCHOR_STALE"
