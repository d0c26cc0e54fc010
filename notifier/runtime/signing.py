"""The keys of the settings, read."""

from notifier.delivery.dkim import BadKey, Signer, SigningKey, read_key

from .settings import PREFIX, BadSettings, Settings


def signing_keys(given: Settings) -> list[SigningKey]:
    """All keys that mails are signed with. Raises :class:`BadSettings`, which names each fault."""
    keys, faults = [], []
    for n, one in enumerate(given.dkim):
        try:
            keys.append(read_key(one))
        except BadKey as problem:
            faults.append(f"{PREFIX}DKIM__{n}__{problem.field.upper()}: {problem.message}")
    if faults:
        raise BadSettings("\n".join(faults))
    return keys


def signer(given: Settings) -> Signer | None:
    """Who signs the mails of this house; None where nobody does. Raises :class:`BadSettings`."""
    keys = signing_keys(given)
    return Signer(keys) if keys else None
