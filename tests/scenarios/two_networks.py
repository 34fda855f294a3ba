"""A swap across two networks that know nothing of each other: both halves happen, or neither.

Alice has euros on the first network and wants yuan on the second, where Bob has some. She locks hers under the hash
of a secret; he locks his under the same hash, for a shorter time. Taking his, she shows the secret; with it he
takes hers. A second swap is begun and left; each gets back what was locked.
"""

import secrets
from hashlib import sha256

from tests.scenarios.stage import MEMO, Stage

EUROS, YUAN = 50_00, 390_00
SHA256 = 1
LONG_S, SHORT_S = 600, 300
LEFT_S = 5


def play(first: Stage, second: Stage) -> None:
    """Tell the story."""
    euro, yuan = first.currency("EUR"), second.currency("CNY")
    here, there = first.deploy("HashedTimelock", by="alice"), second.deploy("HashedTimelock", by="bob")
    first.send("alice", euro.functions.approve(here.address, 2 * EUROS))
    second.send("bob", yuan.functions.approve(there.address, YUAN))
    secret = secrets.token_bytes(32)
    digest = sha256(secret).digest()

    terms = (euro.address, first.address("bob"), EUROS, digest, SHA256, first.now_s() + LONG_S, MEMO)
    with first.changes({"alice": {"EUR": -EUROS}, "HashedTimelock": {"EUR": EUROS}}):
        mine = first.logged(first.send("alice", here.functions.lock(*terms)), here.events.Locked)["lockId"]
    first.say("On the first network Alice locks 50.00 EUR for Bob under a hash, for ten minutes")

    terms = (yuan.address, second.address("alice"), YUAN, digest, SHA256, second.now_s() + SHORT_S, MEMO)
    with second.changes({"bob": {"CNY": -YUAN}, "HashedTimelock": {"CNY": YUAN}}):
        his = second.logged(second.send("bob", there.functions.lock(*terms)), there.events.Locked)["lockId"]
    first.say("On the second Bob locks 390.00 CNY for Alice under the same hash, for five")

    second.refused("alice", there.functions.claim(his, bytes(32)), "WrongSecret")
    with second.changes({"HashedTimelock": {"CNY": -YUAN}, "alice": {"CNY": YUAN}}):
        claimed = second.send("alice", there.functions.claim(his, secret))
    shown = second.logged(claimed, there.events.Claimed)["secret"]
    with first.changes({"HashedTimelock": {"EUR": -EUROS}, "bob": {"EUR": EUROS}}):
        first.send("bob", here.functions.claim(mine, shown))
    first.say("Alice takes the yuan and so shows her secret; Bob reads it there and takes the euros here")

    expires_at = first.now_s() + LEFT_S
    terms = (euro.address, first.address("bob"), EUROS, sha256(shown + b"2").digest(), SHA256, expires_at, MEMO)
    with first.changes({"alice": {"EUR": -EUROS}, "HashedTimelock": {"EUR": EUROS}}):
        left = first.logged(first.send("alice", here.functions.lock(*terms)), here.events.Locked)["lockId"]
    first.refused("carol", here.functions.refund(left), "LockNotExpired")
    first.wait_until(expires_at)
    with first.changes({"HashedTimelock": {"EUR": -EUROS}, "alice": {"EUR": EUROS}}):
        first.send("carol", here.functions.refund(left))
    first.say("A second swap is begun and left; after its time Alice's euros come back, whoever asks for it")
