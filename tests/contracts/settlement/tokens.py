"""Tokens in a test's world: native currencies and a token that misbehaves, with allowances given."""

from collections.abc import Sequence
from enum import IntEnum

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from tests.contracts.settlement.world import ADMIN, ALICE, BOB, CAROL, OPENING_MINOR, Contract, World, compiled


class Mode(IntEnum):
    """How HostileToken misbehaves; the numbers are those of its source."""

    HONEST = 0
    LIES = 1
    ANSWERS_FALSE = 2
    ANSWERS_NOTHING = 3
    TAKES_FEE = 4
    OVERCHARGES = 5
    ANSWERS_NONSENSE = 6
    FALSE_BUT_MOVES = 7


ISSUER_ROLE = bytes(keccak256(b"ISSUER_ROLE"))

HOLDERS = (ALICE, BOB, CAROL)


def deploy_token(world: World, holders: Sequence[Address] = HOLDERS) -> Contract:
    """Return a token of which the holders have OPENING_MINOR each."""
    token = world.deploy(compiled("HostileToken"))
    for holder in holders:
        world.call(ADMIN, token, "give", holder, OPENING_MINOR)
    return token


def approve(world: World, token: Contract, spender: Contract, holders: Sequence[Address] = HOLDERS) -> None:
    """Let a contract move all that the holders have, and more."""
    for holder in holders:
        world.call(holder, token, "approve", spender.address, 2**128)


def prepare_bank(world: World, interbank: Contract, bank: Address, deposit: Address) -> None:
    """Make an account the bank behind a currency, and a contract an issuer of it, of up to 100 000."""
    currency = world.token(deposit)
    world.call(ADMIN, currency, "grantRole", bytes(32), bank)
    world.call(bank, currency, "grantRole", ISSUER_ROLE, interbank.address)
    world.call(ADMIN, currency, "setMinterAllowance", interbank.address, 100_000)


def pause(world: World, token: Contract, *, is_paused: bool) -> None:
    """Stop a token, native or not, or let it move again."""
    if token.name == "Currency":
        world.call(ADMIN, token, "pause" if is_paused else "unpause")
    else:
        world.call(ADMIN, token, "pause", is_paused)


def wealth(world: World, token: Contract, holders: Sequence[Address]) -> list[int]:
    """Return the balances of the holders, in their order."""
    return [world.balance(token, holder) for holder in holders]


def held(world: World, currency: Address, payers: Sequence[Address]) -> int:
    """Return what the payers have in holds of a native currency, together."""
    positions = [world.call(payer, world.token(currency), "positionOf", payer).values for payer in payers]
    amounts = [position[1] for position in positions]
    return sum(amount for amount in amounts if isinstance(amount, int))
