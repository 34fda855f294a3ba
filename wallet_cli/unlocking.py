"""The one place where a command opens a key: for as long as it lasts, and no longer."""

from wallet_cli.keystore import Account
from wallet_cli.session import Session


def open_key(session: Session, account: Account) -> bytes:
    """Return the private key of an account, to be held for one command only. Raises: PasswordWrong, Declined."""
    from wallet_cli.signing import unlock

    with session.output.progress(f"opening the key of {account.name}"):
        return unlock(account, session.password_source())
