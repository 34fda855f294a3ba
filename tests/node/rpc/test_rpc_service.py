"""JSON-RPC as its operator configured it: TLS, and files that are read again when they change."""

import asyncio
import contextlib
import datetime
import io
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.config import RpcSection
from node.observe.logs import EventLog
from node.observe.metrics import Metrics
from node.rpc.key_file import InvalidKeyFile, make_key, render_keys
from node.rpc.tls import TlsFiles, TlsUnusable, load_tls, make_tls_context
from node.rpc_service import RpcService
from tests.node.rpc.fakes import small_chain

CALL = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'


def write_certificate(home: Path, *, common_name: str = "localhost") -> None:
    """Write cert.pem and key.pem, good for loopback and for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (home / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (home / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (home / "key.pem").chmod(0o600)


def files(home: Path) -> TlsFiles:
    return TlsFiles(home / "cert.pem", home / "key.pem")


@contextlib.asynccontextmanager
async def running(home: Path, log: io.StringIO, **settings: object) -> AsyncIterator[tuple[RpcService, int]]:
    config = RpcSection(port=0, keys_file="keys.toml", **settings)  # type: ignore[arg-type]  # each test its own
    events = EventLog((log,), level="info", format="text", now_ms=lambda: 0)
    service = RpcService(small_chain(), config, home, Metrics(), events)
    await service.start()
    try:
        yield service, service.ports[0]
    finally:
        await service.stop()


async def presented_name(port: int) -> str:
    """Return the name in the certificate a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    [attribute] = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attribute.value)


@pytest.mark.asyncio
async def test_https_and_wss_are_served_with_the_operators_certificate(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    async with (
        running(tmp_path, io.StringIO(), tls_cert="cert.pem", tls_key="key.pem") as (_, port),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session,
    ):
        url = f"https://localhost:{port}"
        async with session.post(url, data=CALL, headers={"Content-Type": "application/json"}) as response:
            assert (await response.json())["result"] == "0x5cee"
        async with session.ws_connect(url) as socket:
            await socket.send_bytes(CALL)
            assert (await socket.receive_json())["result"] == "0x5cee"
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await session.post(f"http://localhost:{port}", data=CALL)


@pytest.mark.asyncio
async def test_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not(tmp_path: Path) -> None:
    write_certificate(tmp_path, common_name="first")
    log = io.StringIO()
    async with running(tmp_path, log, tls_cert="cert.pem", tls_key="key.pem") as (service, port):
        assert await presented_name(port) == "first"
        write_certificate(tmp_path, common_name="second")
        await service.reload_changed()
        assert await presented_name(port) == "second"
        (tmp_path / "cert.pem").write_text("no certificate")
        await service.reload_changed()
        assert await presented_name(port) == "second"
        assert "rpc_reload_failed" in log.getvalue()


@pytest.mark.asyncio
async def test_keys_are_taken_up_and_revoked_without_a_restart(tmp_path: Path) -> None:
    secret, key = make_key("till")
    path, log = tmp_path / "keys.toml", io.StringIO()
    async with running(tmp_path, log) as (service, port), aiohttp.ClientSession() as session:

        async def status() -> int:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
            async with session.post(f"http://127.0.0.1:{port}", data=CALL, headers=headers) as response:
                return response.status

        assert await status() == 401
        path.write_text(render_keys([key]))
        await service.reload_changed()
        assert await status() == 200
        path.write_text("broken = ")
        await service.reload_changed()
        assert await status() == 200, "a file that cannot be used leaves what is in force"
        assert "rpc_reload_failed" in log.getvalue()
        path.unlink()
        await service.reload_changed()
        assert await status() == 401


@pytest.mark.asyncio
async def test_files_that_cannot_be_used_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text("broken = ")
    with pytest.raises(InvalidKeyFile):
        async with running(tmp_path, io.StringIO()):
            pass
    (tmp_path / "keys.toml").unlink()
    with pytest.raises(TlsUnusable, match="no such file"):
        async with running(tmp_path, io.StringIO(), tls_cert="cert.pem", tls_key="key.pem"):
            pass


def test_key_others_may_read_is_refused(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    load_tls(files(tmp_path), make_tls_context())
    (tmp_path / "key.pem").chmod(0o640)
    with pytest.raises(TlsUnusable, match="mode 640"):
        load_tls(files(tmp_path), make_tls_context())


def test_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    other = (tmp_path / "key.pem").read_bytes()
    write_certificate(tmp_path)
    (tmp_path / "key.pem").write_bytes(other)
    with pytest.raises(TlsUnusable, match="not a certificate with its unencrypted key"):
        load_tls(files(tmp_path), make_tls_context())
