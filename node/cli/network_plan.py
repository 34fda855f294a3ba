"""The shared genesis of a development or rehearsal network: names, currencies, opening balances, parameters, banks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consensus.chain.genesis import GenesisBank, GenesisCurrency, GenesisDocument, GenesisMinter, GenesisValidator
from consensus.primitives.scalars import TimestampMs
from contracts.native.protocol_config import PARAMETER_BOUNDS
from node.cli.errors import UsageError
from node.dev_accounts import GOVERNOR, ISSUER, PEOPLE, DevAccount, derived_account

DEVNET_CHAIN_ID = 23790
VALIDATORS_MAX = 24
"""One name per Greek letter; on one machine more processes than that say nothing new."""
NAMES = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)
OPENING_UNITS = 1_000_000
"""Whole units of each currency that alice, bob and carol start with."""
MINT_ALLOWANCE_MINOR = 10**24
"""What the development issuer may create of each currency: a million of the largest payments a file may hold."""

BANK_QUOTA_GAS = 30_000_000_000
"""Gas a minute of a development bank: a block of the usual size each second, which one machine does not reach."""
UNSPONSORED_PARAMETER = "unsponsored_gas_per_minute"
PARAMETERS = {UNSPONSORED_PARAMETER: PARAMETER_BOUNDS[UNSPONSORED_PARAMETER][1]}
"""What differs from the defaults: a developer's own accounts have no sponsor and are not to meet a quota."""


@dataclass(frozen=True, slots=True)
class CurrencyPlan:
    """A currency of a development network."""

    code: str
    name: str
    decimals: int


CURRENCIES = (
    CurrencyPlan("CNY", "Renminbi", 2),
    CurrencyPlan("EUR", "Euro", 2),
    CurrencyPlan("JPY", "Yen", 0),
)
"""In the order of their ids, from 1."""


class TooManyValidators(UsageError):
    """A number of validators that cannot be named."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(f"--validators {count} is not between 1 and {VALIDATORS_MAX}")


def validator_names(count: int) -> tuple[str, ...]:
    """Return the names of `count` validators.

    Raises: TooManyValidators.
    """
    if not 1 <= count <= VALIDATORS_MAX:
        raise TooManyValidators(count)
    return NAMES[:count]


def operator_account(name: str) -> DevAccount:
    """Return the account that stands for the bank behind the validator `name`."""
    return derived_account(f"operator/{name}")


def plan_genesis(
    validators: Sequence[GenesisValidator],
    *,
    network_name: str,
    chain_id: int,
    timestamp_ms: TimestampMs,
    parameters: Mapping[str, int],
) -> GenesisDocument:
    """Return the genesis of a network with the development accounts and currencies."""
    return GenesisDocument(
        chain_id=chain_id,
        name=network_name,
        timestamp_ms=timestamp_ms,
        governor=GOVERNOR.address,
        parameters=tuple(sorted({**PARAMETERS, **parameters}.items())),
        validators=tuple(validators),
        currencies=tuple(_currency(plan) for plan in CURRENCIES),
        banks=tuple(_bank(validator, is_first=place == 0) for place, validator in enumerate(validators)),
    )


def _bank(validator: GenesisValidator, *, is_first: bool) -> GenesisBank:
    """Return the bank behind a validator; the first one sponsors the development accounts."""
    customers = (*PEOPLE, ISSUER) if is_first else ()
    return GenesisBank(
        address=validator.operator,
        name=f"Bank {validator.name.capitalize()}",
        # ZZ is no country, and a 0 at the end marks a code for tests.
        bic=f"{validator.name[:4].upper():X<4}ZZX0",
        quota_gas_per_minute=BANK_QUOTA_GAS,
        accounts=tuple(sorted((account.address, 0) for account in customers)),
    )


def _currency(plan: CurrencyPlan) -> GenesisCurrency:
    opening_minor = OPENING_UNITS * 10**plan.decimals
    return GenesisCurrency(
        code=plan.code,
        name=plan.name,
        decimals=plan.decimals,
        admin=GOVERNOR.address,
        supply_cap_minor=0,
        minters=(GenesisMinter(ISSUER.address, MINT_ALLOWANCE_MINOR),),
        balances=tuple(sorted((account.address, opening_minor) for account in PEOPLE)),
    )
