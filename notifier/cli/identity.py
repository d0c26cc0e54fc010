"""Who sits at this terminal: the session file, the token of a script, the code for one act."""

import hashlib
import os
import stat
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer
from typer._click.globals import get_current_context  # typer brings its own click

from notifier import files
from notifier.app import sign_in
from notifier.app.credentials import Passwords
from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed
from notifier.model.role import RULES
from notifier.model.user import Principal
from notifier.runtime.parts import Parts
from notifier.runtime.settings import Settings

from .output import phrase
from .permissions import VERBS
from .verbs import CODE, key_of

_LONGEST: Final = 400  # bytes of a session file
_PRINCIPAL: ContextVar[Principal | None] = ContextVar("principal", default=None)


def moment() -> datetime:
    """The real time, which sessions and codes go by: a rehearsal's clock proves nothing."""
    return datetime.now(UTC)


def principal() -> Principal:
    """Return whoever runs this verb. Raises ``NotAllowed`` where nobody has signed in."""
    found = _PRINCIPAL.get()
    if found is None:
        raise NotAllowed("nobody has signed in", code="sign_in_first")
    return found


async def identify(parts: Parts) -> None:
    """Find out who runs the verb that click is at, and whether they may.

    Raises ``NotAllowed``, also for a verb that is in no list.
    """
    verb = _verb()
    if verb is None:
        return  # a piece of work of this program, no verb
    if verb not in VERBS:
        raise NotAllowed(f"{verb} is in no list of rights", code="unlisted_verb", verb=verb)
    right = VERBS[verb]
    if right is None:
        return
    found = await _somebody(parts)
    if right in found.permissions and RULES[right].needs_second_factor:
        found = await sign_in.prove(parts.engine, found, _code(), now=moment())
    found.require(right)
    _PRINCIPAL.set(found)


async def _somebody(parts: Parts) -> Principal:
    given, now = parts.settings, moment()
    if given.token is not None:
        return await sign_in.service_of(parts.engine, given.token.get_secret_value(), now=now)
    token = read_session(given)
    found = await sign_in.principal_of(parts.engine, token, now=now) if token else None
    if found is not None:
        return found
    await refuse_empty(parts)
    raise NotAllowed("nobody has signed in", code="sign_in_first")


async def refuse_empty(parts: Parts) -> None:
    """Raise ``NotAllowed`` where nobody can sign in yet; it says how the first one is made."""
    if await sign_in.is_nobody_yet(parts.engine):
        raise NotAllowed("there are no users yet", code="no_users")


def passwords(given: Settings) -> Passwords:
    """Return how passwords are hashed here."""
    return Passwords(given.password_memory_kib, given.password_passes)


def ask(question: str, *, hidden: bool = False, twice: bool = False, piped: bool = False) -> str:
    """Ask the person for a line; one that is ``piped`` in is read as it comes.

    ``question``: a key of the catalogue. Raises ``NotAllowed`` where nothing is said.
    """
    if piped or not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\r\n")
    else:
        line = _prompted(question, hidden=hidden)
        if twice and _prompted("cli.ask_again", hidden=hidden) != line:
            raise NotAllowed("not the same twice", code="typed_differently")
    if not line:
        raise NotAllowed("nothing was typed", code="nothing_typed")
    return line


def _prompted(question: str, *, hidden: bool) -> str:
    return str(typer.prompt(phrase(question), hide_input=hidden, err=True))


def code_given() -> str | None:
    """Return the code that ``--code`` names."""
    context = get_current_context(silent=True)
    found = context.meta.get(CODE) if context else None
    return str(found) if found else None


def _code() -> str:
    if found := code_given():
        return found
    if not sys.stdin.isatty():
        raise NotAllowed("a code is needed", code="second_factor_needed")
    return ask("cli.ask_code")


def _verb() -> str | None:
    """The words of the verb that is run, as they are typed after ``notifier``."""
    context = get_current_context(silent=True)
    return key_of(context).replace(".", " ") or None if context else None


def session_path(given: Settings) -> Path:
    """Where the session with this record is kept: in a folder of the person's own."""
    if given.session is not None:
        return given.session
    record = f"{given.database_url or given.var.resolve()} {given.database_name}"
    name = f"session-{hashlib.sha256(record.encode()).hexdigest()[:8]}"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "notifier" / name


def read_session(given: Settings) -> str | None:
    """Return the token of the session file; None where there is no file.

    Raises ``NotAllowed`` for a file that others may read or have put there.
    """
    path = session_path(given)
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise NotAllowed(f"{path}: {problem}", code="session_file", path=path) from None
    try:
        found = os.fstat(file)
        is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if not is_ours or stat.S_IMODE(found.st_mode) & 0o077:
            raise NotAllowed(f"{path} is open to others", code="session_file", path=path)
        return os.read(file, _LONGEST).decode("ascii", "replace").strip()
    finally:
        os.close(file)


def write_session(given: Settings, token: str) -> None:
    """Keep the token of a session in a file that is its owner's alone."""
    path = session_path(given)
    path.unlink(missing_ok=True)  # whatever stood there, a link too
    files.make_folder(path.parent)
    files.write(path, token + "\n")


def forget_session(given: Settings) -> None:
    """Take the session file away."""
    session_path(given).unlink(missing_ok=True)


def actor() -> Actor:
    """Return the actor that whoever runs this verb is on record as."""
    return principal().actor
