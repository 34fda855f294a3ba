"""Money with a purpose: a wage that is free, a rent subsidy that only pays rent, and what is not used returns.

Alice's company pays Dave and Erin their wages in one batch; wages are their own. The city, Bob, adds a subsidy that
can be paid to Grace, the landlady, and to nobody else, at most 400.00 at once. Dave pays his rent; Erin uses only a
part; what she leaves returns to the city.
"""

from tests.scenarios.stage import MEMO, Stage

WAGE, SUBSIDY, RENT_MAX = 1_500_00, 450_00, 400_00
SECONDS = 12


def play(stage: Stage) -> None:
    """Tell the story."""
    euro = stage.currency("EUR")
    dave, erin, grace, heidi = (stage.address(name) for name in ("dave", "erin", "grace", "heidi"))
    with stage.changes({"alice": {"EUR": -2 * WAGE}, "dave": {"EUR": WAGE}, "erin": {"EUR": WAGE}}):
        stage.send("alice", euro.functions.transferBatch([dave, erin], [WAGE, WAGE], [MEMO, MEMO]))
    stage.say("One batch pays two wages of 1,500.00")

    purse = stage.deploy("PurposeBound", by="bob")
    stage.send("bob", euro.functions.approve(purse.address, 2 * SUBSIDY))
    ends_at = stage.now_s() + SECONDS
    made = purse.functions.createProgramme(euro.address, [grace], RENT_MAX, stage.now_s(), ends_at, MEMO)
    number = stage.logged(stage.send("bob", made), purse.events.ProgrammeCreated)["programmeId"]
    with stage.changes({"bob": {"EUR": -2 * SUBSIDY}, "PurposeBound": {"EUR": 2 * SUBSIDY}}):
        stage.send("bob", purse.functions.issue(number, [dave, erin], [SUBSIDY, SUBSIDY]))
    stage.say("The city gives each 450.00 that pay rent and nothing else")

    stage.refused("dave", purse.functions.spend(number, heidi, 10_00, MEMO), "NotForThisPayee")
    stage.refused("dave", purse.functions.spend(number, grace, SUBSIDY, MEMO), "PaymentTooLarge")
    with stage.changes({"PurposeBound": {"EUR": -RENT_MAX - 250_00}, "grace": {"EUR": RENT_MAX + 250_00}}):
        stage.send("dave", purse.functions.spend(number, grace, RENT_MAX, MEMO))
        stage.send("erin", purse.functions.spend(number, grace, 250_00, MEMO))
    stage.say("Dave pays 400.00 of rent with it and Erin 250.00; Heidi's shop could not be paid")

    stage.wait_until(ends_at)
    stage.refused("erin", purse.functions.spend(number, grace, 1, MEMO), "ProgrammeExpired")
    left = 2 * SUBSIDY - RENT_MAX - 250_00
    with stage.changes({"PurposeBound": {"EUR": -left}, "bob": {"EUR": left}}):
        stage.send("heidi", purse.functions.reclaim(number, [dave, erin]))
    stage.say("When the programme ends, what was left returns to the city, whoever asks for it")
