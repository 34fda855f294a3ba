"""SettlementEngine.settleNow: one transaction with everybody's signature, and a signature says exactly one thing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address, Hash32
from contracts.abi import AbiValue
from contracts.declarations import encode_call
from contracts.loader import load
from tests.contracts.settlement.tokens import approve, deploy_token, pause, wealth
from tests.contracts.settlement.typed_data import digest_of, message, sign
from tests.contracts.settlement.world import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CAROL,
    CAROL_KEY,
    CNY,
    DAVE,
    ERIN,
    EUR,
    MEMO,
    NO_MEMO,
    OPENING_MINOR,
    Contract,
    Done,
    Reverted,
    World,
    compiled,
    new_world,
)

KEYS = {ALICE: ALICE_KEY, BOB: BOB_KEY, CAROL: CAROL_KEY}

Leg = tuple[bytes, Address, Address, int]
DVP: tuple[Leg, ...] = ((CNY, ALICE, BOB, 700), (EUR, BOB, ALICE, 90))


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    engine = world.deploy(load("SettlementEngine"))
    token = deploy_token(world)
    for each in (token, world.token(EUR), world.token(CNY)):
        approve(world, each, engine)
    return world.freeze(), engine, token


def beginning() -> tuple[World, Contract, Contract]:
    world, engine, token = _beginning()
    return world.copy(), engine, token


def propose(world: World, engine: Contract, legs: Sequence[Leg] = DVP, seconds: int = 100) -> Done:
    return world.call(ERIN, engine, "propose", legs, world.now_s + seconds, MEMO)


def moved(world: World, engine: Contract, token: bytes) -> list[int]:
    """Return how much more than at the start Alice, Bob, Carol and the contract have."""
    first, second, third, kept = wealth(world, world.token(Address(token)), [ALICE, BOB, CAROL, engine.address])
    return [first - OPENING_MINOR, second - OPENING_MINOR, third - OPENING_MINOR, kept]


@dataclass
class Terms:
    """What parties sign."""

    legs: Sequence[Leg] = DVP
    valid_until: int = 0
    memo: bytes = MEMO
    salt: int = 1
    domain: dict[str, Any] = field(default_factory=dict)

    def signed_by(self, engine: Contract, *parties: Address) -> list[tuple[Address, bytes]]:
        """Return parties with their signatures."""
        signable = self.signable(engine)
        return [(party, sign(signable, KEYS[party])) for party in parties]

    def digest(self, engine: Contract) -> Hash32:
        return digest_of(self.signable(engine))

    def signable(self, engine: Contract) -> Any:
        fields = ("token", "payer", "payee", "amount")
        structs = {
            "Settlement": [("Leg[]", "legs"), ("uint64", "validUntil"), ("bytes32", "memo"), ("uint256", "salt")],
            "Leg": [("address", "token"), ("address", "payer"), ("address", "payee"), ("uint256", "amount")],
        }
        values = {
            "legs": [dict(zip(fields, leg)) for leg in self.legs],
            "validUntil": self.valid_until,
            "memo": self.memo,
            "salt": self.salt,
        }
        return message(engine, "Settlement", structs, values, **self.domain)

    def values(self) -> tuple[AbiValue, ...]:
        return self.legs, self.valid_until, self.memo, self.salt


def terms(world: World, **changes: Any) -> Terms:
    """Return the terms of the swap, valid for 100 seconds."""
    return Terms(**({"valid_until": world.now_s + 100} | changes))


def settle_now(
    world: World, engine: Contract, agreed: Terms, consents: Sequence[tuple[Address, bytes]], sender: Address = ERIN
) -> Done:
    return world.call(sender, engine, "settleNow", *agreed.values(), consents)


def test_the_digest_and_the_domain_are_what_wallets_compute() -> None:
    world, engine, _ = beginning()
    for count in (1, 2, 16):
        agreed = terms(world, legs=[DVP[0]] * count, salt=2**255)
        assert world.read(engine, "digestOf", *agreed.values()) == agreed.digest(engine)
    domain = world.call(ERIN, engine, "eip712Domain").values
    assert domain == (b"\x0f", "SettlementEngine", "1", world.block.chain_id, engine.address, bytes(32), ())


def test_two_signatures_settle_in_a_stranger_s_transaction() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    done = settle_now(world, engine, agreed, agreed.signed_by(engine, ALICE, BOB))
    assert done.named("SettledNow") == [{"digest": agreed.digest(engine), "memo": MEMO}]
    assert done.value == agreed.digest(engine)
    assert moved(world, engine, CNY) == [-700, 700, 0, 0]
    assert moved(world, engine, EUR) == [90, -90, 0, 0]


def test_the_sender_of_the_transaction_need_not_sign() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    settle_now(world, engine, agreed, agreed.signed_by(engine, ALICE), sender=BOB)
    assert moved(world, engine, CNY) == [-700, 700, 0, 0]


def test_a_payer_without_a_signature_is_named() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    with pytest.raises(Reverted, match=r"ConsentMissing\(party=bob\)"):
        settle_now(world, engine, agreed, agreed.signed_by(engine, ALICE, CAROL))
    assert moved(world, engine, CNY) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "change",
    [
        {"legs": [(CNY, ALICE, BOB, 701), DVP[1]]},
        {"legs": [DVP[0], (EUR, BOB, CAROL, 90)]},
        {"legs": [DVP[1], DVP[0]]},
        {"valid_until": 1_800_000_000},
        {"memo": NO_MEMO},
        {"salt": 2},
        {"domain": {"chainId": 1}},
        {"domain": {"verifyingContract": EUR}},
        {"domain": {"name": "SettlementEngines"}},
        {"domain": {"version": "2"}},
    ],
)
def test_a_signature_of_anything_else_does_not_count(change: dict[str, Any]) -> None:
    world, engine, _ = beginning()
    agreed, signed = terms(world), terms(world, **change)
    with pytest.raises(Reverted, match=r"InvalidSignature\(signer=alice\)"):
        settle_now(world, engine, agreed, signed.signed_by(engine, ALICE, BOB))


def test_a_signature_of_somebody_else_or_in_another_form_does_not_count() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    ((_, by_alice), (_, by_bob)) = agreed.signed_by(engine, ALICE, BOB)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    upper_s = (order - int.from_bytes(by_alice[32:64], "big")).to_bytes(32, "big")
    forms = {
        "another's": by_bob,
        "upper s": by_alice[:32] + upper_s + bytes((55 - by_alice[64],)),
        "too long": by_alice + b"\0",
        "too short": by_alice[:64],
        "v of 0": by_alice[:64] + b"\0",
        "nothing": b"",
    }
    for form, signature in forms.items():
        with pytest.raises(Reverted, match=r"InvalidSignature\(signer=alice\)"):
            settle_now(world, engine, agreed, [(ALICE, signature), (BOB, by_bob)])
        assert moved(world, engine, CNY) == [0, 0, 0, 0], form
    settle_now(world, engine, agreed, [(ALICE, by_alice), (BOB, by_bob)])


def test_signed_legs_that_move_nothing_are_refused() -> None:
    world, engine, _ = beginning()
    for legs, error in (([], r"NoLegs\(\)"), ([(EUR, ALICE, ALICE, 5)], r"InvalidLeg\(leg=0\)")):
        agreed = terms(world, legs=legs)
        with pytest.raises(Reverted, match=error):
            settle_now(world, engine, agreed, agreed.signed_by(engine, ALICE))


def test_nobody_signs_for_the_zero_address() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    consents = [*agreed.signed_by(engine, ALICE, BOB), (ZERO_ADDRESS, bytes(64) + b"\x05")]
    with pytest.raises(Reverted, match="InvalidSignature"):
        settle_now(world, engine, agreed, consents)


def test_terms_settle_once_and_again_with_another_salt() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    consents = agreed.signed_by(engine, ALICE, BOB)
    settle_now(world, engine, agreed, consents)
    with pytest.raises(Reverted, match="ConsentUsed"):
        settle_now(world, engine, agreed, consents)
    again = terms(world, salt=2)
    settle_now(world, engine, again, again.signed_by(engine, ALICE, BOB))
    assert moved(world, engine, CNY) == [-1_400, 1_400, 0, 0]


def test_a_signature_counts_in_its_last_second_and_not_in_the_next() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    consents = agreed.signed_by(engine, ALICE, BOB)
    frozen = world.freeze()
    for seconds, is_in_time in ((100, True), (101, False)):
        world = frozen.copy()
        world.advance(seconds)
        if is_in_time:
            settle_now(world, engine, agreed, consents)
        else:
            with pytest.raises(Reverted, match=rf"ConsentExpired\(validUntil={agreed.valid_until}, now="):
                settle_now(world, engine, agreed, consents)


def test_a_withdrawn_signature_does_not_count_and_another_party_s_still_does() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    digest = agreed.digest(engine)
    done = world.call(ALICE, engine, "withdrawConsent", digest)
    assert done.named("ConsentTakenBack") == [{"party": ALICE, "digest": digest}]
    with pytest.raises(Reverted, match=r"ConsentWithdrawn\(party=alice"):
        settle_now(world, engine, agreed, agreed.signed_by(engine, ALICE, BOB))
    settle_now(world, engine, agreed, agreed.signed_by(engine, BOB), sender=ALICE)
    with pytest.raises(Reverted, match="ConsentUsed"):
        world.call(BOB, engine, "withdrawConsent", digest)


def test_a_stranger_who_proposes_the_same_legs_first_changes_nothing() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    propose(world, engine)
    settle_now(world, engine, agreed, agreed.signed_by(engine, ALICE, BOB))
    assert moved(world, engine, CNY) == [-700, 700, 0, 0]
    world.call(ALICE, engine, "affirm", 1)


def test_an_account_with_code_signs_as_it_decides() -> None:
    world, engine, token = beginning()
    wallet = world.deploy(compiled("SigningWallet"), DAVE)
    world.call(DAVE, token, "give", wallet.address, 50)
    allow = encode_call(token.interface.function("approve"), engine.address, 50)
    world.call(DAVE, wallet, "execute", token.address, allow)
    agreed = terms(world, legs=[(token.address, wallet.address, BOB, 20), (EUR, BOB, ALICE, 1)])
    consents = [(wallet.address, b""), *agreed.signed_by(engine, BOB)]
    with pytest.raises(Reverted, match="InvalidSignature"):
        settle_now(world, engine, agreed, consents)
    world.call(DAVE, wallet, "agree", agreed.digest(engine))
    with pytest.raises(Reverted, match="InvalidSignature"):
        settle_now(world, engine, agreed, [(wallet.address, b"\x01"), *consents[1:]])
    settle_now(world, engine, agreed, consents)
    assert wealth(world, token, [BOB, wallet.address]) == [OPENING_MINOR + 20, 30]


def test_a_contract_that_knows_no_signatures_has_signed_nothing() -> None:
    world, engine, token = beginning()
    agreed = terms(world, legs=[(EUR, Address(token.address), BOB, 20)])
    with pytest.raises(Reverted, match="InvalidSignature"):
        settle_now(world, engine, agreed, [(token.address, b"")])


def test_a_refusal_of_any_leg_undoes_all_and_the_signatures_stay_good() -> None:
    world, engine, _ = beginning()
    agreed = terms(world)
    consents = agreed.signed_by(engine, ALICE, BOB)
    pause(world, world.token(EUR), is_paused=True)
    with pytest.raises(Reverted, match=r"EnforcedPause\(\)"):
        settle_now(world, engine, agreed, consents)
    pause(world, world.token(EUR), is_paused=False)
    settle_now(world, engine, agreed, consents)
    assert moved(world, engine, CNY) == [-700, 700, 0, 0]
