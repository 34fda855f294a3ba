"""Deposits between banks: they end at one bank, begin at another, and central-bank money moves between.

Alice's and Bob's banks each issue deposits as a currency of their own. Dave, at Alice's bank, pays Erin, at Bob's:
Dave's deposit ends, reserves move from bank to bank, Erin's deposit begins, in one transaction. A large payment
waits for Bob's bank to accept it, is rejected, and comes back.
"""

from typing import Any

from tests.scenarios.stage import MEMO, Stage

DEPOSIT, PAYMENT, LARGE, DIRECT_MAX = 500_00, 120_00, 300_00, 200_00
CLOSED_ACCOUNT = b"AC04"


def play(stage: Stage) -> None:
    """Tell the story."""
    yuan = stage.currency("CNY")
    alice, bob, erin = (stage.address(name) for name in ("alice", "bob", "erin"))
    interbank = stage.deploy("InterbankTransfer", yuan.address, by="governor")
    deposits = {bank: open_deposits(stage, interbank, bank) for bank in ("alice", "bob")}
    code = {bank: deposits[bank].functions.symbol().call() for bank in deposits}
    for bank in ("alice", "bob"):
        stage.send(bank, yuan.functions.approve(interbank.address, 10_000_00))
        stage.send(bank, interbank.functions.join(deposits[bank].address, DIRECT_MAX))
    stage.say("Two banks issue deposits in yuan and join; each is paid up to 200.00 without being asked")

    with stage.changes({"dave": {code["alice"]: DEPOSIT}}):
        stage.send("alice", deposits["alice"].functions.mint(stage.address("dave"), DEPOSIT, MEMO))
    stage.send("dave", deposits["alice"].functions.approve(interbank.address, DEPOSIT))
    expected = {
        "dave": {code["alice"]: -PAYMENT},
        "alice": {"CNY": -PAYMENT},
        "bob": {"CNY": PAYMENT},
        "erin": {code["bob"]: PAYMENT},
    }
    with stage.changes(expected):
        stage.send("dave", interbank.functions.pay(alice, bob, erin, PAYMENT, MEMO))
    stage.say("Dave pays Erin 120.00: his deposit ends, reserves move, hers begins")

    stage.refused("dave", interbank.functions.pay(alice, bob, erin, LARGE, MEMO), "AcceptanceNeeded")
    asked = interbank.functions.request(alice, bob, erin, LARGE, False, stage.now_s() + 600, MEMO)
    with stage.changes({"dave": {code["alice"]: -LARGE}, "InterbankTransfer": {code["alice"]: LARGE}}):
        receipt = stage.send("dave", asked)
    number = stage.logged(receipt, interbank.events.PaymentRequested)["paymentId"]
    stage.say("300.00 needs Bob's bank to accept; Dave's deposit is set aside meanwhile")

    with stage.changes({"dave": {code["alice"]: LARGE}, "InterbankTransfer": {code["alice"]: -LARGE}}):
        stage.send("bob", interbank.functions.reject(number, CLOSED_ACCOUNT))
    stage.say("Bob's bank rejects it with the code AC04, and Dave has his deposit back")


def open_deposits(stage: Stage, interbank: Any, bank: str) -> Any:
    """Create a bank's deposit currency, let the bank mint it, and let the contract end and begin deposits."""
    registry = stage.at("0x5CEE000000000000000000000000000000000001", "CurrencyRegistry")
    # Another name each time, so that the story can be told again on the same network.
    code = f"D{stage.web3.eth.block_number}{bank[0].upper()}"
    created = registry.functions.createCurrency(code, f"Deposits of {bank}", 2, stage.address(bank))
    receipt = stage.send("governor", created)
    deposit = stage.add_currency(code, stage.logged(receipt, registry.events.CurrencyCreated)["currency"])
    stage.send(bank, deposit.functions.grantRole(deposit.functions.MINT_CONTROLLER_ROLE().call(), stage.address(bank)))
    for account in (stage.address(bank), interbank.address):
        stage.send(bank, deposit.functions.grantRole(deposit.functions.ISSUER_ROLE().call(), account))
        stage.send(bank, deposit.functions.setMinterAllowance(account, 1_000_000_00))
    return deposit
