"""The embedded engines under one folder, and who uses them.

Every process that uses them shares the lock ``users``. Whoever can take it alone knows that
nobody is left, and stops them: the last process on its way out, or the keeper, a small process
that waits for just that, should the last one have been killed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from notifier.files import make_folder, seal

from .locks import FileLock
from .postgres import Postgres, system_account
from .sockets import EngineError, socket_folder
from .valkey import Valkey

_UNFIT: Final = frozenset('"$`\\\n')  # pg_ctl hands the path to a shell


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
        self.postgres = Postgres(home / "postgres", sockets, postgres)
        if sealed and account:  # its server may be running
            self.postgres.let_in(account)
        self.bell = Valkey(home / "bell", sockets / "bell.sock", durable=False)
        self.stream = Valkey(home / "stream", sockets / "stream.sock", durable=True)

    def lock(self, name: str) -> FileLock:
        """One of ``users``, ``start`` and ``keeper``, opened and not yet held."""
        return FileLock(self.home / f"{name}.lock")

    def stop(self) -> None:
        """Stop what runs. The caller holds ``users`` alone."""
        self.stream.stop()
        self.bell.stop()
        self.postgres.stop()
