"""The guard table of consensus.md §7, through the signer and through its file."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, View
from consensus.primitives.signatures import is_valid_ed25519
from consensus.simplex.messages import Kind, SigningDomain, Statement, hello_statement, sign_bytes
from node.storage.guard_file import GuardFile, create_guard
from node.validator.signer import GuardedSigner, SignRefused

SEED = b"\x07" * 32
PUBLIC_KEY = bytes(SigningKey(SEED).verify_key)
DOMAIN = SigningDomain(7001, Hash32(bytes(range(32))))
VIEW = View(5)


def vote(kind: Kind, block: str = "", view: int = VIEW) -> Statement:
    if kind is Kind.NULLIFY:
        return Statement(kind, Epoch(0), View(view), View(0), ZERO_HASH)
    return Statement(kind, Epoch(0), View(view), View(view - 1), Hash32(block.encode() * 32))


NOTARIZE_A, NOTARIZE_B = vote(Kind.NOTARIZE, "a"), vote(Kind.NOTARIZE, "b")
FINALIZE_A, FINALIZE_B = vote(Kind.FINALIZE, "a"), vote(Kind.FINALIZE, "b")
NULLIFY = vote(Kind.NULLIFY)
EVERY_VOTE = (NOTARIZE_A, NOTARIZE_B, NULLIFY, FINALIZE_A, FINALIZE_B)
LETTERS = {NOTARIZE_A: "Na", NOTARIZE_B: "Nb", NULLIFY: "U", FINALIZE_A: "Fa", FINALIZE_B: "Fb"}

ALLOWED_AFTER = {
    NOTARIZE_A: (NOTARIZE_A, NULLIFY, FINALIZE_A, FINALIZE_B),
    NOTARIZE_B: (NOTARIZE_B, NULLIFY, FINALIZE_A, FINALIZE_B),
    NULLIFY: (NULLIFY,),
    FINALIZE_A: (FINALIZE_A,),
    FINALIZE_B: (FINALIZE_B,),
}
"""The table: what may be signed in a view after one vote there."""


class Validator:
    """A key whose signer can be ended and started again from its guard."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "signguard.log"
        create_guard(self._path, PUBLIC_KEY)
        self.signer = self._open(DOMAIN)

    def _open(self, domain: SigningDomain) -> GuardedSigner:
        guard, signed = GuardFile.open(self._path, PUBLIC_KEY)
        return GuardedSigner(SEED, domain, guard, signed)

    def restart(self, domain: SigningDomain = DOMAIN) -> None:
        self.signer.close()
        self.signer = self._open(domain)

    def sign(self, statement: Statement) -> bytes:
        self.signer.record(statement)
        self.signer.sync(self.signer.take_unsynced())
        self.signer.synced()
        return self.signer.release(statement)

    def would_sign(self, statement: Statement) -> bool:
        try:
            self.signer.record(statement)
        except SignRefused:
            return False
        return True


@pytest.fixture
def validator(tmp_path: Path) -> Iterator[Validator]:
    validator = Validator(tmp_path)
    yield validator
    validator.signer.close()


@pytest.mark.parametrize("statement", EVERY_VOTE, ids=LETTERS.get)
def test_first_vote_of_a_view_is_signed(validator: Validator, statement: Statement) -> None:
    signature = validator.sign(statement)
    assert is_valid_ed25519(PUBLIC_KEY, sign_bytes(DOMAIN, statement), signature)


@pytest.mark.parametrize("has_restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize(
    ("first", "second"), list(itertools.product(EVERY_VOTE, repeat=2)), ids=lambda statement: LETTERS[statement]
)
def test_second_vote_of_a_view_follows_the_table(
    validator: Validator, first: Statement, second: Statement, has_restarted: bool
) -> None:
    signature = validator.sign(first)
    if has_restarted:
        validator.restart()
    assert validator.would_sign(second) == (second in ALLOWED_AFTER[first])
    # Whatever was refused or added, the first vote keeps its one signature.
    assert validator.sign(first) == signature


@pytest.mark.parametrize(
    "order", list(itertools.permutations(EVERY_VOTE, 3)), ids=lambda order: "-".join(map(LETTERS.__getitem__, order))
)
def test_no_order_of_attempts_yields_two_votes_that_exclude_each_other(
    validator: Validator, order: tuple[Statement, ...]
) -> None:
    signed = [statement for statement in order if validator.would_sign(statement)]
    assert signed[0] == order[0]
    for earlier, later in itertools.combinations(signed, 2):
        assert later in ALLOWED_AFTER[earlier]


def test_views_do_not_bind_each_other(validator: Validator) -> None:
    validator.sign(NULLIFY)
    assert validator.would_sign(vote(Kind.FINALIZE, "a", VIEW - 1))
    assert validator.would_sign(vote(Kind.NOTARIZE, "a", VIEW + 1))


def test_refusals_are_counted_by_rule_and_say_what_was_asked(validator: Validator) -> None:
    validator.sign(NULLIFY)
    with pytest.raises(SignRefused, match="refuses finalize in view 5: conflict"):
        validator.signer.record(FINALIZE_A)
    with pytest.raises(SignRefused):
        validator.signer.record(NOTARIZE_A)
    assert validator.signer.refused_counts == {"conflict": 2}


@pytest.mark.parametrize("view", [VIEW - 1, VIEW])
def test_view_at_or_below_the_floor_is_never_signed(validator: Validator, view: int) -> None:
    validator.signer.set_floor(Epoch(0), VIEW)
    with pytest.raises(SignRefused, match="below_floor"):
        validator.signer.record(vote(Kind.FINALIZE, "a", view))
    assert validator.would_sign(vote(Kind.FINALIZE, "a", VIEW + 1))


def test_vote_of_an_earlier_epoch_is_below_the_floor_whatever_its_view(validator: Validator) -> None:
    validator.signer.set_floor(Epoch(1), View(0))
    with pytest.raises(SignRefused, match="below_floor"):
        validator.signer.record(vote(Kind.NOTARIZE, "a", 1_000))
    assert validator.would_sign(replace(NOTARIZE_A, epoch=Epoch(1)))


def test_epoch_far_beyond_the_floor_is_signed_in_only_once_it_was_entered(validator: Validator) -> None:
    validator.signer.set_floor(Epoch(4), VIEW)
    ahead = replace(NOTARIZE_A, epoch=Epoch(6))
    with pytest.raises(SignRefused, match="other_epoch"):
        validator.signer.record(ahead)
    # All of epoch 5 became final at once: its floor follows when the votes of that turn have left.
    validator.signer.enter_epoch(Epoch(6))
    assert validator.would_sign(ahead)
    with pytest.raises(SignRefused, match="other_epoch"):
        validator.signer.record(replace(NOTARIZE_A, epoch=Epoch(7)))


def test_votes_below_the_floor_are_forgotten_and_those_above_are_not(validator: Validator) -> None:
    for statement in (NULLIFY, vote(Kind.NOTARIZE, "a", VIEW + 1)):
        validator.sign(statement)
    validator.signer.set_floor(Epoch(0), VIEW)
    assert validator.signer.signed_statements() == [vote(Kind.NOTARIZE, "a", VIEW + 1)]


def test_votes_of_another_network_in_the_guard_bind_nobody(validator: Validator) -> None:
    validator.sign(NULLIFY)
    for other in (SigningDomain(7002, DOMAIN.genesis_hash), SigningDomain(7001, Hash32(b"\xee" * 32))):
        validator.restart(other)
        assert validator.signer.signed_statements() == []
    validator.restart()
    assert validator.signer.signed_statements() == [NULLIFY]


def test_restart_brings_every_synced_vote_back_by_view(validator: Validator) -> None:
    votes = [vote(Kind.NOTARIZE, "a", 7), vote(Kind.NULLIFY, view=6), NOTARIZE_A, FINALIZE_A]
    for statement in votes:
        validator.sign(statement)
    validator.restart()
    assert validator.signer.signed_statements() == [NOTARIZE_A, FINALIZE_A, votes[1], votes[0]]


def test_signature_never_leaves_before_its_sync(validator: Validator) -> None:
    validator.signer.record(NOTARIZE_A)
    with pytest.raises(AssertionError, match="before its sync"):
        validator.signer.release(NOTARIZE_A)
    validator.signer.sync(validator.signer.take_unsynced())
    with pytest.raises(AssertionError, match="before its sync"):
        validator.signer.release(NOTARIZE_A)
    validator.signer.synced()
    assert len(validator.signer.release(NOTARIZE_A)) == 64


def test_vote_that_was_never_recorded_is_not_released(validator: Validator) -> None:
    validator.sign(NOTARIZE_A)
    with pytest.raises(SignRefused, match="not_recorded"):
        validator.signer.release(FINALIZE_A)


def test_sign_bytes_are_handed_to_the_disk_once(validator: Validator) -> None:
    validator.signer.record(NOTARIZE_A)
    validator.signer.record(NOTARIZE_A)
    assert validator.signer.take_unsynced() == [sign_bytes(DOMAIN, NOTARIZE_A)]
    validator.signer.record(NOTARIZE_A)
    assert validator.signer.take_unsynced() == []


def test_follower_without_a_guard_signs_no_vote_but_proves_its_links() -> None:
    follower = GuardedSigner(SEED, DOMAIN, None, [])
    with pytest.raises(SignRefused, match="no_guard"):
        follower.record(NOTARIZE_A)
    hello = hello_statement(protocol=1, own_tls_key=bytes(32), peer_tls_key=bytes(32), nonce=bytes(32))
    assert is_valid_ed25519(PUBLIC_KEY, sign_bytes(DOMAIN, hello), follower.sign_unguarded(hello))


def test_vote_is_never_signed_around_the_guard(validator: Validator) -> None:
    with pytest.raises(AssertionError):
        validator.signer.sign_unguarded(NOTARIZE_A)
