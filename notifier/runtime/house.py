"""The embedded engines under one folder, and who uses them.

Every process that uses them shares the lock ``users``. Whoever can take it alone knows that
nobody is left, and stops them: the last process on its way out, or the keeper, a small process
that waits for just that, should the last one have been killed.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from notifier.files import make_folder, seal, write

from .locks import FileLock
from .postgres import Postgres, system_account
from .rotation import begin_anew
from .sockets import EngineError, socket_folder
from .valkey import Valkey

_UNFIT: Final = frozenset('"$`\\\n')  # pg_ctl hands the path to a shell


def has_data(var: Path) -> bool:
    """Whether an embedded PostgreSQL was ever made under ``var``; nothing is made by asking."""
    return (var / "engines" / "postgres").is_dir()


class House:
    """Places of the engines under ``var``; nothing runs because of it."""

    def __init__(self, var: Path, postgres: Mapping[str, str] | None = None) -> None:
        home = var.resolve() / "engines"
        if set(str(home)) & _UNFIT:
            raise EngineError(f'the engines cannot live under {home}: " $ ` \\ in the path')
        make_folder(home)
        sealed = seal(home.parent, apart="postgres")
        account = system_account()
        owners = {home.stat().st_uid, *([account.pw_uid] if account else [])}
        sockets = socket_folder(home, frozenset(owners))
        self.home = home
        self._until = home / "linger"
        self.postgres = Postgres(home / "postgres", sockets, postgres)
        if sealed and account:  # its server may be running
            self.postgres.let_in(account)
        self.bell = Valkey(home / "bell", sockets / "bell.sock", durable=False)
        self.stream = Valkey(home / "stream", sockets / "stream.sock", durable=True)

    def lock(self, name: str) -> FileLock:
        """One of ``users``, ``start`` and ``keeper``, opened and not yet held."""
        return FileLock(self.home / f"{name}.lock")

    def linger(self, seconds: float) -> None:
        """Have what runs stay for so long after its last user has left, for whoever comes next."""
        write(self._until, f"{time.time() + seconds:.0f}")

    def lingers(self) -> float:
        """Seconds for which what runs is to stay though nobody uses it; 0: it is to stop."""
        try:
            return max(0.0, float(self._until.read_text()) - time.time())
        except (OSError, ValueError):
            return 0.0

    def trim_logs(self, most: int) -> None:
        """Let the engines' logs begin anew that are longer than ``most`` bytes."""
        for log in (self.postgres.log, self.bell.log, self.stream.log):
            begin_anew(log, most)

    def stop(self) -> None:
        """Stop what runs. The caller holds ``users`` alone."""
        self._until.unlink(missing_ok=True)
        self.stream.stop()
        self.bell.stop()
        self.postgres.stop()
