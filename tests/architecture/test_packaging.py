"""The wheel holds our five packages and their data, and nothing else's names."""

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import consensus
import contracts
import network
import node
import wallet_cli

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("consensus", "contracts", "network", "node", "wallet_cli")


def test_each_package_is_the_one_of_this_repository() -> None:
    for package in (consensus, contracts, network, node, wallet_cli):
        assert package.__file__ is not None
        assert Path(package.__file__).is_relative_to(ROOT), f"{package.__name__} comes from {package.__file__}"


def test_no_other_distribution_claims_our_names() -> None:
    claimed = packages_distributions()
    for package in PACKAGES:
        assert set(claimed.get(package, ["sycee"])) == {"sycee"}, f"{package} is claimed by {claimed[package]}"


def test_wheel_holds_exactly_our_packages_and_their_data(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    assert "contracts/artifacts/Currency.json" in names
    assert "node/cli/data/interbank_payments_5000.csv" in names
    assert not [name for name in names if name.startswith("tests/") or name.endswith(".pyc")]
