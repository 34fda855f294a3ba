"""Values of errors and events in words: a role by name, money with its currency, times as dates.

The name a contract gives a value says what it is; nothing here decides anything.
"""

from collections.abc import Mapping
from typing import Final

from contracts.abi import AbiValue
from wallet_cli.admin import kinds
from wallet_cli.admin.kinds import Kind
from wallet_cli.admin.scope import Scope

_MONEY_NAMES: Final = (
    "amount", "value", "needed", "allowance", "cap", "lowest", "highest", "supply", "reserves", "balance", "unfrozen",
    "limit", "used",
)  # fmt: skip
_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(_MONEY_NAMES, kinds.MONEY),
    **dict.fromkeys(("perTransferMax", "dailyOutMax", "dailyInMax", "balanceMax"), kinds.LIMIT),
    **dict.fromkeys(("role", "neededRole"), kinds.ROLE),
    **dict.fromkeys(("asOf", "latest", "requestedAt", "registeredAt", "expiresAt", "now", "validUntil"), kinds.TIME),
    **dict.fromkeys(("memo", "reason"), kinds.MEMO),
    **dict.fromkeys(("policyId", "senderPolicyId", "recipientPolicyId", "mintRecipientPolicyId"), kinds.POLICY),
    **dict.fromkeys(("permissions", "previousPermissions"), kinds.PERMISSIONS),
    **dict.fromkeys(("tier", "previousTier"), kinds.TIER),
    **dict.fromkeys(("mode", "previousMode"), kinds.ACCOUNT_MODE),
    "maxAge": kinds.DURATION,
    "quotaGasPerMinute": kinds.GAS,
}
_ADDRESS_BYTES: Final = 20
_WORD_BYTES: Final = 32


def value_words(scope: Scope, name: str, value: AbiValue) -> str:
    """Return a value of an error or an event on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    kind = _KINDS.get(name)
    if isinstance(value, int):
        if kind is None or (kind in (kinds.MONEY, kinds.LIMIT) and scope.currency is None):
            return str(value)
        return kind.show(scope, value)
    if isinstance(value, bytes):
        if len(value) == _ADDRESS_BYTES:
            return kinds.account_text(scope, value)
        if kind in (kinds.ROLE, kinds.MEMO) and len(value) == _WORD_BYTES:
            return kind.show(scope, value)
        return f"0x{value.hex()}"
    if isinstance(value, str):
        return value
    return ", ".join(value_words(scope, name, part) for part in value)


def named_words(scope: Scope, name: str, arguments: Mapping[str, AbiValue]) -> str:
    """Return `Name: key value, key value`; only the name if there are no values."""
    values = ", ".join(f"{_spaced(key)} {value_words(scope, key, value)}" for key, value in arguments.items())
    return f"{name}: {values}" if values else name


def _spaced(name: str) -> str:
    """Return `neededRole` as `needed role`."""
    return "".join(f" {mark.lower()}" if mark.isupper() else mark for mark in name)
