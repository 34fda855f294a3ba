"""A settlement of three with one who never affirms: nobody loses anything but time.

Alice, Bob and Carol agree on a ring: euros to Bob, yuan to Carol, yen to Alice. Alice and Bob affirm; what they pay
is held in their own positions. Carol is silent. After the expiry a stranger cancels and everything is as before.
"""

from tests.scenarios.stage import MEMO, Stage

EUROS, YUAN, YEN = 100_00, 800_00, 17_000
SECONDS = 5


def play(stage: Stage) -> None:
    """Tell the story."""
    euro, yuan, yen = (stage.currency(code) for code in ("EUR", "CNY", "JPY"))
    alice, bob, carol = (stage.address(name) for name in ("alice", "bob", "carol"))
    engine = stage.deploy("SettlementEngine", by="dave")
    for who, token, amount in (("alice", euro, EUROS), ("bob", yuan, YUAN), ("carol", yen, YEN)):
        stage.send(who, token.functions.approve(engine.address, amount))
    legs = [(euro.address, alice, bob, EUROS), (yuan.address, bob, carol, YUAN), (yen.address, carol, alice, YEN)]
    expires_at = stage.now_s() + SECONDS
    proposed = stage.send("alice", engine.functions.propose(legs, expires_at, MEMO))
    number = stage.logged(proposed, engine.events.InstructionProposed)["instructionId"]
    stage.say("A ring of three payments is proposed, to settle within seconds")

    with stage.changes({"alice": {"EUR": -EUROS, "EUR held": EUROS}, "bob": {"CNY": -YUAN, "CNY held": YUAN}}):
        stage.send("alice", engine.functions.affirm(number))
        stage.send("bob", engine.functions.affirm(number))
    stage.say("Alice and Bob affirm; their money is held in their own positions")

    stage.refused("dave", engine.functions.cancel(number), "InstructionNotExpired")
    stage.wait_until(expires_at)
    stage.refused("carol", engine.functions.affirm(number), "InstructionExpired")
    with stage.changes({"alice": {"EUR": EUROS, "EUR held": -EUROS}, "bob": {"CNY": YUAN, "CNY held": -YUAN}}):
        stage.send("dave", engine.functions.cancel(number))
    stage.say("Carol never affirms; after the expiry Dave, a stranger, cancels and all have what they had")
