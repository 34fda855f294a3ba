"""The page on issuing money, run: `python -m tests.wallet_cli.admin.issue_money` writes the output into the page."""

import re
import shlex
import tempfile
from pathlib import Path

from consensus.primitives.hashing import keccak256
from consensus.primitives.signatures import address_of_private_key
from contracts.addresses import PROTOCOL_CONFIG
from tests.wallet_cli.admin.world import FIRST_GOVERNOR, LedgerNode, call
from tests.wallet_cli.chain import BOB_KEY, Chain
from tests.wallet_cli.conftest import Wallet

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operators" / "issue-money.md"
KEYS = {name: keccak256(name.encode()) for name in ("governor", "treasury", "issuer", "auditor")} | {"bob": BOB_KEY}
_BLOCK = re.compile(r"```(text [\w.]+|console)\n(.*?)```\n", re.DOTALL)


def replay(page: str, folder: Path) -> str:
    """Return the page with what its commands print on a fresh network; files it shows are written to `folder`."""
    chain = Chain()
    governor = address_of_private_key(KEYS["governor"])
    call(chain, FIRST_GOVERNOR, PROTOCOL_CONFIG, "beginGovernorTransfer", governor)
    call(chain, governor, PROTOCOL_CONFIG, "acceptGovernorTransfer")
    chain.add_block()
    node = LedgerNode(chain)
    wallet = Wallet(folder, chain, node)
    try:
        assert wallet.init().exit_code == 0
        for name, key in KEYS.items():
            assert wallet.run("keys", "import", name, "--stdin", "--light-kdf", stdin=key.hex()).exit_code == 0
        return _BLOCK.sub(lambda found: _replay_block(found.group(1), found.group(2), wallet, folder), page)
    finally:
        node.close()


def _replay_block(kind: str, body: str, wallet: Wallet, folder: Path) -> str:
    if kind != "console":
        (folder / kind.removeprefix("text ")).write_text(body)
        return f"```{kind}\n{body}```\n"
    printed = []
    for command in re.findall(r"^\$ sycee (.*)$", body, re.MULTILINE):
        wallet.now_ms = wallet.chain.head.header.timestamp_ms + 2_000
        # Files stand in the reader's folder.
        words = [str(folder / word) if (folder / word).is_file() else word for word in shlex.split(command)]
        result = wallet.run(*words)
        output = result.output.replace(f"{folder}/", "")
        printed.append(f"$ sycee {command}\n{output}")
    return f"```console\n{''.join(printed)}```\n"


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(replay(PAGE.read_text(), Path(folder)))


if __name__ == "__main__":
    main()
