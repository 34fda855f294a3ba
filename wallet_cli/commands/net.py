"""`sycee net`: which networks and endpoints there are, and whether they answer and prove."""

from typing import Final

from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.client import RpcRefused, RpcSilent
from wallet_cli.home import list_networks, load_network
from wallet_cli.session import Session

_NETWORK: Final = (Need.NETWORK,)


@wallet_command("list", needs=(), examples=("sycee net list", "sycee net list --json"))
def list_all(session: Session) -> None:
    """List the networks this wallet knows, with their endpoints."""
    records, lines = [], []
    for name in list_networks(session.home):
        network = load_network(session.home, name)
        is_default = name == session.preferences.network
        records.append(
            {"name": name, "chainId": network.chain_id, "endpoints": list(network.endpoints), "default": is_default}
        )
        lines.append(f"{name:<16} chain {network.chain_id}" + ("  (default)" if is_default else ""))
        lines += [f"  {endpoint}" for endpoint in network.endpoints]
    session.output.result(records, "\n".join(lines) or "no networks yet: sycee init")


@wallet_command("health", needs=_NETWORK, examples=("sycee net health", "sycee net health --json"))
def health(session: Session) -> None:
    """Ask every endpoint for its head and say whether it answers and serves proofs. What they say is not verified."""
    records, lines = [], []
    for endpoint in session.client.endpoints:
        state, height = _state_of(session, endpoint)
        records.append({"endpoint": endpoint, "state": state, "height": height})
        lines.append(f"{endpoint:<40} {state}" + (f", height {height}" if height is not None else ""))
    session.output.result(records, "\n".join(lines))
    if not any(record["state"] != "silent" for record in records):
        raise session.client.unreachable()


def _state_of(session: Session, endpoint: str) -> tuple[str, int | None]:
    try:
        answer = session.client.call_at(endpoint, "sycee_getCertificate", "latest")
        return "proves", int(answer["height"]) if isinstance(answer["height"], int) else int(answer["height"], 16)
    except RpcSilent as error:
        session.client.mark_silent(error)
        return "silent", None
    except RpcRefused:
        return "answers without proofs", None
    except (KeyError, TypeError, ValueError):
        return "answers nonsense", None


net = WalletGroup(
    "net",
    table={
        "list": ("wallet_cli.commands.net:list_all", "networks and endpoints"),
        "health": ("wallet_cli.commands.net:health", "do the endpoints answer and prove"),
    },
    help="Networks and endpoints.",
)
