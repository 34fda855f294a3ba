"""ABI JSON read back: our own declarations survive the way there and back, and nonsense is refused by name."""

import pytest

from contracts.abi_json import InvalidAbiJson, read_interface
from contracts.declarations import Json, declare_function, error_json, event_json, function_json
from contracts.loader import load
from contracts.native.directory import native_contracts

PAY: Json = function_json(declare_function("pay(address to, uint256 amount)", returns="bool done", mutates=True))


def test_every_native_declaration_survives_json() -> None:
    for contract in native_contracts():
        read = load(contract.name).interface
        assert read.events == tuple(contract.events)
        assert read.errors == tuple(contract.errors)
        assert read.functions == tuple(row.declaration for row in contract.functions.values())
        assert [event_json(event) for event in read.events] == [event_json(event) for event in contract.events]
        assert [error_json(error) for error in read.errors] == [error_json(error) for error in contract.errors]


def test_tuples_and_lists_of_tuples_become_types() -> None:
    leg: list[Json] = [{"name": "token", "type": "address"}, {"name": "amount", "type": "uint256"}]
    entry: Json = {
        "type": "function",
        "name": "settle",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "legs", "type": "tuple[]", "components": leg}],
        "outputs": [{"name": "", "type": "tuple", "components": leg}],
    }
    (function,) = read_interface([entry]).functions
    assert function.signature == "settle((address,uint256)[])"
    assert function.results[0].type.canonical == "(address,uint256)"
    assert function.mutates


def test_a_constructor_is_read_and_a_fallback_is_passed_over() -> None:
    constructor: Json = {"type": "constructor", "inputs": [{"name": "owners", "type": "address[]"}]}
    read = read_interface([constructor, {"type": "fallback"}, {"type": "receive"}])
    assert [parameter.name for parameter in read.constructor] == ["owners"]
    assert read.functions == ()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("pay", "entry: expected an object"),
        ({"type": "modifier"}, "modifier: is no kind of entry"),
        ({"type": "function", "name": "pay"}, "inputs: expected a list"),
        ({"type": "event", "inputs": []}, "name: expected text, found None"),
        ({"type": "error", "name": "E", "inputs": [{"name": "x", "type": "tuple"}]}, "components: expected a list"),
    ],
)
def test_what_describes_no_contract_is_refused(entry: Json, message: str) -> None:
    with pytest.raises(InvalidAbiJson, match=message):
        read_interface([entry])


def test_a_function_is_found_by_a_name_that_is_unique() -> None:
    interface = read_interface([PAY])
    assert interface.function("pay").name == "pay"
    with pytest.raises(InvalidAbiJson, match=r"names 0 functions; there are pay\(address,uint256\)"):
        interface.function("spend")
    with pytest.raises(InvalidAbiJson, match="names 2 functions"):
        read_interface([PAY, PAY]).function("pay")
