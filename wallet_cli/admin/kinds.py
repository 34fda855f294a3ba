"""Arguments of administrative commands: how people type each kind, and how it is shown again. Nothing is guessed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import ZERO_ADDRESS, AmountMinor
from contracts.abi import AbiValue
from contracts.native.accounts import MAY_DEPLOY, MAY_SEND, AccountStatus
from contracts.native.compliance import TIER_UNLIMITED, TIER_UNREGISTERED
from contracts.native.currency import SUPPLY_MAX
from contracts.native.policy_rules import POLICY_ADMIT_EVERYBODY, POLICY_REJECT_EVERYBODY, PolicyKind
from contracts.native.protocol_config import ACCOUNT_MODE_OPEN, ACCOUNT_MODE_REGISTERED, PARAMETER_BOUNDS
from contracts.native.redemptions import RedemptionStatus
from contracts.native.roles import ROLE_NAMES
from wallet_cli.addresses import checksum_address
from wallet_cli.admin.scope import Scope, resolve_account
from wallet_cli.amounts import Amount, format_amount, parse_amount
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import EMPTY_MEMO, encode_memo, memo_text
from wallet_cli.moments import duration_text, instant_text, parse_duration, parse_instant

DOCUMENT_BYTES_MAX: Final = 256 * 1024 * 1024
"""Longest document hashed: a scanned report is some megabytes; the whole is read into memory."""

NUMBER_MAX: Final = 2**64 - 1
"""Highest plain number typed: counts, ids and seconds are words of 64 bits at most."""

_NUMBER: Final = re.compile(r"[0-9][0-9_]{0,24}")
_QUANTITY_SUFFIXES: Final = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")

NONE: Final = "none"
OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value."""

    metavar: str
    """What stands for it in help."""
    form: str
    """How to type it, for help and refusals."""
    parse: Callable[[Scope, str], AbiValue]
    """Raises: UsageRefused."""
    show: Callable[[Scope, AbiValue], str]
    """On one line; total over every value the ledger can hold."""


def refused(text: str, form: str, *, why: str = "a word that could be read in two ways is never sent") -> UsageRefused:
    """Return the refusal of an argument, with the form to type."""
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return UsageRefused(f"{shown!r} is not {form}", why=why, next_step=f"type {form}", code="ARGUMENT_INVALID")


def _named(metavar: str, names: Mapping[str, int]) -> Kind:
    form = f"one of {', '.join(names)}"
    words = {number: name for name, number in names.items()}

    def parse(_scope: Scope, text: str) -> AbiValue:
        if text not in names:
            raise refused(text, form)
        return names[text]

    def show(_scope: Scope, value: AbiValue) -> str:
        assert isinstance(value, int)
        return words.get(value, str(value))

    return Kind(metavar, form, parse, show)


def _whole(value: AbiValue) -> int:
    assert isinstance(value, int)
    return value


def _octets(value: AbiValue) -> bytes:
    assert isinstance(value, bytes)
    return value


def parse_number(text: str, form: str = "a whole number") -> int:
    """Return a number below 2^64 typed with digits, underscores allowed. Raises: UsageRefused."""
    if not _NUMBER.fullmatch(text) or int(text) > NUMBER_MAX:
        raise refused(text, form)
    return int(text)


def account_text(scope: Scope, account: bytes) -> str:
    """Return this wallet's name for an account and its whole address."""
    if account == ZERO_ADDRESS:
        return "nobody"
    name = scope.session.name_of(account) or next((n for n, place in scope.contracts.items() if place == account), "")
    shown = checksum_address(account)
    return f"{name} {shown}" if name else shown


def time_text(seconds: int) -> str:
    """Return an instant, seconds since the Unix epoch; 0 is never."""
    return instant_text(seconds) if seconds else "never"


def duration_words(seconds: int) -> str:
    """Return a duration as it is typed; 0 is off."""
    return duration_text(seconds) if seconds else OFF


def parse_duration_or_off(text: str) -> int:
    """Return the seconds in `36h`; `off` is 0. Raises: UsageRefused."""
    seconds = 0 if text == OFF else parse_duration(text)
    if seconds is None:
        raise refused(text, "a duration such as 36h, 90min, 45s or 7d, or off")
    return seconds


def _parse_account(scope: Scope, text: str) -> AbiValue:
    return resolve_account(scope.session, scope.contracts, text)


ACCOUNT: Final = Kind(
    "ACCOUNT",
    "a contact, an own account, a named contract or an address",
    _parse_account,
    lambda scope, value: account_text(scope, _octets(value)),
)
ME: Final = "me"


def _parse_account_or_signer(scope: Scope, text: str) -> AbiValue:
    return scope.signer if text == ME else _parse_account(scope, text)


ACCOUNT_OR_ME: Final = Kind("ACCOUNT", f"an account, or {ME} for who signs", _parse_account_or_signer, ACCOUNT.show)


def _short_role(name: str) -> str:
    return "admin" if name == "DEFAULT_ADMIN_ROLE" else name.removesuffix("_ROLE").lower().replace("_", "-")


ROLES_BY_WORD: Final = {_short_role(name): role for name, role in ROLE_NAMES.items()}
"""`issuer` -> the role's 32 bytes, in the order the contract declares them."""
_WORDS_BY_ROLE: Final = {role: word for word, role in ROLES_BY_WORD.items()}
_ROLE_FORM: Final = f"one of {', '.join(ROLES_BY_WORD)}"


def _parse_role(_scope: Scope, text: str) -> AbiValue:
    found = ROLES_BY_WORD.get(text) or ROLE_NAMES.get(text)
    if found is None:
        raise refused(text, _ROLE_FORM)
    return found


def role_text(role: bytes) -> str:
    """Return the word for a role, or its hash if no function of a currency asks for it."""
    return _WORDS_BY_ROLE.get(role, f"0x{role.hex()}")


ROLE: Final = Kind("ROLE", _ROLE_FORM, _parse_role, lambda _scope, value: role_text(_octets(value)))


def _parse_money(scope: Scope, text: str) -> AbiValue:
    return int(parse_amount(text, [scope.own_currency]).units)


def money_text(scope: Scope, units: int) -> str:
    """Return minor units of the command's currency as `12.34 EUR`."""
    return format_amount(Amount(AmountMinor(units), scope.own_currency))


MONEY: Final = Kind(
    "AMOUNT", 'an amount such as "100.50 EUR"', _parse_money, lambda scope, value: money_text(scope, _whole(value))
)


def _money_or(absent: int) -> Kind:
    def parse(scope: Scope, text: str) -> AbiValue:
        return absent if text == NONE else _parse_money(scope, text)

    def show(scope: Scope, value: AbiValue) -> str:
        return NONE if value == absent else money_text(scope, _whole(value))

    return Kind("AMOUNT", f'an amount such as "100.50 EUR", or {NONE}', parse, show)


CAP: Final = _money_or(SUPPLY_MAX)
"""The supply cap; without one the ledger's own bound holds."""
LIMIT: Final = _money_or(0)
"""A tier's limit; 0 is no limit."""


def _memo_text(_scope: Scope, value: AbiValue) -> str:
    memo = _octets(value)
    return NONE if memo == EMPTY_MEMO else memo_text(memo)


MEMO: Final = Kind(
    "TEXT", "a reference of at most 32 bytes, public on the ledger", lambda _scope, text: encode_memo(text), _memo_text
)
TEXT: Final = Kind("TEXT", "a text", lambda _scope, text: text, lambda _scope, value: str(value))
NUMBER: Final = Kind(
    "NUMBER", "a whole number", lambda _scope, text: parse_number(text), lambda _scope, value: str(_whole(value))
)
DURATION: Final = Kind(
    "DURATION",
    "a duration such as 36h, 90min, 45s or 7d, or off",
    lambda _scope, text: parse_duration_or_off(text),
    lambda _scope, value: duration_words(_whole(value)),
)


def _parse_time(scope: Scope, text: str) -> AbiValue:
    if text == "now":
        # The newest final block's second; what is below a second is dropped, as the ledger drops it.
        return scope.ledger.head.final.header.timestamp_ms // 1_000
    return parse_instant(text, scope.session.settings.now_ms())


TIME: Final = Kind(
    "TIME",
    "a time in UTC such as 2026-11-23T14:00Z or 2026-11-23, or now",
    _parse_time,
    lambda _scope, value: time_text(_whole(value)),
)


def _parse_bic(_scope: Scope, text: str) -> AbiValue:
    if not _BIC.fullmatch(text):
        raise refused(text, "a BIC of 8 or 11 capitals and digits, such as BANKDEFF", why="ISO 9362 says what a BIC is")
    return text


BIC: Final = Kind("BIC", "a BIC of 8 or 11 characters", _parse_bic, TEXT.show)


def _parse_quantity(_scope: Scope, text: str) -> AbiValue:
    scale = _QUANTITY_SUFFIXES.get(text[-1:], 1)
    form = "a number such as 30M, 500k or 1_000_000"
    number = parse_number(text[:-1] if scale > 1 else text, form) * scale
    if number > NUMBER_MAX:
        raise refused(text, form)
    return number


def _quantity_text(_scope: Scope, value: AbiValue) -> str:
    return f"{_whole(value):,}".replace(",", " ")


GAS: Final = Kind("GAS", "gas, such as 30M, 500k or 1_000_000", _parse_quantity, _quantity_text)

_BUILT_IN: Final = {"nobody": POLICY_REJECT_EVERYBODY, "everybody": POLICY_ADMIT_EVERYBODY}


def policy_text(policy_id: int) -> str:
    """Return a policy's number, with what the built-in two do."""
    word = next((word for word, known in _BUILT_IN.items() if known == policy_id), "")
    return f"{policy_id} ({word})" if word else str(policy_id)


def _parse_policy(_scope: Scope, text: str) -> AbiValue:
    found = _BUILT_IN.get(text)
    return parse_number(text, "a policy's number, everybody or nobody") if found is None else found


POLICY: Final = Kind(
    "POLICY",
    "a policy's number, everybody or nobody",
    _parse_policy,
    lambda _scope, value: policy_text(_whole(value)),
)
POLICY_KIND: Final = _named(
    "KIND", {"allow": PolicyKind.ALLOW_LIST, "deny": PolicyKind.DENY_LIST, "compound": PolicyKind.COMPOUND}
)
ACCOUNT_MODE: Final = _named("MODE", {"open": ACCOUNT_MODE_OPEN, "registered": ACCOUNT_MODE_REGISTERED})
ACCOUNT_STATUS: Final = _named(
    "STATUS",
    {
        "not registered": 0,
        "active": AccountStatus.ACTIVE,
        "suspended by its bank": AccountStatus.SUSPENDED_BY_SPONSOR,
        "suspended by the governor": AccountStatus.SUSPENDED_BY_GOVERNOR,
    },
)
REDEMPTION_STATUS: Final = _named("STATUS", {status.name.lower(): int(status) for status in RedemptionStatus})

_TIER_WORDS: Final = {"institution": TIER_UNLIMITED, "unregistered": TIER_UNREGISTERED}


def tier_text(tier: int) -> str:
    """Return a tier's number, with what the first and the last are for."""
    word = next((word for word, known in _TIER_WORDS.items() if known == tier), "")
    return f"{tier} ({word})" if word else str(tier)


def _parse_tier(_scope: Scope, text: str) -> AbiValue:
    form = f"a tier, 0 to 255, or {' or '.join(_TIER_WORDS)}"
    found = _TIER_WORDS.get(text)
    number = parse_number(text, form) if found is None else found
    if number > TIER_UNREGISTERED:
        raise refused(text, form)
    return number


TIER: Final = Kind(
    "TIER", "a tier, 0 to 255; institution is 0", _parse_tier, lambda _scope, value: tier_text(_whole(value))
)

_PERMISSIONS: Final = {"send": MAY_SEND, "deploy": MAY_DEPLOY}


def _parse_permissions(_scope: Scope, text: str) -> AbiValue:
    words = [] if text == NONE else text.split(",")
    if any(word not in _PERMISSIONS for word in words) or len(set(words)) != len(words):
        raise refused(text, f"{', '.join(_PERMISSIONS)}, both with a comma between, or {NONE}")
    return sum(_PERMISSIONS[word] for word in words)


def permissions_text(permissions: int) -> str:
    """Return permissions as they are typed."""
    return ",".join(word for word, bit in _PERMISSIONS.items() if permissions & bit) or NONE


PERMISSIONS: Final = Kind(
    "PERMISSIONS",
    f"send, deploy, send,deploy or {NONE}",
    _parse_permissions,
    lambda _scope, value: permissions_text(_whole(value)),
)
YES_NO: Final = Kind(
    "YES|NO",
    "yes or no",
    lambda _scope, text: text == "yes",
    lambda _scope, value: "yes" if value else "no",
)


def _hash_document(_scope: Scope, text: str) -> AbiValue:
    try:
        with Path(text).open("rb") as stream:
            content = stream.read(DOCUMENT_BYTES_MAX + 1)
    except OSError as error:
        raise refused(text, "a document that can be read", why=error.strerror or "the file is not there") from error
    if len(content) > DOCUMENT_BYTES_MAX:
        raise refused(text, f"a document of at most {DOCUMENT_BYTES_MAX} bytes", why="it is longer")
    return bytes(sha256(content))


DOCUMENT: Final = Kind(
    "FILE",
    "a document; its SHA-256 goes on the ledger, as sha256sum prints it",
    _hash_document,
    lambda _scope, value: f"0x{_octets(value).hex()}" if any(_octets(value)) else NONE,
)


def _parse_parameter(_scope: Scope, text: str) -> AbiValue:
    if text not in PARAMETER_BOUNDS:
        raise refused(text, f"one of {', '.join(PARAMETER_BOUNDS)}")
    return text


PARAMETER: Final = Kind("NAME", "a parameter's name, as config show lists them", _parse_parameter, TEXT.show)
