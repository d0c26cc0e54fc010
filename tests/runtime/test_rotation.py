"""Logs of the embedded engines begin anew, while the servers write on."""

import os
from pathlib import Path

import pytest

from notifier.model.retention import Retention
from notifier.runtime.engines import Engines
from notifier.runtime.house import House
from notifier.runtime.rotation import begin_anew
from notifier.runtime.settings import Settings

pytestmark = pytest.mark.engine


def test_a_log_begins_anew_under_a_server_that_writes_on(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert not begin_anew(log, 10)
    with log.open("ab", buffering=0) as server:
        server.write(b"x" * 10)
        assert not begin_anew(log, 10)
        server.write(b"y")
        assert begin_anew(log, 10)
        server.write(b"z")
    assert log.read_bytes() == b"z"
    earlier = tmp_path / "a.log.1"
    assert earlier.read_bytes() == b"x" * 10 + b"y"
    assert earlier.stat().st_mode & 0o777 == 0o600
    log.write_bytes(b"w" * 11)
    assert begin_anew(log, 10)
    assert earlier.read_bytes() == b"w" * 11  # as much again, and no more


def test_whoever_watches_the_engines_trims_their_logs(tmp_path: Path) -> None:
    given = Settings(
        var=tmp_path, redis_url="unix:///none", retention=Retention(engine_log_megabytes=1)
    )
    with Engines(given) as engines:
        house = House(tmp_path)
        with house.postgres.log.open("ab") as log:
            log.write(os.urandom(1_000_001))
        engines.ensure()
        assert house.postgres.log.stat().st_size == 0
        assert house.postgres.log.with_name("postgres.log.1").stat().st_size > 1_000_000
        pid = int((house.postgres.data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 1)  # it reads its settings again, and says so
        engines.ensure()
