"""The ValidatorRegistry: who validates, who may join, and what was proven against whom. Put together from its parts."""

from typing import Final

from contracts.native import errors
from contracts.native.dispatch import build_contract
from contracts.native.validator_council import COUNCIL, COUNCIL_EVENTS
from contracts.native.validator_evidence import EVIDENCE, EVIDENCE_ACCEPTED
from contracts.native.validator_requests import REQUEST_EVENTS, REQUESTS
from contracts.native.validator_views import VIEWS

VALIDATOR_REGISTRY: Final = build_contract(
    "ValidatorRegistry",
    tables=(VIEWS, REQUESTS, COUNCIL, EVIDENCE),
    events=(*REQUEST_EVENTS, *COUNCIL_EVENTS, EVIDENCE_ACCEPTED),
    errors_declared=errors.VALIDATOR_ERRORS,
)
