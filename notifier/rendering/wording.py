"""Wording: one version of a notice, compiled and ready to write from."""

from functools import cached_property

from notifier.rendering import context
from notifier.rendering.errors import BadTemplate, LimitExceeded
from notifier.rendering.folder import Folder
from notifier.rendering.labels import Labels
from notifier.rendering.letter import typst_source
from notifier.rendering.letter.parts import trace_parts
from notifier.rendering.prepared import Prepared
from notifier.rendering.samples import check_samples
from notifier.rendering.skeleton import trace
from notifier.rendering.words import Phrases


class Wording:
    """The templates of a version, and the skeletons that were made of them."""

    def __init__(self, folder: Folder, labels: Labels, *, edited: bool = True) -> None:
        """``edited``: whether these are other files than those of the program.

        Raises :class:`BadTemplate`, which names the file and the key that is wrong.
        """
        self.folder, self.edited = folder, edited
        self.phrases = Phrases(folder, labels)
        self.prepared = Prepared(folder, labels, trace)
        self.letters = Prepared(folder, labels, trace_parts)
        _check_fields(folder)
        check_samples(folder)

    @cached_property
    def typst_fault(self) -> LimitExceeded | None:
        """What its Typst uses that no letter may use: files, packages, plug-ins."""
        for name, text in self.folder.files.items():
            if name.endswith(".typ"):
                for line, what in typst_source.reaching_out(text):
                    return LimitExceeded(f"uses {what}, which is not allowed", name, line)
        return None

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
