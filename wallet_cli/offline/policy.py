"""How much this wallet locks, pays and accepts offline: policy.toml, or the defaults. Source: offline.md §14."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from consensus.primitives.scalars import Address
from wallet_cli.amounts import Amount, Currency, format_units, parse_amount
from wallet_cli.errors import PolicyRefused, UsageRefused
from wallet_cli.files import make_private_folder, write_private
from wallet_cli.home import Home, load_toml
from wallet_cli.moments import duration_text, parse_duration
from wallet_cli.offline.acceptance import CurrencyLimits, TillPolicy

_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S

DURATIONS: Final = {
    "invoice_valid": 600,
    "lock_for": 7 * _DAY_S,
    "lock_grace": 7 * _DAY_S,
    "purse_for": 72 * _HOUR_S,
    "purse_grace": 7 * _DAY_S,
    "card_for": 365 * _DAY_S,
    "claim_window_min": 72 * _HOUR_S,
    "anchor_fresh": 3 * _DAY_S,
    "trust_period": 14 * _DAY_S,
    "purse_certificate_age_max": 72 * _HOUR_S,
}
"""Seconds, by key: how long an invoice, a lock, a purse and a card are good; what a till asks for."""

AMOUNTS: Final = {
    "lock_max": 5_000_00,
    "purse_value_max": 200_00,
    "purse_per_payee": 20_00,
    "purse_exposure_max": 200_00,
    "stale_first_contact_lock_max": 200_00,
    "stale_first_contact_purse_max": 50_00,
    "confirm_over": 1_000_00,
}
"""Minor units of a currency with at most two decimals; more decimals keep the major amount."""

RECEIPTS_KEY: Final = "purse_receipts_max"
RECEIPTS_DEFAULT: Final = 25

_DECIMALS_OF_DEFAULTS: Final = 2
_COUNT: Final = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class OfflinePolicy:
    """What policy.toml says, and the defaults for what it does not say."""

    durations: Mapping[str, int] = field(default_factory=dict)
    """Seconds by key; only what was set."""
    receipts_max: int = RECEIPTS_DEFAULT
    amounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By currency code and key, as people type amounts; only what was set."""

    def duration_s(self, key: str) -> int:
        """Return the seconds of a key of DURATIONS."""
        return self.durations.get(key, DURATIONS[key])

    def amount(self, key: str, currency: Currency) -> Amount:
        """Return the amount of a key of AMOUNTS. Raises: UsageRefused if the file has no amount there."""
        text = self.amounts.get(currency.code, {}).get(key)
        if text is not None:
            return parse_amount(text, [currency], code=currency.code)
        scale = 10 ** max(0, currency.decimals - _DECIMALS_OF_DEFAULTS)
        return parse_amount(format_units(AMOUNTS[key] * scale, currency.decimals), [currency], code=currency.code)

    def till_policy(self) -> TillPolicy:
        """Return what a till asks for in every currency."""
        return TillPolicy(
            trust_period_s=self.duration_s("trust_period"),
            anchor_fresh_s=self.duration_s("anchor_fresh"),
            claim_window_min_s=self.duration_s("claim_window_min"),
            purse_certificate_age_s_max=self.duration_s("purse_certificate_age_max"),
            purse_receipts_max=self.receipts_max,
        )

    def limits(self, currencies: Sequence[Currency]) -> dict[Address, CurrencyLimits]:
        """Return a till's limits by currency. Raises: UsageRefused."""
        return {
            currency.address: CurrencyLimits(
                stale_first_contact_lock_max=self.amount("stale_first_contact_lock_max", currency).units,
                stale_first_contact_purse_max=self.amount("stale_first_contact_purse_max", currency).units,
                purse_exposure_max=self.amount("purse_exposure_max", currency).units,
            )
            for currency in currencies
        }


def load_policy(home: Home) -> OfflinePolicy:
    """Return policy.toml, or the defaults if there is none. Raises: UsageRefused naming a wrong key or value."""
    try:
        content = load_toml(home.policy_file)
    except FileNotFoundError:
        return OfflinePolicy()
    policy = OfflinePolicy()
    for key, value in content.items():
        if isinstance(value, dict):
            amounts = {str(name): str(text) for name, text in value.items()}
            unknown = amounts.keys() - AMOUNTS.keys()
            if unknown:
                raise _unknown(", ".join(sorted(unknown)))
            policy = replace(policy, amounts={**policy.amounts, key: amounts})
        else:
            policy = _with(policy, key, str(value))
    return policy


def set_policy(home: Home, key: str, text: str, currencies: Sequence[Currency]) -> OfflinePolicy:
    """Write one limit and return the policy: `lock_for 14d`, `lock_max "500.00 EUR"`. Raises: UsageRefused."""
    policy = load_policy(home)
    if key in AMOUNTS:
        money = parse_amount(text, currencies)
        code = money.currency.code
        shown = format_units(money.units, money.currency.decimals)
        amounts = {**policy.amounts.get(code, {}), key: shown}
        policy = replace(policy, amounts={**policy.amounts, code: amounts})
    else:
        policy = _with(policy, key, text)
    _save(home, policy)
    return policy


def require_within(policy: OfflinePolicy, key: str, money: Amount) -> None:
    """Check an amount against a limit. Raises: PolicyRefused."""
    limit = policy.amount(key, money.currency)
    if money.units > limit.units:
        code = money.currency.code
        shown, most = (format_units(units, money.currency.decimals) for units in (money.units, limit.units))
        raise PolicyRefused(
            f"{shown} {code} is above this wallet's {key} of {most} {code}",
            why="what is offline can be lost with the device, or is bound until its claim window ends",
            next_step=f'type less, or: sycee offline policy set {key} "{shown} {code}"',
            code="LIMIT",
        )


def _with(policy: OfflinePolicy, key: str, text: str) -> OfflinePolicy:
    if key == RECEIPTS_KEY:
        if _COUNT.fullmatch(text) is None:
            raise _bad_value(key, text, "a count like 25")
        return replace(policy, receipts_max=int(text))
    if key not in DURATIONS:
        raise _unknown(key)
    seconds = parse_duration(text)
    if seconds is None:
        raise _bad_value(key, text, "a duration like 10min, 72h or 7d")
    return replace(policy, durations={**policy.durations, key: seconds})


def _save(home: Home, policy: OfflinePolicy) -> None:
    lines = [f'{key} = "{duration_text(seconds)}"' for key, seconds in sorted(policy.durations.items())]
    if policy.receipts_max != RECEIPTS_DEFAULT:
        lines.append(f"{RECEIPTS_KEY} = {policy.receipts_max}")
    for code, amounts in sorted(policy.amounts.items()):
        lines += ["", f'["{code}"]', *(f'{key} = "{text}"' for key, text in sorted(amounts.items()))]
    make_private_folder(home.config)
    write_private(home.policy_file, ("\n".join(lines) + "\n").encode())


def _bad_value(key: str, text: str, form: str) -> UsageRefused:
    return UsageRefused(
        f"{text!r} is no value of {key}",
        why=f"it is {form}",
        next_step="sycee offline policy show",
        code="POLICY_INVALID",
    )


def _unknown(key: str) -> UsageRefused:
    return UsageRefused(
        f"there is no limit called {key!r}",
        why=f"limits are {', '.join([*AMOUNTS, *DURATIONS, RECEIPTS_KEY])}",
        next_step="sycee offline policy show",
        code="POLICY_UNKNOWN",
    )
