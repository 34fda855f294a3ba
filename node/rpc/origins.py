"""Which web pages may use this node. A browser says whose page asks; programs say nothing and are not concerned.

A page that is not named is refused even where no browser would let it read the answer, so that neither a page nor a
name that was made to point at this machine reaches a node that listens to its own machine only.
"""

from collections.abc import Mapping

PREFLIGHT_SECONDS = 600
"""How long browsers may remember what they may send."""


def answer_headers(origin: str) -> dict[str, str]:
    """Return the headers that let a page of an allowed origin read an answer (Fetch standard, CORS)."""
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def preflight_headers(origin: str, asked: Mapping[str, str]) -> dict[str, str]:
    """Return the answer to a browser that asks what a page of an allowed origin may send."""
    headers = {
        **answer_headers(origin),
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
    if asked.get("Access-Control-Request-Private-Network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return headers
