"""Merges the files of a rulebook into its sections; a name defined twice is a problem that names both places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.rulebook.nodes import Node, Scalar, Sequence
from engine.rulebook.reading import Reading
from events.nearest import did_you_mean

SECTIONS = ("events", "profile", "traits", "segments", "dimensions", "triggers", "policy")
# Traits, segments and dimensions share one namespace.
_SHARED = {"traits": "trait", "segments": "segment", "dimensions": "dimension"}

Entry = tuple[Scalar, Node]


@dataclass(slots=True)
class Sections:
    """Each section's entries by name, in the order of files and lines."""

    entries: dict[str, dict[str, Entry]] = field(default_factory=lambda: {name: {} for name in SECTIONS})

    def __getitem__(self, section: str) -> dict[str, Entry]:
        return self.entries[section]


def merge(documents: Iterable[Node], reading: Reading) -> Sections:
    """The sections of all files."""
    sections = Sections()
    dimensions: Scalar | None = None
    for document in documents:
        for key, value in reading.entries(document, "a rulebook file"):
            if key.text not in SECTIONS:
                known = did_you_mean(key.text, SECTIONS) or f"; it has {', '.join(SECTIONS)}"
                reading.refuse(key, f"a rulebook has no '{key.text:.60}'{known}")
                reading.incomplete = True
                continue
            if key.text == "dimensions":
                if dimensions is not None:
                    others = f"others are at {_where(dimensions)}"
                    reading.refuse(key, f"all dimensions stand in one file, since their order counts; {others}")
                dimensions = dimensions or key
            if isinstance(value, Sequence):
                reading.incomplete = True
            for entry in reading.entries(value, key.text):
                _put(sections, key.text, entry, reading)
    return sections


def _put(sections: Sections, section: str, entry: Entry, reading: Reading) -> None:
    name = entry[0].text
    for other in _SHARED if section in _SHARED else (section,):
        first = sections[other].get(name)
        if first is not None:
            what = f"the {_SHARED[other]} '{name}'" if section in _SHARED else f"'{name}' of {section}"
            reading.refuse(entry[0], f"{what} is already defined at {_where(first[0])}")
            return
    sections[section][name] = entry


def _where(key: Node) -> str:
    line, column = key.source.place(key.start)
    return f"{key.source.name}:{line}:{column}"
