"""``notifier dkim``: keys that mails are signed with, and what the DNS must say of them."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from notifier.delivery.dkim import SigningKey, dns_record, make_key, read_key
from notifier.model.dkim import DkimKey, KeyType
from notifier.rendering.labels import label
from notifier.runtime.settings import BadSettings
from notifier.runtime.signing import signing_keys

from .faults import language_of_settings
from .session import err, fail, out, settings, wrong_use

app = typer.Typer(help="Keys that mails are signed with (DKIM).", no_args_is_help=True)


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
        err.print(label("cli.no_dkim_key", language_of_settings()))


@app.command("new")
def new(
    domain: Annotated[str, typer.Option(help="Domain of From, or one above it.")],
    selector: Annotated[str, typer.Option(help="Any name; another one for each key of a domain.")],
    file: Annotated[Path, typer.Option(help="New file for the key; its owner alone may read it.")],
    kind: Annotated[KeyType, typer.Option("--type", help="What to make.")] = KeyType.RSA,
) -> None:
    """Make a key and print its TXT record: publish it, then name the key in the settings."""
    try:
        given = DkimKey(domain=domain, selector=selector, file=file)
    except ValidationError as error:
        wrong = ", ".join(str(one["loc"][0]) for one in error.errors())
        raise wrong_use("not_ascii_name", names=wrong) from None
    try:
        make_key(file, kind)
    except OSError as problem:
        fail(problem)
    _show(read_key(given))


def _show(key: SigningKey) -> None:
    out.print(dns_record(key).zone_line, highlight=False)
