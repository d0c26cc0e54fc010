"""Files and folders that are their owner's alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.files import make_folder, opener, seal, write
from notifier.runtime.engines import Engines


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """A process whose umask forbids nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert make_folder(folder) == folder
    assert make_folder(folder) == folder
    assert {mode(folder), mode(folder.parent)} == {0o700}
    write(folder / "one", "名")
    write(folder / "two", b"2", durable=True)
    with open(folder / "three", "wb", opener=opener):
        pass
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert (folder / "one").read_text() == "名"
    with pytest.raises(NotADirectoryError):
        make_folder(folder / "one")


def test_a_file_that_others_could_read_is_closed_before_it_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("older, and longer")
    assert mode(path) == 0o666
    write(path, "new")
    assert (mode(path), path.read_text()) == (0o600, "new")
    write(Path(os.devnull), "nothing")
    assert mode(Path(os.devnull)) & 0o666 == 0o666


def test_an_installation_that_was_open_is_sealed(tmp_path: Path) -> None:
    var = tmp_path / "var"
    for folder in (var / "batches" / "B000001", var / "engines" / "postgres" / "base"):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    (var / "passage").mkdir(mode=0o710)
    (var / "run.sh").touch(mode=0o755)
    outside = tmp_path / "outside"
    outside.write_text("x")
    (var / "link").symlink_to(outside)
    assert seal(var, apart="postgres")
    batch = var / "batches" / "B000001"
    assert (mode(var), mode(batch), mode(batch / "file")) == (0o700, 0o700, 0o600)
    assert (mode(var / "passage"), mode(var / "run.sh")) == (0o710, 0o700)
    assert (mode(outside), mode(var / "engines" / "postgres" / "base")) == (0o666, 0o777)
    assert not seal(var)
    assert not seal(tmp_path / "nowhere")


def test_nobody_else_has_a_way_into_the_engines(engines: Engines) -> None:
    """Nor can anybody hold ``start.lock``, and so keep every start waiting."""
    var = engines.var
    found = [path for path in (var, *var.rglob("*")) if path.is_dir() or path.is_file()]
    assert len(found) > 100
    for path in found:
        group = 0o010 if path.is_dir() else 0  # the account of the server passes, as a group
        assert mode(path) & 0o077 & ~group == 0, path
    assert mode(var / "engines" / "start.lock") == 0o600
