"""A prepaid card whose issuer fails: the money on it never was the issuer's.

Alice's shop chain sells cards for Carol's store, with a fee of 1 %. Bob loads 80.00 and pays 30.00. The issuer
fails; the guardian, here the governor, ends the programme, and Bob gets back what was left, to the cent.
"""

from tests.scenarios.stage import MEMO, Stage

LOADED, PAID, FEE_PER_MILLE = 80_00, 30_00, 10


def play(stage: Stage) -> None:
    """Tell the story."""
    euro = stage.currency("EUR")
    bob, carol = stage.address("bob"), stage.address("carol")
    cards = stage.deploy("Prepaid", by="alice")
    made = cards.functions.createProgramme(euro.address, stage.address("governor"), FEE_PER_MILLE, 86_400, MEMO)
    number = stage.logged(stage.send("alice", made), cards.events.ProgrammeCreated)["programmeId"]
    stage.send("alice", cards.functions.addMerchants(number, [carol]))
    stage.send("bob", euro.functions.approve(cards.address, LOADED))
    with stage.changes({"bob": {"EUR": -LOADED}, "Prepaid": {"EUR": LOADED}}):
        stage.send("bob", cards.functions.loadCard(number, bob, LOADED))
    stage.say("Bob loads 80.00 on a card of Alice's; the contract keeps it, not Alice")

    fee = PAID * FEE_PER_MILLE // 1_000
    with stage.changes({"Prepaid": {"EUR": -PAID}, "carol": {"EUR": PAID - fee}, "alice": {"EUR": fee}}):
        stage.send("bob", cards.functions.pay(number, carol, PAID, MEMO))
    stage.refused("bob", cards.functions.pay(number, stage.address("dave"), 1_00, MEMO), "NotForThisMerchant")
    stage.say("He pays 30.00 at Carol's; 0.30 of it are the issuer's fee")

    stage.refused("bob", cards.functions.refund(number, bob), "CardNotExpired")
    stage.refused("bob", cards.functions.endProgramme(number), "CallerNotEntitled")
    stage.send("governor", cards.functions.endProgramme(number))
    stage.refused("bob", cards.functions.pay(number, carol, 1_00, MEMO), "ProgrammeEnded")
    with stage.changes({"Prepaid": {"EUR": PAID - LOADED}, "bob": {"EUR": LOADED - PAID}}):
        stage.send("dave", cards.functions.refund(number, bob))
    stage.say("The issuer fails, the guardian ends the programme, and Bob has his 50.00")
