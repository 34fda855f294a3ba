"""A council's action in words: every call decoded, so that a member knows what it approves. Asks nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from consensus.primitives.scalars import Address
from contracts.abi import AbiDecodeError, AbiValue
from contracts.addresses import BATCH, is_currency
from contracts.declarations import SELECTOR_BYTES, decoder_of
from contracts.decoding import decode_native_call
from wallet_cli.admin import kinds
from wallet_cli.admin.council_action import COUNCIL, Call, CouncilAction
from wallet_cli.admin.plans import Line
from wallet_cli.admin.scope import Scope
from wallet_cli.admin.words import value_words


@dataclass(frozen=True, slots=True)
class CallWords:
    """One call in words."""

    text: str
    is_understood: bool
    """False if this wallet cannot say all of what it does."""


def call_words(scope: Scope, council: Address, call: Call) -> CallWords:
    """Return a call in words: contract, function, every argument with its unit."""
    if call.to == council:
        return _own_call_words(scope, call)
    decoded = decode_native_call(call.to, call.data)
    if decoded is None:
        return _blind(call)
    currency = next((currency for currency in scope.currencies if currency.address == call.to), None)
    if call.to == BATCH:
        calls = decoded.arguments["calls"]
        assert not isinstance(calls, int | str | bytes)
        inner = [call_words(scope, council, _call(entry)) for entry in calls]
        return CallWords(f"all of: {'; '.join(each.text for each in inner)}", all(each.is_understood for each in inner))
    # Amounts of a currency this wallet does not know cannot be read: nobody knows where the point is.
    is_amount_known = currency is not None or not is_currency(call.to)
    name = decoded.contract
    if is_currency(call.to):
        name = f"{name} {currency.code if currency else kinds.account_text(scope, call.to)}"
    own = replace(scope, currency=currency)
    values = ", ".join(f"{key} {value_words(own, key, value)}" for key, value in decoded.arguments.items())
    return CallWords(f"{name} {decoded.name}: {values}" if values else f"{name} {decoded.name}", is_amount_known)


def action_lines(scope: Scope, action: CouncilAction) -> tuple[list[Line], bool]:
    """Return the action as a screen shows it, and whether this wallet understands all of it."""
    words = [call_words(scope, action.council, call) for call in action.calls]
    lines = [Line("council", kinds.account_text(scope, action.council))]
    if action.council not in scope.contracts.values() and not scope.session.name_of(action.council):
        lines.append(Line("warning", "this wallet has no name for this council: compare its address"))
    lines += [Line(f"call {number}", each.text) for number, each in enumerate(words)]
    lines += [
        Line("reference", kinds.MEMO.show(scope, action.memo)),
        Line("decided by", f"{action.threshold} of {len(action.members)} members"),
        Line("delay", kinds.duration_words(action.delay_s)),
        Line("expires", kinds.time_text(action.expires_at_s)),
        Line("proposal", "not proposed yet" if action.proposal is None else str(action.proposal.number)),
    ]
    return lines, all(each.is_understood for each in words)


def _own_call_words(scope: Scope, call: Call) -> CallWords:
    declared = next((item for item in COUNCIL.interface.functions if item.selector == call.data[:SELECTOR_BYTES]), None)
    if declared is None:
        return _blind(call)
    try:
        values = decoder_of(declared.parameters)(call.data, SELECTOR_BYTES)
    except AbiDecodeError:
        return _blind(call)
    words = ", ".join(
        f"{item.name} {value_words(scope, item.name, value)}"
        for item, value in zip(declared.parameters, values, strict=True)
    )
    return CallWords(f"the council's own {declared.name}: {words}", True)


def _blind(call: Call) -> CallWords:
    return CallWords(f"0x{call.to.hex()} with data 0x{call.data.hex()}", False)


def _call(entry: AbiValue) -> Call:
    assert isinstance(entry, Sequence)
    to, data = entry
    assert isinstance(to, bytes) and isinstance(data, bytes)
    return Call(Address(to), data)
