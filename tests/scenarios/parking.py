"""Leave first, pay later: a garage collects what parking cost, within what the driver allowed.

Alice allows Carol's garage at most 8.00 a time and 20.00 a day. Two stays are collected after she has driven off; a
third would be too much for the day, a single bill of 9.00 is too large, and after she revokes the garage gets
nothing.
"""

from tests.scenarios.stage import MEMO, Stage

PER_STAY, PER_DAY = 8_00, 20_00
DAYS = 1
"""The mandate's unit of time."""


def play(stage: Stage) -> None:
    """Tell the story."""
    euro = stage.currency("EUR")
    mandates = stage.deploy("Mandate", by="carol")
    stage.send("alice", euro.functions.approve(mandates.address, 100_00))
    terms = (PER_STAY, PER_DAY, DAYS, 1, 0, 0, stage.now_s() + 30 * 86_400)
    granted = mandates.functions.grant(stage.address("carol"), euro.address, terms, MEMO)
    number = stage.logged(stage.send("alice", granted), mandates.events.MandateGranted)["mandateId"]
    stage.say("Alice lets the garage collect at most 8.00 a time and 20.00 a day; her money stays hers")

    for amount in (7_50, 8_00):
        with stage.changes({"alice": {"EUR": -amount}, "carol": {"EUR": amount}}):
            stage.send("carol", mandates.functions.collect(number, amount, MEMO))
    stage.say("She leaves twice without stopping; 7.50 and 8.00 are collected")

    stage.refused("carol", mandates.functions.collect(number, 9_00, MEMO), "CollectionTooLarge")
    stage.refused("carol", mandates.functions.collect(number, 5_00, MEMO), "CollectionTooLarge")
    stage.refused("bob", mandates.functions.collect(number, 1_00, MEMO), "CallerNotEntitled")
    stage.say("9.00 at once is too much, 5.00 too much for the day, and nobody else collects anything")

    stage.send("alice", mandates.functions.revoke(number))
    stage.refused("carol", mandates.functions.collect(number, 1_00, MEMO), "MandateEnded")
    stage.say("Alice revokes, and it is over at once")
