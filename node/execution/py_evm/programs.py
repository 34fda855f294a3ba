"""Which program belongs to which code: the cache."""

from functools import lru_cache

from node.execution.engine import EvmRules
from node.execution.py_evm.operations import operations_of
from node.execution.py_evm.program import PROGRAMS_KEPT, Program


@lru_cache(maxsize=PROGRAMS_KEPT)
def program_of(code: bytes, rules: EvmRules, *, is_stepwise: bool) -> Program:
    """Return the program of a contract's code. Threads share it: what one adds, another would add alike."""
    return Program(code, operations_of(rules), is_stepwise=is_stepwise)


def creation_program(code: bytes, rules: EvmRules, *, is_stepwise: bool) -> Program:
    """Return the program of init code, which is seldom run twice."""
    return Program(code, operations_of(rules), is_stepwise=is_stepwise)
