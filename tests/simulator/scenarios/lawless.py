"""Scenarios of leaders whose blocks break a rule of the ledger, and of nothing else that could betray them."""

from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.scalars import Address
from consensus.primitives.signatures import address_of_private_key
from tests.simulator.byzantine.lawless import Favourer, Lawless, Smuggler
from tests.simulator.cluster import FAVOURED_QUOTA_GAS, favoured_key, private_key
from tests.simulator.scenarios.stage import ADVANCE_MS, PROMPT_MS, Stage
from tests.simulator.world import Broken


def no_block_gives_a_bank_more_than_its_share() -> None:
    """A leader fills its block with a bank's share, which is final, and then with one transaction more: refused."""
    stage = Stage(byzantine=(0,))
    stage.start()
    favoured = address_of_private_key(favoured_key(stage.world.seed))
    favourer = Favourer(stage.cluster, stage.nodes[0], "favourer")
    favourer.above = 0
    _lead(stage, favourer)
    shares = _gas_by_block(stage, favoured)
    if max(shares) != FAVOURED_QUOTA_GAS:
        raise Broken("progress", f"a block within the share is not final: {max(shares)} of {FAVOURED_QUOTA_GAS} gas")
    favourer.above = 1
    _lead(stage, favourer)
    if max(_gas_by_block(stage, favoured)) > FAVOURED_QUOTA_GAS:
        raise Broken("bank_share", f"a final block holds more than {FAVOURED_QUOTA_GAS} gas of one bank")
    _require_refusals(stage, "bank_share")
    stage.finish()


def no_block_holds_an_unregistered_senders_transaction() -> None:
    """Where only registered accounts may send, a leader's block with a stranger's transaction is refused by all."""
    stage = Stage(byzantine=(0,), is_registered_only=True)
    stage.start()
    stranger = address_of_private_key(private_key(stage.world.seed, "stranger"))
    _lead(stage, Smuggler(stage.cluster, stage.nodes[0], "smuggler"))
    if any(_gas_by_block(stage, stranger)):
        raise Broken("permissions", f"a final block holds a transaction of 0x{stranger.hex()}, which is not registered")
    _require_refusals(stage, "not_registered")
    stage.finish()


def _lead(stage: Stage, actor: Lawless) -> None:
    """Let a lawless leader have one turn, and the payment of that turn become final."""
    stage.pay_until_led_by(0)
    keys = [peer.key for peer in stage.cluster.peers]
    stage.act(0, lambda frame: actor.frames(keys[frame.receiver], frame.channel, frame.payload))
    stage.expect_errors()
    stage.settle(stage.pay(1), 2 * ADVANCE_MS, 1, 2, 3)
    stage.act(0, lambda frame: ((frame.channel, frame.payload),))
    stage.run(PROMPT_MS)


def _gas_by_block(stage: Stage, sender: Address) -> list[int]:
    """Return the gas limits of a sender's transactions in each final block, counted here once more."""
    found = []
    for final in stage.cluster.checkers.finals.values():
        transactions = [decode_transaction(raw) for raw in final.transactions]
        found.append(sum(each.gas_limit for each in transactions if recover_sender(each) == sender))
    return found


def _require_refusals(stage: Stage, rule: str) -> None:
    """Raises: Broken unless every honest validator says that it refused a block for that rule."""
    for honest in (1, 2, 3):
        if not any(rule in line for printer, line in stage.printed if printer == honest):
            raise Broken("progress", f"v{honest} refused no block for {rule}")


LAWLESS = (
    no_block_gives_a_bank_more_than_its_share,
    no_block_holds_an_unregistered_senders_transaction,
)
