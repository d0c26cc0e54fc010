"""``notifier dkim``: keys that mails are signed with, and what the DNS must say of them."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from notifier.delivery.dkim import SigningKey, dns_record, make_key, read_key
from notifier.model.dkim import DkimKey, KeyType
from notifier.runtime.settings import BadSettings
from notifier.runtime.signing import signing_keys

from .faults import fail
from .language import wrong_use
from .output import emitted, err, out, phrase
from .session import settings
from .verbs import Verbs

app = Verbs()


@app.command("dns")
def dns() -> None:
    """The TXT record of each key in the settings, as it stands in a zone file."""
    try:
        keys = signing_keys(settings())
    except BadSettings as problem:
        fail(problem)
    for key in keys:
        _show(key)
    if not keys:
        err.print(phrase("cli.no_dkim_key"))


@app.command("new")
def new(
    domain: Annotated[str, typer.Option()],
    selector: Annotated[str, typer.Option()],
    file: Annotated[Path, typer.Option()],
    kind: Annotated[KeyType, typer.Option("--type")] = KeyType.RSA,
) -> None:
    """Make a key and print its TXT record: publish it, then name the key in the settings."""
    try:
        given = DkimKey(domain=domain, selector=selector, file=file)
    except ValidationError as error:
        wrong = ", ".join(str(one["loc"][0]) for one in error.errors())
        wrong_use("not_ascii_name", names=wrong)
    try:
        make_key(file, kind)
    except OSError as problem:
        fail(problem)
    _show(read_key(given))


def _show(key: SigningKey) -> None:
    line = dns_record(key).zone_line
    if not emitted({"record": line}):
        out.print(line, highlight=False)
