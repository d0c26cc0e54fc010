"""Wording: one version of a notice, compiled and ready to write from."""

from notifier.write import context
from notifier.write.errors import BadTemplate
from notifier.write.folder import Folder
from notifier.write.labels import Labels
from notifier.write.parts import trace_parts
from notifier.write.prepared import Prepared
from notifier.write.samples import check_samples
from notifier.write.skeleton import trace
from notifier.write.words import Phrases


class Wording:
    """The templates of a version, and the skeletons that were made of them."""

    def __init__(self, folder: Folder, labels: Labels) -> None:
        """Raises :class:`BadTemplate`, which names the file and the key that is wrong."""
        self.folder = folder
        self.phrases = Phrases(folder, labels)
        self.prepared = Prepared(folder, labels, trace)
        self.letters = Prepared(folder, labels, trace_parts)
        _check_fields(folder)
        check_samples(folder)

    @property
    def key(self) -> tuple[str, str]:
        """Language and notice."""
        return self.folder.language, self.folder.notice.name


def _check_fields(folder: Folder) -> None:
    notice = folder.notice
    for step in notice.steps:
        taken = {spec.name for spec in notice.fields_for(step)} & context.RESERVED
        if taken:
            name = f"{notice.name}/notice.toml"
            raise BadTemplate(name, f"fields.{min(taken)}", "is a name that every message has")
