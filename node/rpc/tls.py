"""TLS of the JSON-RPC door: the operator's certificate and key, checked before anybody connects."""

import ssl
from dataclasses import dataclass
from pathlib import Path


class TlsUnusable(Exception):
    """Certificate and key cannot be served."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"cannot serve TLS with {path}: {reason}; see [rpc] tls_cert and tls_key")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the operator keeps them."""

    certificate: Path
    """PEM: the certificate, then those that lead to its root."""
    key: Path
    """PEM, not encrypted, for its owner alone."""


def make_tls_context() -> ssl.SSLContext:
    """Return a context without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def load_tls(files: TlsFiles, into: ssl.SSLContext) -> None:
    """Serve these files from the next connection on.

    Raises: TlsUnusable, and leaves `into` as it was.
    """
    for path in (files.certificate, files.key):
        if not path.is_file():
            raise TlsUnusable(path, "no such file")
    mode = files.key.stat().st_mode & 0o777
    if mode & 0o077:
        raise TlsUnusable(files.key, f"others may read the key (mode {mode:o}): chmod 600 it")
    # Tried on a context of its own first: a failure half-way would leave a certificate without its key.
    for context in (make_tls_context(), into):
        try:
            # Without a password an encrypted key would be asked for on the terminal.
            context.load_cert_chain(files.certificate, files.key, password=lambda: b"")
        except (ssl.SSLError, OSError) as error:
            raise TlsUnusable(files.certificate, f"not a certificate with its unencrypted key: {error}") from error
