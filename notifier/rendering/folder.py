"""The files of the notices, read once; what is in use cannot change under our feet."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from notifier.model.notice import Notice
from notifier.model.template_version import TemplateVersion
from notifier.rendering.errors import BadTemplate
from notifier.rendering.manifest import FILE, read_notice
from notifier.rendering.text import limits

BASE: Final = "_base"
_MOST_BYTES: Final = 4  # of a character
_KINDS: Final = frozenset({".toml", ".txt", ".mjml", ".html", ".typ", ".json"})
_NEEDED: Final = ("words.txt",)


@dataclass(frozen=True)
class Folder:
    """One notice in one language with all of its files and those of ``_base``."""

    language: str
    notice: Notice
    files: Mapping[str, str]  # ``card_error/words.txt`` → text; ``_base/…`` too

    def named(self, file: str, step: str) -> str:
        """The name of a file for a step: ``<step>.<file>`` where there is one, else ``<file>``."""
        special = f"{self.notice.name}/{step}.{file}"
        return special if special in self.files else f"{self.notice.name}/{file}"

    def source(self, file: str, step: str) -> str:
        """The text of a file for a step."""
        return self.files[self.named(file, step)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over names and contents of all files."""
        total = hashlib.sha256()
        for name, text in sorted(self.files.items()):
            data = text.encode()
            total.update(f"{name}\0{len(data)}\0".encode() + data)
        return total.hexdigest()

    @cached_property
    def content(self) -> bytes:
        """A zip of all files; the same files give the same bytes."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, text in sorted(self.files.items()):
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text.encode())
        return buffer.getvalue()

    @cached_property
    def version(self) -> TemplateVersion:
        """What is kept of the files with every message that was written from them."""
        return TemplateVersion(self.digest, self.notice.name, self.language, self.content)


def read_folders(templates: Path) -> dict[tuple[str, str], Folder]:
    """All notices by (language, name). Raises :class:`BadTemplate` naming file and key."""
    found: dict[tuple[str, str], Folder] = {}
    for key, folder in folders_in(templates).items():
        if isinstance(folder, BadTemplate):
            raise folder
        found[key] = folder
    return found


def folders_in(templates: Path) -> dict[tuple[str, str], Folder | BadTemplate]:
    """All notices by (language, name), or what is wrong with each.

    Raises :class:`BadTemplate` where there is no language, or a base cannot be read.
    """
    languages = sorted(p.name for p in templates.glob("*") if (p / BASE).is_dir())
    if not languages:
        raise BadTemplate(str(templates), "", f"no folder <language>/{BASE} in it")
    found: dict[tuple[str, str], Folder | BadTemplate] = {}
    for language in languages:
        base = _read(templates / language / BASE)
        for place in sorted((templates / language).iterdir()):
            if place.is_dir() and place.name != BASE:
                found[language, place.name] = _tried(language, place, base)
    return found


def unpacked(language: str, notice: str, content: bytes) -> Folder:
    """The notice whose files are in a zip, as :attr:`Folder.content` makes it.

    Raises :class:`BadTemplate`: what another release wrote may not do for this one.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(one.file_size for one in archive.infolist()) > _MOST_BYTES * limits.VERSION:
                raise BadTemplate(notice, "", f"has more than {limits.VERSION} characters")
            files = {name: archive.read(name).decode() for name in archive.namelist()}
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError) as error:
        raise BadTemplate(notice, "", f"cannot be unpacked: {type(error).__name__}") from None
    return of_files(language, notice, files)


def of_files(language: str, notice: str, files: Mapping[str, str]) -> Folder:
    """The notice that files make, those of ``_base`` among them. Raises :class:`BadTemplate`."""
    manifest = f"{notice}/{FILE}"
    if manifest not in files:
        raise BadTemplate(manifest, "", "is missing")
    _check_size(manifest, files)
    folder = Folder(language, read_notice(notice, files[manifest]), files)
    _check_complete(folder)
    return folder


def _tried(language: str, place: Path, base: Mapping[str, str]) -> Folder | BadTemplate:
    try:
        return of_files(language, place.name, {**base, **_read(place)})
    except BadTemplate as error:
        return error


def _check_size(manifest: str, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        if len(text) > limits.FILE:
            raise BadTemplate(name, "", f"has more than {limits.FILE} characters")
    if len(files) > limits.FILES:
        raise BadTemplate(manifest, "", f"comes with more than {limits.FILES} files")
    if sum(map(len, files.values())) > limits.VERSION:
        raise BadTemplate(manifest, "", f"and its files have more than {limits.VERSION} characters")


def _check_complete(folder: Folder) -> None:
    needed = [*_NEEDED, "sample.json"]
    for channel in folder.notice.channels:
        needed += channel.rules.files
    for step in folder.notice.steps:
        for file in needed:
            name = folder.named(file, step)
            if name not in folder.files:
                raise BadTemplate(name, "", f"is missing (step {step})")


def _read(place: Path) -> dict[str, str]:
    files = {}
    for path in sorted(place.iterdir()):
        if path.suffix not in _KINDS or not path.is_file():
            continue
        name = f"{place.name}/{path.name}"
        if path.stat().st_size > _MOST_BYTES * limits.FILE:
            raise BadTemplate(name, "", f"has more than {limits.FILE} characters")
        try:
            # Line ends do not count: a checkout on another system is the same version.
            files[name] = path.read_text("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            raise BadTemplate(name, "", "is not UTF-8") from None
    return files
