"""``notifier schemes``: registered fees and brands."""

from notifier.app.schemes import fees, save_scheme
from notifier.intake.scheme_file import read_scheme
from notifier.model.scheme import Scheme
from notifier.runtime.parts import Parts

from .language import word
from .names import File
from .output import say
from .session import acting, run
from .tables import show
from .verbs import Verbs

app = Verbs()
_LIST = ("scheme", "name", "group_no", "kind", "yen", "valid_from", "valid_to")


@app.command("import")
def import_(file: File) -> None:
    """Register a scheme as the file says. What the file no longer has is withdrawn."""

    async def work(parts: Parts) -> tuple[Scheme, int]:
        scheme = read_scheme(file.read_bytes())
        return scheme, await save_scheme(parts.engine, parts.acceptor, scheme, **acting(parts))

    scheme, held = run(work, creates=True)
    fees, brands = len(scheme.fees), len(scheme.brands)
    say("scheme_saved", scheme=scheme.scheme, fees=fees, brands=brands)
    if held:
        say("held_by_scheme", count=held)


@app.command("list")
def list_() -> None:
    """Print all schemes with the fees in force."""
    found = run(lambda parts: fees(parts.engine))
    show(
        _LIST,
        found,
        lambda f: (
            f.scheme,
            f.name,
            f.group_no,
            word("line", f.kind),
            f.yen,
            f.valid_from,
            f.valid_to,
        ),
    )
