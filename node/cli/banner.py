"""What a person sees when a development network is ready: only what they need next."""

from node.cli.devnet_network import Devnet, describe_path, shown_program
from node.cli.network_plan import CURRENCIES, operator_account
from node.cli.predeploys import predeploys
from node.dev_accounts import NAMED, PEOPLE, checksum_address
from node.observe.build_info import build_facts, describe_build

COLUMN_WIDTH = 43


def render_banner(devnet: Devnet, *, keeps_state: bool) -> str:
    """Return the banner, without a final newline; `keeps_state` tells whether the folder outlives the command."""
    folder = devnet.folder
    validators = folder.validators
    count = len(validators)
    # n - f with f = (n - 1) // 3: the faults a network of n survives, rounded down.
    quorum = count - (count - 1) // 3
    names = "  ".join(
        f"{entry.name} {checksum_address(operator_account(entry.name).address)[:6]}…" for entry in validators
    )
    currencies = "  ".join(f"{plan.code} {plan.decimals}" for plan in CURRENCIES)
    people = " ".join(account.name for account in PEOPLE)
    wallet = describe_path(folder.wallet.folder)
    first = validators[0]
    how = "final" if devnet.height_ready <= 1 else "final again"
    rows = [
        (f"Sycee {describe_build(build_facts())}", f'chain {folder.genesis.chain_id} "{folder.genesis.name}"', ""),
        ("validators", f"{count}, quorum {quorum}", names),
        ("currencies", currencies, f"accounts  {people} (funded)   keys {wallet}"),
        ("contracts", "SettlementEngine Escrow FxDesk …", f"all {len(predeploys())}  sycee contract list"),
        ("rpc", first.rpc_url, f"status    {first.ops_url}/status"),
        ("programs", f"everything in {describe_path(folder.facts_file)}", ""),
        ("try", f'{shown_program("sycee")} --home {wallet} send bob "12.34 EUR" --from alice', ""),
    ]
    lines = [_head(rows[0][0], f"{rows[0][1]}   genesis {devnet.genesis_hash[:6]}…")]
    lines += [f"{label:<12}{left:<{COLUMN_WIDTH - 12}} {right}".rstrip() for label, left, right in rows[1:]]
    ready = f"Ready: height {devnet.height_ready} {how} in {devnet.ready_after_s:.1f} s"
    stays = f"; state stays in {describe_path(folder.folder)}" if keeps_state else ""
    lines.append(_head(ready, f"Ctrl-C stops{stays}"))
    return "\n".join(lines)


def render_keys() -> str:
    """Return the development accounts with their private keys, for `--show-dev-keys`."""
    lines = ["development accounts; everybody knows these keys, never give them anything of value"]
    for account in NAMED:
        lines.append(f"  {account.name:<9} {checksum_address(account.address)}  0x{account.private_key.hex()}")
    return "\n".join(lines)


def _head(left: str, right: str) -> str:
    return f"{left:<{COLUMN_WIDTH}} {right}"
