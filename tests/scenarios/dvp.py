"""Delivery versus payment: a bond changes hands against euros, in one transaction or not at all.

Alice has a bond issued to her. She sells Bob 5 units for 480.00 EUR. Both affirm; with the second affirmation bond
and money cross. Until then Alice's bonds lie in the contract, and had Bob's euros been first they would be held in
his own position.
"""

from tests.scenarios.stage import MEMO, Stage

UNITS, PRICE = 5, 480_00


def play(stage: Stage) -> None:
    """Tell the story."""
    euro = stage.currency("EUR")
    alice, bob = stage.address("alice"), stage.address("bob")
    maturity = stage.now_s() + 5 * 365 * 86_400
    terms = ("City of Basel 2031", "BASEL31", euro.address, alice, stage.address("governor"), 100_00, 1_000, maturity)
    bond = stage.deploy("BondToken", *terms, by="alice", asset="BASEL31")
    stage.send("governor", bond.functions.admit(bob, True))
    engine = stage.deploy("SettlementEngine", by="carol")
    stage.send("governor", bond.functions.admit(engine.address, True))
    stage.say("Alice holds 1,000 units of a bond; Bob is admitted to its register")

    legs = [(bond.address, alice, bob, UNITS), (euro.address, bob, alice, PRICE)]
    proposed = stage.send("carol", engine.functions.propose(legs, stage.now_s() + 600, MEMO))
    number = stage.logged(proposed, engine.events.InstructionProposed)["instructionId"]
    stage.say("Carol, their broker, puts both legs before them; nothing moves")

    stage.send("alice", bond.functions.approve(engine.address, UNITS))
    with stage.changes({"alice": {"BASEL31": -UNITS}, "SettlementEngine": {"BASEL31": UNITS}}):
        stage.send("alice", engine.functions.affirm(number))
    stage.say("Alice affirms; her 5 units are set aside")

    stage.refused("bob", engine.functions.affirm(number), "ERC20InsufficientAllowance")
    stage.send("bob", euro.functions.approve(engine.address, PRICE))
    expected = {
        "alice": {"EUR": PRICE},
        "bob": {"EUR": -PRICE, "BASEL31": UNITS},
        "SettlementEngine": {"BASEL31": -UNITS},
    }
    with stage.changes(expected):
        stage.send("bob", engine.functions.affirm(number))
    stage.say("Bob affirms, and in the same transaction he has the bond and Alice 480.00 EUR")
