"""Who is let in: keys, their file, and everybody who has none."""

from pathlib import Path

import pytest

from node.rpc.access import ADDRESSES_REMEMBERED_MAX, ANYBODY, Access
from node.rpc.errors import RateExceeded, Unauthorized
from node.rpc.key_file import InvalidKeyFile, digest_of, make_key, read_keys, render_keys
from tests.node.rpc.clock import Microseconds


def test_key_admits_its_client_with_its_namespaces() -> None:
    secret, key = make_key("till-7", namespaces=("eth", "sycee"))
    client = Access([key]).admit(secret, "192.0.2.1")
    assert client.name == "till-7"
    assert client.namespaces == frozenset({"eth", "sycee"})
    assert client.rate is None


@pytest.mark.parametrize("spoil", [lambda secret: secret[:-1], lambda secret: secret + "A", lambda _secret: ""])
def test_unknown_key_is_refused_and_never_taken_for_nobody(spoil: object) -> None:
    secret, key = make_key("till-7")
    assert callable(spoil)
    with pytest.raises(Unauthorized):
        Access([key]).admit(spoil(secret), "192.0.2.1")


def test_without_a_key_everybody_is_admitted_unless_one_is_required() -> None:
    assert Access().admit(None, "192.0.2.1") is ANYBODY
    with pytest.raises(Unauthorized, match="Authorization: Bearer"):
        Access(is_key_required=True).admit(None, "192.0.2.1")


def test_addresses_without_a_key_are_limited_one_by_one() -> None:
    access = Access(anonymous_per_s=1, now_us=Microseconds())
    first, second = access.admit(None, "192.0.2.1"), access.admit(None, "192.0.2.2")
    assert access.admit(None, "192.0.2.1") is first
    assert first.rate is not None
    assert second.rate is not None
    first.rate.take("eth_chainId")
    first.rate.take("eth_chainId")
    with pytest.raises(RateExceeded):
        first.rate.take("eth_chainId")
    second.rate.take("eth_chainId")


def test_addresses_remembered_are_bounded() -> None:
    access = Access(anonymous_per_s=1)
    first = access.admit(None, "first")
    for number in range(ADDRESSES_REMEMBERED_MAX):
        access.admit(None, str(number))
    assert access.admit(None, "first") is not first


def test_key_that_stays_keeps_what_it_used_and_one_that_goes_is_unknown() -> None:
    kept_secret, kept = make_key("kept", requests_per_s=1)
    gone_secret, gone = make_key("gone")
    access = Access([kept, gone])
    client, other = access.admit(kept_secret, ""), access.admit(gone_secret, "")
    access.replace_keys([kept])
    assert access.admit(kept_secret, "") is client
    assert access.is_known(client)
    assert not access.is_known(other)
    assert access.is_known(ANYBODY)
    with pytest.raises(Unauthorized):
        access.admit(gone_secret, "")


def test_secret_is_not_in_the_file(tmp_path: Path) -> None:
    secret, key = make_key("till-7", requests_per_s=50, namespaces=("eth",))
    path = tmp_path / "rpc-keys.toml"
    path.write_text(render_keys([key]))
    assert secret not in path.read_text()
    assert read_keys(path) == (key,)
    assert key.digest == digest_of(secret)
    assert key.burst == 100


def test_file_that_is_not_there_has_no_keys(tmp_path: Path) -> None:
    assert read_keys(tmp_path / "none.toml") == ()


DIGEST = "00" * 32


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("x = [", "Invalid"),
        ("x = 1", "nothing else"),
        ("key = 1", "nothing else"),
        ("a = " + "[" * 5_000, "."),
        ("[[key]]\n", "name is None"),
        (f'[[key]]\nname = "A"\nsha256 = "{DIGEST}"', "name is 'A'"),
        ('[[key]]\nname = "a"\nsha256 = "00"', "64 hex digits"),
        (f'[[key]]\nname = "a"\nsha256 = "{DIGEST}"\nrequests_per_s = -1', "requests_per_s is -1"),
        (f'[[key]]\nname = "a"\nsha256 = "{DIGEST}"\nrequests_per_s = true', "requests_per_s is True"),
        (f'[[key]]\nname = "a"\nsha256 = "{DIGEST}"\nburst = 0', "burst is 0"),
        (f'[[key]]\nname = "a"\nsha256 = "{DIGEST}"\nnamespaces = "eth"', "list of names"),
        (f'[[key]]\nname = "a"\nsha256 = "{DIGEST}"\nsecret = "x"', "unknown member secret"),
        (f'[[key]]\nname = "a"\nsha256 = "{DIGEST}"\n' * 2, "the name a is taken"),
    ],
)
def test_file_that_is_wrong_says_where(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "rpc-keys.toml"
    path.write_text(content)
    with pytest.raises(InvalidKeyFile, match=reason):
        read_keys(path)
