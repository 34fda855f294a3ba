"""A project in escrow, with a dispute: money that both can see and neither can take.

Alice sets 900.00 aside for Bob in two milestones, with Carol as arbiter. The first is released. They quarrel about
the second; Carol divides it. All the time what is not paid is held in Alice's own position.
"""

from tests.scenarios.stage import MEMO, Stage

FIRST, SECOND, TO_BOB = 300_00, 600_00, 450_00
REFUND = 1


def play(stage: Stage) -> None:
    """Tell the story."""
    euro = stage.currency("EUR")
    bob, carol = stage.address("bob"), stage.address("carol")
    escrow = stage.deploy("Escrow", by="dave")
    stage.send("alice", euro.functions.approve(escrow.address, FIRST + SECOND))
    terms = (euro.address, bob, carol, [FIRST, SECOND], stage.now_s() + 3_600, 3_600, REFUND, MEMO)
    with stage.changes({"alice": {"EUR": -FIRST - SECOND, "EUR held": FIRST + SECOND}}):
        receipt = stage.send("alice", escrow.functions.create(*terms))
    number = stage.logged(receipt, escrow.events.EscrowCreated)["escrowId"]
    stage.say("Alice sets 900.00 aside for Bob, in two milestones; it is held in her own position")

    stage.refused("bob", escrow.functions.release(number, 0), "CallerNotEntitled")
    with stage.changes({"alice": {"EUR held": -FIRST}, "bob": {"EUR": FIRST}}):
        stage.send("alice", escrow.functions.release(number, 0))
    stage.say("She releases the first, 300.00")

    stage.send("bob", escrow.functions.dispute(number))
    stage.refused("alice", escrow.functions.release(number, 1), "EscrowDisputed")
    stage.refused("carol", escrow.functions.resolve(number, SECOND + 1), "SplitTooLarge")
    stage.say("They disagree about the second; from now on nothing is released but by the arbiter, or by giving in")

    with stage.changes({"alice": {"EUR held": -SECOND, "EUR": SECOND - TO_BOB}, "bob": {"EUR": TO_BOB}}):
        stage.send("carol", escrow.functions.resolve(number, TO_BOB))
    stage.say("Carol decides: 450.00 for Bob, 150.00 back to Alice")
