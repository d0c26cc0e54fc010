"""The program as it is installed: a wheel in an empty environment, away from the sources."""

import asyncio
import signal
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

from tests.integration.conftest import Town
from tests.integration.test_way_of_a_message import failed

_SOURCES = Path(__file__).parents[2]


def _built(folder: Path) -> Path:
    """Build the wheel, offline, with the locked backend."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=_SOURCES, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def _installed(wheel: Path, home: Path) -> Path:
    """Install the wheel beside the locked dependencies, but not the sources; its ``bin``."""
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", "--no-compile", str(wheel)], check=True)
    [packages] = home.glob("lib/python*/site-packages")
    # Of a folder that is named like this nobody reads .pth files, so that the editable install of
    # the sources stays out.
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def _loaded_from(place: Path) -> Path:
    """Return where a program of this environment has the package from."""
    where = [str(place / "python"), "-c", "import notifier; print(notifier.__file__)"]
    done = subprocess.run(where, cwd=place, check=True, capture_output=True, text=True)
    return Path(done.stdout)


async def test_an_installed_wheel_takes_an_event_and_sends_its_mail(
    town: Town, tmp_path: Path
) -> None:
    wheel = await asyncio.to_thread(_built, tmp_path / "dist")
    with ZipFile(wheel) as packed:
        names = packed.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"notifier"}
    examples = {f"notifier/_data/examples/{path.name}" for path in _SOURCES.glob("docs/examples/*")}
    assert examples < set(names)

    place = await asyncio.to_thread(_installed, wheel, tmp_path / "env")
    assert (await asyncio.to_thread(_loaded_from, place)).is_relative_to(tmp_path)
    with (
        town.process("up", [str(place / "notifier")], tmp_path) as up,
        town.billing() as billing,
    ):
        assert billing.post("/v1/events", json=failed("M0001")).status_code == 202
        [received] = await town.office.wait_for(1)
        up.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(up.wait) == 0
    assert received.recipients == ("m0001@member.example.jp",)
