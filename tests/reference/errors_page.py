"""errors.md: every reason a JSON-RPC client can hear."""

from node.rpc.error_table import ERROR_ROWS, INTERNAL_ERROR
from node.rpc.openrpc.document import error_meaning, error_members
from tests.reference.markdown import STAMP, code, codes, table

CODES = {
    -32700: "The request is not JSON",
    -32600: "JSON, but not a request this node takes",
    -32601: "No such method here",
    -32602: "Parameters",
    -32000: "What Ethereum nodes refuse, in the words clients match",
    -32001: "Absent, or not kept any more",
    -32002: "Not now: try again",
    -32003: "This network's rules",
    -32004: "Not offered by this node",
    -32005: "A limit",
    3: "A call reverted",
    4: "EIP-7966: not final in time, still pending",
    5: "EIP-7966: this node could not judge the transaction",
    6: "EIP-7966: a nonce is missing",
}
"""In the order of the page; codes of simulations, −38010 and below, share a section."""

SIMULATION_CODE_MAX = -38_000


def errors_page() -> str:
    """Return errors.md."""
    parts = ["# Errors\n", STAMP, HEAD]
    for number, title in CODES.items():
        parts += [f"## {number} {title}\n", _rows([error for error, row in ERROR_ROWS.items() if row.code == number])]
    simulated = sorted(
        (error for error, row in ERROR_ROWS.items() if row.code < SIMULATION_CODE_MAX),
        key=lambda error: -ERROR_ROWS[error].code,
    )
    parts += ["## −38010 to −38026 eth_simulateV1\n", _rows(simulated, with_code=True)]
    parts += [f"## {INTERNAL_ERROR} A bug of this node\n", BUG]
    return "\n".join(parts)


def listed_errors() -> set[type[Exception]]:
    """Return the errors that some section of the page has."""
    return {error for error, row in ERROR_ROWS.items() if row.code in CODES or row.code < SIMULATION_CODE_MAX}


def _rows(errors: list[type[Exception]], *, with_code: bool = False) -> str:
    rows = []
    for error in errors:
        row = ERROR_ROWS[error]
        members = error_members(error, row)
        reason = members.pop("reason", None)
        cells = [code(reason) if reason else "as named", error_meaning(error), codes(members)]
        rows.append([str(row.code), *cells] if with_code else cells)
    head = ["reason", "when", "beside it in `data`"]
    return table(["code", *head] if with_code else head, rows)


HEAD = """`error.data.reason` is one stable word; `error.message` says the same with its values, and what to do. Three
answers carry no such object: a revert (3), whose data is the revert data as the contract gave it; EIP-7966's 4,
5 and 6, whose data is a hash or a nonce; and `eth_call`, `eth_estimateGas` and `eth_createAccessList`, where
tools take any object for a revert, so that the reason ends the message in brackets.
"""

BUG = """`data.incident` is a word that the node's log has, too: report both to its operator.
"""
