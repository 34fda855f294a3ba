"""`sycee trust`: what this wallet believes, and why."""

from wallet_cli.cli import WalletGroup, wallet_command
from wallet_cli.session import Session


@wallet_command("show", needs=(), examples=("sycee trust show", "sycee trust show --json"))
def show(session: Session) -> None:
    """Show the trust root, the highest header verified, and any evidence of validators that signed twice."""
    network, stored = session.network, session.trust_store.load_anchor()
    conflicts = session.trust_store.load_conflicts()
    lines = [
        f"network {network.name}, chain {network.chain_id}",
        f"  genesis document  0x{network.document_hash.hex()}",
    ]
    record: dict[str, object] = {
        "network": network.name,
        "chainId": network.chain_id,
        "documentHash": "0x" + network.document_hash.hex(),
        "highest": None,
        "conflicts": [{"height": height, "hash": "0x" + block.hex()} for height, block, _ in conflicts],
    }
    if stored is None:
        lines.append("  highest verified  none yet")
    else:
        record["highest"] = {
            "epoch": stored.epoch,
            "height": stored.height,
            "hash": "0x" + stored.hash.hex(),
            "timestampMs": stored.refreshed_ms,
        }
        lines.append(f"  highest verified  epoch {stored.epoch}, height {stored.height}, 0x{stored.hash.hex()}")
    lines += [f"  TWICE FINAL       height {height}: 0x{block.hex()}" for height, block, _ in conflicts]
    session.output.result(record, "\n".join(lines))


trust = WalletGroup(
    "trust",
    table={"show": ("wallet_cli.commands.trust:show", "trust root, highest header, conflicts")},
    help="What this wallet believes, and why.",
)
