"""What enters the pool, and what each submitter hears."""

from collections.abc import Callable

import pytest
from eth_account import Account

from consensus.chain.errors import (
    IntrinsicGasTooLow,
    InvalidTransactionSignature,
    MalformedTransaction,
    OversizedInitCode,
    WrongChainId,
)
from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.scalars import Address
from consensus.primitives.signatures import address_of_private_key
from node.execution.permissions import PermissionRefusal
from node.execution.shares import Quota
from node.mempool.admission import Admission, SenderState, Verdict
from node.mempool.errors import (
    ExceedsBlockGas,
    InsufficientFunds,
    NonceTooLow,
    NotReady,
    PoolFull,
    QuotaExceeded,
)
from node.mempool.pool import Pool, PooledTransaction, PoolLimits
from tests.node.runtime.manual import InstantWorkers, ManualTime

CHAIN_ID = 23790
KEY = b"\x07" * 32
TO = Address(b"\x22" * 20)


class Ledger:
    def __init__(self) -> None:
        self.nonce = 0
        self.syncing = False
        self.state: SenderState | None = None

    def sender_state(self, sender: Address) -> SenderState:
        return self.state or SenderState(self.nonce, 100)

    def is_syncing(self) -> bool:
        return self.syncing


class World:
    def __init__(self) -> None:
        self.time = ManualTime()
        self.pool = Pool(PoolLimits())
        self.ledger = Ledger()
        self.admitted: list[PooledTransaction] = []
        self.admission = Admission(
            pool=self.pool,
            ledger=self.ledger,
            workers=InstantWorkers(),
            clock=self.time,
            timers=self.time,
            chain_id=CHAIN_ID,
            block_gas_limit=lambda: 1_000_000,
            admitted=self.admitted.extend,
            failed=self.fail,
        )

    @staticmethod
    def fail(error: BaseException) -> None:
        raise error

    def submit(self, raw: bytes) -> Verdict:
        verdicts: list[Verdict] = []
        self.admission.submit(raw, verdicts.append)
        self.time.advance(0)
        assert len(verdicts) == 1
        return verdicts[0]


def payment(nonce: int = 0, *, chain_id: int = CHAIN_ID, gas: int = 50_000, to: Address = TO, value: int = 0) -> bytes:
    return sign_dynamic_fee_transaction(
        KEY, chain_id=chain_id, nonce=nonce, gas_limit=gas, to=to, data=b"pay", value=value
    )


def test_good_transaction_is_pending_with_its_sender() -> None:
    world = World()
    verdict = world.submit(payment())
    assert isinstance(verdict, PooledTransaction)
    assert verdict.sender == address_of_private_key(KEY)
    assert verdict.from_client
    assert world.admitted == [verdict]


def test_same_bytes_again_give_the_same_pending_transaction() -> None:
    world = World()
    assert world.submit(payment()) is world.submit(payment())
    assert len(world.admitted) == 1


def test_two_clients_with_the_same_bytes_in_one_turn_both_hear() -> None:
    world = World()
    verdicts: list[Verdict] = []
    world.admission.submit(payment(), verdicts.append)
    world.admission.submit(payment(), verdicts.append)
    world.time.advance(0)
    assert len(verdicts) == 2 and verdicts[0] is verdicts[1]


def test_a_client_is_refused_at_once_when_too_many_are_being_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.mempool.admission.UNDER_WAY_MAX", 2)
    world = World()
    verdicts: list[Verdict] = []
    for nonce in (0, 1, 2):
        world.admission.submit(payment(nonce), verdicts.append)
    assert [type(verdict) for verdict in verdicts] == [PoolFull]
    world.time.advance(0)
    assert [type(verdict) for verdict in verdicts[1:]] == [PooledTransaction, PooledTransaction]
    assert world.admission.rejected_counts == {"pool_full": 1}
    assert isinstance(world.submit(payment(2)), PooledTransaction)


def creation(code: bytes) -> bytes:
    fields = {"nonce": 0, "gas": 1_000_000, "data": code, "value": 0, "chainId": CHAIN_ID, "type": 2}
    fields |= {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0}
    return bytes(Account.sign_transaction(fields, KEY).raw_transaction)


def broken_signature() -> bytes:
    raw = bytearray(payment())
    raw[-33:] = b"\xa0" + b"\xff" * 32
    return bytes(raw)


@pytest.mark.parametrize(
    ("description", "make", "error"),
    [
        ("garbage", lambda: b"\x02garbage", MalformedTransaction),
        ("other chain", lambda: payment(chain_id=1), WrongChainId),
        ("broken signature", broken_signature, InvalidTransactionSignature),
        ("gas below the bytes' price", lambda: payment(gas=21_000), IntrinsicGasTooLow),
        ("gas above a block's", lambda: payment(gas=1_000_001), ExceedsBlockGas),
        ("more than the balance", lambda: payment(value=101), InsufficientFunds),
        ("creation by too much code", lambda: creation(b"\x00" * 49_153), OversizedInitCode),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusal_names_its_reason_and_is_counted(
    description: str, make: Callable[[], bytes], error: type[Exception]
) -> None:
    world = World()
    verdict = world.submit(make())
    assert type(verdict) is error
    assert len(world.pool) == 0
    assert sum(world.admission.rejected_counts.values()) == 1


def test_creation_is_admitted_like_a_call() -> None:
    assert isinstance(World().submit(creation(b"\x00")), PooledTransaction)


def test_used_nonce_is_refused_and_the_balance_itself_may_be_sent() -> None:
    world = World()
    assert isinstance(world.submit(payment(value=100)), PooledTransaction)
    world.ledger.nonce = 5
    assert type(world.submit(payment(4))) is NonceTooLow


def test_node_that_is_catching_up_admits_nothing() -> None:
    world = World()
    world.ledger.syncing = True
    assert type(world.submit(payment())) is NotReady


def test_transactions_of_peers_are_admitted_once_and_not_marked_as_a_clients() -> None:
    world = World()
    world.admission.receive([payment(0), payment(0), payment(1), b"\x80junk"])
    assert [pooled.transaction.nonce for pooled in world.admitted] == [0, 1]
    assert not any(pooled.from_client for pooled in world.admitted)
    assert world.admission.rejected_counts == {"malformed": 1}


def test_who_may_not_send_or_deploy_is_refused_with_the_rule_and_its_neighbour_is_not() -> None:
    suspended = PermissionRefusal("suspended", "by its bank")
    undeployed = PermissionRefusal("may_not_deploy", "ask its bank")
    for state, raw, reason in (
        (SenderState(0, 0, send_refusal=suspended, deploy_refusal=suspended), payment(), "suspended"),
        (SenderState(0, 0, deploy_refusal=undeployed), creation(b"\x00"), "may_not_deploy"),
        (SenderState(0, 0, deploy_refusal=undeployed), payment(), None),
    ):
        world = World()
        world.ledger.state = state
        verdict = world.submit(raw)
        assert (None if isinstance(verdict, PooledTransaction) else verdict.reason) == reason
        assert world.admission.rejected_counts == ({} if reason is None else {reason: 1})


def test_a_bank_over_its_quota_hears_when_to_retry_and_is_admitted_then() -> None:
    world = World()
    world.ledger.state = SenderState(0, 0, quota=Quota(3, 60_000))
    first = world.submit(payment(0))
    assert isinstance(first, PooledTransaction)
    assert first.bank_id == 3
    refused = world.submit(payment(1))
    assert isinstance(refused, QuotaExceeded)
    assert (refused.bank_id, refused.used, refused.retry_after_ms) == (3, 50_000, 40_000)
    assert world.admission.rejected_counts == {"quota_exceeded": 1}
    world.time.advance(40_000)
    assert isinstance(world.submit(payment(1)), PooledTransaction)


def test_a_transaction_refused_for_another_reason_uses_no_quota() -> None:
    world = World()
    world.ledger.state = SenderState(1, 0, quota=Quota(3, 50_000))
    assert isinstance(world.submit(payment(0)), NonceTooLow)
    assert isinstance(world.submit(payment(1)), PooledTransaction)
