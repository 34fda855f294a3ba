"""What rules, batches, holds and redemptions cost: CPU of execution, and of the whole path that a block takes.

CPU time of this process, not of the wall: other work on the machine then disturbs less. Variants take turns, and the
fastest turn of each counts, because whatever else happens only adds to it.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from consensus.chain.transaction import (
    decode_transaction,
    recover_sender,
    sign_dynamic_fee_transaction,
    validate_transaction,
)
from consensus.primitives.scalars import Address, Hash32, Height
from contracts.abi import AbiValue
from contracts.addresses import ACCOUNT_REGISTRY, POLICY_REGISTRY
from contracts.declarations import encode_call
from contracts.native.directory import lookup
from contracts.native.dispatch import find_function
from node.execution.genesis_state import Genesis
from node.execution.native import call_system_contract
from node.execution.transition import BlockContext, BlockExecution, SignedTransaction
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.persist import write_overlay
from node.state.reader import FinalState, StateReader
from node.storage.kv import WriteBatch
from node.storage.leveldb import LevelDbStore
from tests.benchmarks.payments import make_senders
from tests.benchmarks.report import keep
from tests.benchmarks.stages import block_context
from tests.money.model.roles import ROLES
from tests.money.world import ADMIN, BANKS, CHAIN_ID, CURRENCIES, CUSTOMERS, GOVERNOR, build_world

EUR = CURRENCIES[0]
SENDERS = make_senders(200)
RECIPIENTS = [sender.address for sender in make_senders(700)[200:]]
"""500 others."""
MEMO = bytes(range(32))
GAS_LIMIT = 5_000_000
OPENING_MINOR = 10_000
LIMIT_MINOR = 1_000_000
FAR_S = 2**40


@dataclass(slots=True)
class Cost:
    """CPU microseconds per operation, one value for each turn."""

    checked: list[float] = field(default_factory=list)
    """Decoding, stateless rules, the sender's recovery."""
    executed: list[float] = field(default_factory=list)
    sealed: list[float] = field(default_factory=list)
    """Tries, roots, header."""
    work_units: float = 0.0
    """Per operation, what it is charged."""

    def summary(self) -> dict[str, float]:
        execute, seal, check = (min(values) for values in (self.executed, self.sealed, self.checked))
        whole = min(map(sum, zip(self.checked, self.executed, self.sealed)))
        return {
            "check_us": round(check, 2),
            "execute_us": round(execute, 2),
            "seal_us": round(seal, 2),
            "whole_us": round(whole, 2),
            "work_units": round(self.work_units, 1),
        }


class Ledger:
    """A state on disk to build blocks on."""

    def __init__(self, genesis: Genesis, folder: Path) -> None:
        self.block: BlockContext = block_context(Height(1), Hash32(bytes(32)))
        self._store = LevelDbStore.open(folder, create=True)
        self._write(genesis.executed.overlay)
        self._overlay = Overlay(self.state())
        self._journal = Journal(self._overlay)

    def state(self) -> StateReader:
        """Return what was sealed."""
        return FinalState(self._store.snapshot())

    def does(self, caller: bytes, target: bytes, name: str, *values: AbiValue) -> None:
        """Make a call; whatever is refused is a mistake of the benchmark."""
        data = call_data(target, name, *values)
        result = call_system_contract(
            self._journal,
            self.block,
            address=Address(target),
            caller=Address(caller),
            value=0,
            data=data,
            gas=GAS_LIMIT,
        )
        assert result.success, f"{name} was refused with 0x{result.output.hex()}"
        self._journal.take_logs()
        self._journal.commit()

    def seal(self) -> "Ledger":
        """Write all calls since the last seal as one block."""
        self._overlay.seal()
        self._write(self._overlay)
        self._overlay = Overlay(self.state())
        self._journal = Journal(self._overlay)
        return self

    def _write(self, overlay: Overlay) -> None:
        batch = WriteBatch()
        write_overlay(batch, overlay, Height(0), self._store)
        self._store.write(batch, sync=True)


def call_data(target: bytes, name: str, *values: AbiValue) -> bytes:
    """Return the call data of a system contract's function."""
    contract = lookup(Address(target))
    assert contract is not None
    return encode_call(find_function(contract, name), *values)


def sign(private_key: bytes, nonce: int, data: bytes) -> bytes:
    """Return a signed call of the euro."""
    return sign_dynamic_fee_transaction(
        private_key, chain_id=CHAIN_ID, nonce=nonce, gas_limit=GAS_LIMIT, to=EUR, data=data
    )


def prepare(genesis: Genesis, folder: Path, *, has_policy: bool = False, has_limits: bool = False) -> Ledger:
    """Return a ledger on which every sender holds euros, in tier 1 of a bank if there are limits."""
    ledger = Ledger(genesis, folder)
    for name in ("POLICY_ROLE", "LIMIT_ROLE"):
        ledger.does(ADMIN, EUR, "grantRole", ROLES[name], ADMIN)
    ledger.does(ADMIN, EUR, "setMinterAllowance", ADMIN, 10**12)
    ledger.does(GOVERNOR, ACCOUNT_REGISTRY, "registerBank", BANKS[0], "Bank", "DEUTDEFF", 0)
    ledger.does(ADMIN, POLICY_REGISTRY, "createPolicy", 2, ADMIN)
    ledger.does(ADMIN, POLICY_REGISTRY, "modify", 2, (CUSTOMERS[0],), True)
    for sender in SENDERS:
        ledger.does(ADMIN, EUR, "mint", sender.address, OPENING_MINOR, MEMO)
        ledger.does(BANKS[0], ACCOUNT_REGISTRY, "registerAccount", sender.address, 1)
    if has_policy:
        ledger.does(ADMIN, EUR, "setTransferPolicyId", 2)
    if has_limits:
        ledger.does(ADMIN, EUR, "setTierLimits", 1, *(LIMIT_MINOR,) * 4)
        ledger.does(ADMIN, EUR, "setLimitsEnabled", True)
    # One payment each, as on a ledger in use: what counts a day is there already.
    for place, sender in enumerate(SENDERS):
        ledger.does(sender.address, EUR, "transfer", SENDERS[place - 1].address, 1)
    return ledger.seal()


def measure(cost: Cost, ledger: Ledger, raws: Sequence[bytes], operations: int) -> None:
    """Add one turn: take a block's transactions through everything before consensus, in CPU time per operation."""
    started = time.process_time()
    signed = []
    for raw in raws:
        transaction = decode_transaction(raw)
        validate_transaction(transaction, chain_id=CHAIN_ID)
        signed.append(SignedTransaction(transaction, recover_sender(transaction)))
    checked = time.process_time()
    execution = BlockExecution(ledger.state(), ledger.block)
    for one in signed:
        assert execution.apply(one).succeeded, "a payment of the benchmark was refused"
    executed = time.process_time()
    block = execution.seal()
    sealed = time.process_time()
    for values, seconds in (
        (cost.checked, checked - started),
        (cost.executed, executed - checked),
        (cost.sealed, sealed - executed),
    ):
        values.append(1e6 * seconds / operations)
    cost.work_units = block.work_used / operations


def measure_rules(genesis: Genesis, folder: Path, turns: int) -> dict[str, Cost]:
    """Return the cost of a transfer with every combination of policy and limits."""
    raws = [
        sign(sender.private_key, 0, call_data(EUR, "transfer", SENDERS[place - 2].address, 1))
        for place, sender in enumerate(SENDERS)
    ]
    combinations = {"none": (False, False), "policy": (True, False), "limits": (False, True), "both": (True, True)}
    ledgers = {
        name: prepare(genesis, folder / name, has_policy=has_policy, has_limits=has_limits)
        for name, (has_policy, has_limits) in combinations.items()
    }
    costs = {name: Cost() for name in combinations}
    for _ in range(turns):
        for name, cost in costs.items():
            measure(cost, ledgers[name], raws, len(raws))
    return costs


def measure_batches(genesis: Genesis, folder: Path, turns: int) -> dict[str, Cost]:
    """Return the cost of a payment in a batch of 500, and of the same 500 payments one by one.

    Once to people who have the currency, as a payroll does, and once to people who never had any.
    """
    new_ledger, ledger = prepare(genesis, folder / "new"), prepare(genesis, folder / "used")
    for to in RECIPIENTS:
        ledger.does(ADMIN, EUR, "mint", to, 1, MEMO)
    ledger.seal()
    payer = SENDERS[0].private_key
    count = len(RECIPIENTS)
    single = [
        sign(payer, nonce, call_data(EUR, "transferWithMemo", to, 1, MEMO)) for nonce, to in enumerate(RECIPIENTS)
    ]
    batch = [sign(payer, 0, call_data(EUR, "transferBatch", tuple(RECIPIENTS), (1,) * count, (MEMO,) * count))]
    cases = {
        "single": (ledger, single),
        "batch": (ledger, batch),
        "single to new holders": (new_ledger, single),
        "batch to new holders": (new_ledger, batch),
    }
    costs = {name: Cost() for name in cases}
    for _ in range(turns):
        for name, cost in costs.items():
            measure(cost, *cases[name], count)
    return costs


def measure_promises(genesis: Genesis, folder: Path, turns: int) -> dict[str, Cost]:
    """Return the cost of making and closing holds and redemptions, beside that of a transfer."""
    ledger = prepare(genesis, folder / "promises")
    ids = [b"\x01" + place.to_bytes(31, "big") for place in range(len(SENDERS))]
    notaries = [SENDERS[place - 1].address for place in range(len(SENDERS))]
    for place, sender in enumerate(SENDERS):
        hold: tuple[AbiValue, ...] = (ids[place], RECIPIENTS[place], sender.address, 5, FAR_S, MEMO)
        ledger.does(sender.address, EUR, "createHold", *hold)
        ledger.does(sender.address, EUR, "requestRedemption", 5, MEMO)
    ledger.seal()

    def calls(name: str, arguments: Callable[[int], tuple[AbiValue, ...]]) -> list[bytes]:
        return [
            sign(sender.private_key, 0, call_data(EUR, name, *arguments(place))) for place, sender in enumerate(SENDERS)
        ]

    blocks = {
        "transfer": calls("transfer", lambda place: (RECIPIENTS[place], 1)),
        "createHold": calls(
            "createHold",
            lambda place: (b"\x02" + ids[place][1:], RECIPIENTS[place], notaries[place], 5, FAR_S, MEMO),
        ),
        "executeHold": calls("executeHold", lambda place: (ids[place], 5)),
        "executeHoldAndRelease": calls("executeHoldAndRelease", lambda place: (ids[place], 3)),
        "releaseHold": calls("releaseHold", lambda place: (ids[place],)),
        "requestRedemption": calls("requestRedemption", lambda _: (5, MEMO)),
        "cancelRedemption": calls("cancelRedemption", lambda place: (place + 1,)),
    }
    costs = {name: Cost() for name in blocks}
    for _ in range(turns):
        for name, cost in costs.items():
            measure(cost, ledger, blocks[name], len(blocks[name]))
    return costs


def main(arguments: list[str]) -> None:
    """Measure all three and keep ratios beside the microseconds."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks money")
    parser.add_argument("--turns", type=int, default=15)
    options = parser.parse_args(arguments)
    genesis = build_world()
    with tempfile.TemporaryDirectory() as name:
        _measure_all(genesis, Path(name), options)


def _measure_all(genesis: Genesis, folder: Path, options: argparse.Namespace) -> None:
    rules = {name: cost.summary() for name, cost in measure_rules(genesis, folder, options.turns).items()}
    batches = {name: cost.summary() for name, cost in measure_batches(genesis, folder, options.turns).items()}
    promises = {name: cost.summary() for name, cost in measure_promises(genesis, folder, options.turns).items()}
    keep(
        "money",
        {**vars(options), "transfers_per_block": len(SENDERS), "rows_per_batch": len(RECIPIENTS)},
        {
            "transfer_by_rules": rules,
            "ratio_to_no_rules": {
                name: {part: round(cost[part] / rules["none"][part], 2) for part in ("execute_us", "whole_us")}
                for name, cost in rules.items()
            },
            "payment": batches,
            "single_to_batch": {
                whom: {
                    part: round(batches[f"single{whom}"][part] / batches[f"batch{whom}"][part], 2)
                    for part in ("execute_us", "whole_us")
                }
                for whom in ("", " to new holders")
            },
            "promises": promises,
            "us_per_work_unit": {
                name: round((cost["execute_us"] + cost["seal_us"]) / cost["work_units"], 2)
                for name, cost in promises.items()
            },
        },
    )
