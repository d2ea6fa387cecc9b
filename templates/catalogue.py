"""Which templates there are: `NAME/CHANNEL[.LANGUAGE].PART`, and those that come with Strand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

Choice = TypeVar("Choice")

PARTS = ("subject", "html", "txt")
_KEY = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*)/(?P<channel>[a-z][a-z0-9_]*)"
    r"(?:\.(?P<language>[a-z]{2,3}(?:-[a-z0-9]{2,8})?))?\.(?P<part>[a-z]+)",
    re.ASCII,
)


class NotATemplate(ValueError):
    """A path that names no template; the text says what would."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What a template's key says; `language` is None for the one without."""

    name: str
    channel: str
    language: str | None
    part: str


def place_of(key: str) -> Place:
    """Read a key, or raise NotATemplate."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise NotATemplate(f"templates are called NAME/CHANNEL[.LANGUAGE].PART, as thanks/email.ru.html; found {key!r}")
    if found["part"] not in PARTS:
        raise NotATemplate(f"the parts of a template are {', '.join(PARTS)}; found {found['part']!r} in {key!r}")
    return Place(found["name"], found["channel"], found["language"], found["part"])


class Catalogue:
    """Finds the parts of a message; built from a mapping of which only the keys matter.

    Raises NotATemplate for the first key that names no template.
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._parts: dict[tuple[str, str], dict[str | None, dict[str, str]]] = {}
        for key in sorted(templates):
            place = place_of(key)
            languages = self._parts.setdefault((place.name, place.channel), {None: {}})
            languages.setdefault(place.language, {})[place.part] = key
        for languages in self._parts.values():
            plain = languages[None]
            for language, own in sorted(languages.items(), key=lambda entry: entry[0] or ""):
                base = languages.get((language or "").partition("-")[0], {})
                languages[language] = {part: key for part in PARTS if (key := (plain | base | own).get(part, ""))}

    @property
    def names(self) -> tuple[str, ...]:
        """Every template's name, sorted."""
        return tuple(sorted({name for name, _ in self._parts}))

    def channels(self, name: str) -> tuple[str, ...]:
        """The channels a template speaks, sorted."""
        return tuple(sorted(channel for known, channel in self._parts if known == name))

    def languages(self, name: str, channel: str) -> tuple[str | None, ...]:
        """The languages in which a template has parts of its own, the one without first."""
        return tuple(sorted(self._parts.get((name, channel), {}), key=lambda language: language or ""))

    def parts_for(self, name: str, channel: str, language: str | None) -> Mapping[str, str]:
        """The key of each part, each in the language (`ru-RU`, then `ru`), else the one without; empty if none."""
        languages = self._parts.get((name, channel))
        if languages is None:
            return {}
        return in_language(languages, language) if language else languages[None]


def in_language(choices: Mapping[str | None, Choice], language: str) -> Choice:
    """The choice for a language (`ru_RU`: `ru-ru`, then `ru`), else the one without."""
    wanted = language.lower().replace("_", "-")
    return choices.get(wanted) or choices.get(wanted.partition("-")[0]) or choices[None]


@cache
def stock() -> Mapping[str, str]:
    """The templates that come with Strand, from key to text; read from the package once."""
    folder = files("templates") / "messages"
    return MappingProxyType(
        {
            f"{name.name}/{part.name}": part.read_text(encoding="utf-8")
            for name in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if name.is_dir() and not name.name.startswith("_")
            for part in sorted(name.iterdir(), key=lambda entry: entry.name)
        }
    )
