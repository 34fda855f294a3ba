"""Payment versus payment: a bank quotes a price off the ledger, a customer takes it, both currencies cross at once.

Alice's bank signs: 1 EUR for 7.80 CNY, up to 1,000.00 EUR, for Bob alone. Bob takes 250.00 EUR and pays 1,950.00 CNY;
then he takes the rest, and then there is nothing left of the quote.
"""

from typing import Any

from eth_account.messages import encode_typed_data

from tests.scenarios.stage import Stage

FIELDS = (
    ("address", "bank"),
    ("address", "customer"),
    ("address", "sold"),
    ("address", "bought"),
    ("uint128", "rateNumerator"),
    ("uint128", "rateDenominator"),
    ("uint128", "amountMin"),
    ("uint128", "amountMax"),
    ("uint64", "validUntil"),
    ("uint256", "nonce"),
)


def play(stage: Stage) -> None:
    """Tell the story."""
    euro, yuan = stage.currency("EUR"), stage.currency("CNY")
    alice, bob = stage.address("alice"), stage.address("bob")
    desk = stage.deploy("FxDesk", by="alice")
    quote = (alice, bob, euro.address, yuan.address, 78, 10, 100_00, 1_000_00, stage.now_s() + 600, 1)
    signature = stage.people["alice"].sign_message(signable(stage, desk, quote)).signature
    stage.say("Alice's bank signs a quote for Bob: 1 EUR for 7.80 CNY, 100.00 to 1,000.00 EUR")

    stage.send("alice", euro.functions.approve(desk.address, 1_000_00))
    stage.send("bob", yuan.functions.approve(desk.address, 7_800_00))
    stage.refused("carol", desk.functions.take(quote, 250_00, signature), "QuoteForAnother")
    stage.refused("bob", desk.functions.take(quote, 99_99, signature), "AmountTooSmall")
    with stage.changes({"alice": {"EUR": -250_00, "CNY": 1_950_00}, "bob": {"EUR": 250_00, "CNY": -1_950_00}}):
        stage.send("bob", desk.functions.take(quote, 250_00, signature))
    stage.say("Bob takes 250.00 EUR for 1,950.00 CNY; nobody paid first")

    with stage.changes({"alice": {"EUR": -750_00, "CNY": 5_850_00}, "bob": {"EUR": 750_00, "CNY": -5_850_00}}):
        stage.send("bob", desk.functions.take(quote, 750_00, signature))
    stage.refused("bob", desk.functions.take(quote, 100_00, signature), "AmountTooLarge")
    stage.say("He takes the other 750.00 EUR; the quote is used up")


def signable(stage: Stage, desk: Any, quote: tuple[Any, ...]) -> Any:
    """Return what the bank signs (EIP-712)."""
    domain = {"name": "FxDesk", "version": "1", "chainId": stage.web3.eth.chain_id, "verifyingContract": desk.address}
    types = {"Quote": [{"type": kind, "name": name} for kind, name in FIELDS]}
    values = {name: value for (_, name), value in zip(FIELDS, quote, strict=True)}
    return encode_typed_data(domain, types, values)
