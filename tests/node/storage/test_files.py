"""Files that survive a crash whole, and secrets that only their owner reads."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from node.storage.errors import WriteFailed
from node.storage.files import LoosePermissions, replace_file, validate_private


def failing(*_: object) -> int:
    raise OSError(errno.EIO, "Input/output error")


def test_replaced_file_holds_the_new_content_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["pwrite", "fdatasync", "replace"])
def test_failed_replacement_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "secret"
    replace_file(path, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing)
        with pytest.raises(WriteFailed, match="Input/output error"):
            replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_failed_folder_sync_is_write_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        with pytest.raises(WriteFailed, match="Input/output error"):
            replace_file(tmp_path / "secret", b"new")


def test_short_write_never_replaces_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    replace_file(path, b"old")
    whole_write = os.pwrite
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", lambda file, data, offset: whole_write(file, data[:1], offset))
        with pytest.raises(WriteFailed, match="1 of 3 bytes"):
            replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_content_is_synced_before_the_name_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def noted(name: str, call: Callable[..., None]) -> Callable[..., None]:
        def run(*arguments: object) -> None:
            calls.append(name)
            call(*arguments)

        return run

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", noted("sync", os.fdatasync))
        patched.setattr(os, "fsync", noted("sync folder", os.fsync))
        patched.setattr(os, "replace", noted("rename", os.replace))
        replace_file(tmp_path / "secret", b"content")
    assert calls == ["sync", "rename", "sync folder"]


def test_replacement_that_a_crash_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "secret.new").write_bytes(b"half")
    replace_file(tmp_path / "secret", b"content")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"content"]


def test_folder_that_is_missing_is_write_failed(tmp_path: Path) -> None:
    with pytest.raises(WriteFailed, match="No such file or directory"):
        replace_file(tmp_path / "missing" / "secret", b"content")


def test_private_file_in_a_private_folder_passes(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    replace_file(tmp_path / "secret", b"content")
    validate_private(tmp_path / "secret")


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "named"), [(0o640, 0o700, "secret"), (0o604, 0o700, "secret"), (0o600, 0o750, "keys")]
)
def test_secret_that_others_may_read_is_refused_with_the_command_that_helps(
    tmp_path: Path, file_mode: int, folder_mode: int, named: str
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    replace_file(folder / "secret", b"content")
    (folder / "secret").chmod(file_mode)
    folder.chmod(folder_mode)
    with pytest.raises(LoosePermissions, match=f"chmod [67]00 .*{named}`$"):
        validate_private(folder / "secret")
