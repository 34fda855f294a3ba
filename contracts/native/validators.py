"""The ValidatorRegistry: who validates, who may join, and what was proven against whom."""

from typing import Final

from contracts.native import errors
from contracts.native.dispatch import build_contract
from contracts.native.validator_views import VIEWS

VALIDATOR_REGISTRY: Final = build_contract(
    "ValidatorRegistry", tables=(VIEWS,), errors_declared=(errors.INDEX_OUT_OF_RANGE,)
)
