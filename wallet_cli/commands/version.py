"""`sycee version`."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

from wallet_cli.cli import wallet_command
from wallet_cli.output import SCHEMA
from wallet_cli.session import Session


@wallet_command("version", needs=(), examples=("sycee version", "sycee version --json"))
def version(session: Session) -> None:
    """Print the version of the wallet and of its JSON."""
    try:
        number = installed_version("sycee")
    except PackageNotFoundError:
        number = "unknown (not installed)"
    session.output.result({"version": number, "schema": SCHEMA}, f"sycee {number}, {SCHEMA}")
