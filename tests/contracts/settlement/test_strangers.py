"""Whatever a stranger calls, with whatever values: who has only given allowances loses nothing.

The calls are well-formed, and their values are those that occur: parties, tokens, the contract itself, numbers of
deals, instants around now. The stranger has a little money, so that it can begin deals of its own.
"""

from contextlib import suppress
from functools import cache
from operator import ge
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.abi import AbiType, AbiValue
from contracts.declarations import FunctionDeclaration
from contracts.loader import artifact_names, load
from tests.contracts.settlement.tokens import HOLDERS, approve, deploy_token, prepare_bank, wealth
from tests.contracts.settlement.world import (
    ALICE,
    BOB,
    CAROL,
    CHF,
    CNY,
    DAVE,
    ERIN,
    EUR,
    Contract,
    Reverted,
    World,
    new_world,
)

CALLS = 100
CURRENCIES = (EUR, CNY, CHF)
DEPLOYABLE = [name for name in artifact_names() if load(name).init_code]


@cache
def beginning(name: str) -> tuple[World, Contract, Contract]:
    """Return a world in which everybody lets a contract move everything, the contract, and a token."""
    world = new_world()
    token = deploy_token(world, [*HOLDERS, ERIN])
    arguments: dict[str, tuple[AbiValue, ...]] = {
        "Council": (tuple(sorted((ALICE, BOB))), 2, 0),
        "InterbankTransfer": (EUR,),
        "BondToken": ("Bond", "B", EUR, ALICE, DAVE, 1_000, 100, world.now_s + 1),
    }
    contract = world.deploy(load(name), *arguments.get(name, ()))
    for each in (token, *map(world.token, CURRENCIES)):
        approve(world, each, contract, [*HOLDERS, ERIN])
    if name == "InterbankTransfer":
        for bank, deposit in ((ALICE, CNY), (BOB, CHF)):
            prepare_bank(world, contract, bank, deposit)
            world.call(bank, contract, "join", deposit, 1_000)
    world.call(ALICE, world.token(EUR), "transfer", ERIN, 50_000)
    return world.freeze(), contract, token


class Caller:
    """Makes calls out of one seed."""

    def __init__(self, seed: int, world: World, contract: Contract, token: Contract) -> None:
        self.random = Random(seed)
        self.world = world
        likely = (ALICE, ALICE, BOB, BOB, CAROL, ERIN, ERIN, ERIN)
        self.addresses = (*likely, DAVE, ZERO_ADDRESS, EUR, CNY, token.address, contract.address)
        self.tokens = (token.address, token.address, EUR, EUR, ERIN)

    def number(self, bits: int) -> int:
        """Return a choice, an instant or duration, an amount or the number of a deal, or an end of the range."""
        now_s = self.world.now_s
        numbers = {
            8: (1, 1, 2, 0, 255),
            16: (1, 2, 15, 0, 2**16 - 1),
            64: (now_s, now_s + 50, now_s + 50, 1_000, 0, 2**64 - 1),
            128: (100, 100, 1_000, 0, 2**128 - 1),
            256: (1, 1, 2, 2, 3, 100, 100, 0, 2**256 - 1),
        }
        return self.random.choice(numbers[bits])

    def value(self, name: str, kind: AbiType) -> AbiValue:
        """Return a value of a type; `name` is that of the argument."""
        chosen: AbiValue
        match kind.kind:
            case "address":
                chosen = self.random.choice(self.tokens if name in ("token", "deposit") else self.addresses)
            case "bool":
                chosen = self.random.choice((True, False))
            case "uint":
                assert kind.size is not None
                chosen = self.number(kind.size)
            case "fixed":
                assert kind.size is not None
                chosen = self.random.choice((bytes(kind.size), self.random.randbytes(kind.size)))
            case "bytes":
                chosen = self.random.choice((b"", self.random.randbytes(65)))
            case "array":
                lengths = (0, 0, 1) if name == "consents" else (1, 1, 1, 2, 0)
                length = self.random.choice(lengths) if kind.size is None else kind.size
                chosen = [self.value(name, kind.members[0]) for _ in range(length)]
            case _:
                # What a leg begins with is its token.
                names = ["token" if name == "legs" else name, *[name] * len(kind.members)]
                chosen = [self.value(each, member) for each, member in zip(names, kind.members)]
        return chosen

    def values(self, function: FunctionDeclaration) -> list[AbiValue]:
        """Return values for all arguments of a function."""
        return [self.value(parameter.name, parameter.type) for parameter in function.parameters]


@pytest.mark.parametrize("name", DEPLOYABLE)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_a_stranger_moves_nobody_s_money(name: str, seed: int) -> None:
    frozen, contract, token = beginning(name)
    world = frozen.copy()
    caller = Caller(seed, world, contract, token)
    functions = [function for function in contract.interface.functions if function.mutates]
    tokens = (token, *map(world.token, CURRENCIES))
    before = [wealth(world, each, HOLDERS) for each in tokens]
    for _ in range(CALLS):
        function = caller.random.choice(functions)
        with suppress(Reverted):
            world.call(ERIN, contract, function.name, *caller.values(function))
        world.advance(caller.random.choice((0, 0, 1, 60)))
    after = [wealth(world, each, HOLDERS) for each in tokens]
    for row, (old, new) in enumerate(zip(before, after)):
        assert all(map(ge, new, old)), f"{tokens[row].name}: {old} became {new}"
