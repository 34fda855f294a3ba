"""Three of five change a limit: nobody alone, and not before the delay.

The euro's admin gives a council of five the role that sets limits. A member proposes that unregistered wallets may
send 100.00 at once; two approvals are not enough, three are, and after two seconds of delay anybody of them
executes it. The limit is then what the ledger says, and the council's own rules change in no other way.
"""

from typing import Any

from tests.scenarios.stage import MEMO, Stage

MEMBERS = ("alice", "bob", "carol", "dave", "erin")
THRESHOLD, DELAY_S = 3, 2
UNREGISTERED, LIMIT = 255, 100_00


def play(stage: Stage) -> None:
    """Tell the story."""
    euro = stage.currency("EUR")
    members = sorted((stage.address(name) for name in MEMBERS), key=lambda address: int(address, 16))
    council = stage.deploy("Council", members, THRESHOLD, DELAY_S, by="alice")
    role = euro.functions.LIMIT_ROLE().call()
    stage.send("governor", euro.functions.grantRole(role, council.address))
    stage.say("The euro's limits are in the hands of five, three of whom decide, after two seconds")

    calls = [(euro.address, calldata(euro.functions.setTierLimits(UNREGISTERED, LIMIT, 0, 0, 0)))]
    proposed = stage.send("alice", council.functions.propose(calls, stage.now_s() + 3_600, MEMO))
    number = stage.logged(proposed, council.events.Proposed)["proposalId"]
    stage.send("bob", council.functions.approve(number))
    stage.refused("alice", council.functions.execute(number, calls), "ApprovalsMissing")
    stage.refused("frank", council.functions.approve(number), "CallerIsNoMember")
    stage.say("Two have approved, which is not enough; a stranger's approval is none")

    stage.send("carol", council.functions.approve(number))
    ready_at = stage.now_s() + DELAY_S
    stage.wait_until(ready_at)
    with stage.changes({}):
        stage.send("dave", council.functions.execute(number, calls))
    assert euro.functions.tierLimitsOf(UNREGISTERED).call()[0] == LIMIT
    stage.say("With the third, and after the delay, Dave executes it: unregistered wallets send at most 100.00")

    stage.refused("alice", council.functions.setMembers(members[:3], 1), "CallerIsNotCouncil")
    back = [(euro.address, calldata(euro.functions.setTierLimits(UNREGISTERED, 0, 0, 0, 0)))]
    undone = stage.send("bob", council.functions.propose(back, stage.now_s() + 3_600, MEMO))
    number = stage.logged(undone, council.events.Proposed)["proposalId"]
    for name in ("carol", "erin"):
        stage.send(name, council.functions.approve(number))
    stage.wait_until(stage.now_s() + DELAY_S)
    stage.send("erin", council.functions.execute(number, back))
    assert euro.functions.tierLimitsOf(UNREGISTERED).call()[0] == 0
    stage.say("Three others take it back the same way; no member changes anything alone")


def calldata(call: Any) -> str:
    """Return a call as a proposal has it."""
    return str(call._encode_transaction_data())
