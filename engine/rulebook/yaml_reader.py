"""Reads YAML 1.2 to nodes within bounds: no tags, no duplicate keys, no deep nesting, no exploding aliases.

Events are read one by one and the first that passes a bound ends the reading, so that time and memory are bounded by
the size of the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from engine.rulebook.broken_halves import why_flow_broke
from engine.rulebook.nodes import Mapping, Node, Scalar, Sequence, Source, describe
from engine.rulebook.problems import Problems
from engine.rulebook.yaml_slips import why_yaml_broke
from events.errors import StrandError

MAX_DEPTH = 32
MAX_ALIASED_NODES = 10_000
MAX_READ_AGAIN = 1 << 18
"""How many signs of a file may be read more than once."""

# Stands for each sign of a broken expression when the file is read again.
_COVER = "_"
_MORE = "; more problems may show once this is mended"

_SURROGATE = re.compile("[\ud800-\udfff]")


class _Unreadable(StrandError):
    """Ends the reading of one file; raised and caught in this module alone."""

    def __init__(self, event: Any, message: str) -> None:
        super().__init__(message)
        self.start: int = event.start_mark.index
        self.end: int = event.end_mark.index
        self.message = message


def read_yaml(source: Source, problems: Problems) -> Node | None:
    """The file's only document, None where it cannot be read; then the reason is among the problems.

    An empty file is a null scalar. An unquoted expression that YAML stumbles over is a problem, and the rest of the
    file is read all the same, as long as that takes little more time than a sound file does.
    """
    text, covered, again = source.text, set[int](), 0
    while True:
        try:
            return _Composer(source, problems, text, covered).document()
        except _Unreadable as stop:
            problems.add_at(source, stop.start, stop.end, stop.message + _MORE)
        except MarkedYAMLError as error:
            index = _index_of(error, source)
            broken = why_flow_broke(source, index)
            again += index
            if broken is not None and broken[0] not in covered:
                start, end, advice = broken
                problems.add_at(source, start, end, advice if again <= MAX_READ_AGAIN else advice + _MORE)
                if again <= MAX_READ_AGAIN:
                    covered.add(start)
                    text = f"{text[:start]}{_COVER * (end - start)}{text[end:]}"
                    continue
            else:
                start, end, why = why_yaml_broke(source, error, index) or (index, index + 1, _syntax_message(error))
                problems.add_at(source, start, end, why + _MORE)
        except ReaderError as error:
            index = int(error.position)
            message = f"a rulebook is text; found the control character {source.text[index]!r}"
            problems.add_at(source, index, index + 1, message + _MORE)
        return None


def _index_of(error: MarkedYAMLError, source: Source) -> int:
    """Where in the text an error is."""
    mark = error.problem_mark or error.context_mark
    if error.context_mark is not None and mark.index >= len(source.text.rstrip()):
        mark = error.context_mark  # what was begun and has no end says more than the end of the file
    return min(mark.index, len(source.text)) if mark is not None else 0


def _placed(node: Node, key: Scalar) -> Node:
    """A value that is not written has the place of its name."""
    if isinstance(node, Scalar) and node.start == node.end:
        return replace(node, start=key.start, end=key.end)
    return node


def _syntax_message(error: MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return "this is not YAML: " + ", ".join(str(part).split("\n")[0] for part in parts)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end is still to come; `key` is the name whose value comes next."""

    start: int
    anchor: str | None
    flow: bool
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: list[tuple[Scalar, Node]] = field(default_factory=list)
    lines: dict[str, Scalar] = field(default_factory=dict)
    key: Scalar | None = None
    expects_value: bool = False
    size: int = 1


class _Composer:
    """Builds nodes from one file's events, with a stack of its own.

    `text` is the source's, with a cover over the expressions that begin at `covered`; nodes have what is under it.
    """

    def __init__(self, source: Source, problems: Problems, text: str, covered: Collection[int]) -> None:
        self._source = source
        self._text = text
        self._covered = covered
        self._problems = problems
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._unfinished: set[str] = set()
        self._aliased_nodes = 0
        self._root: Node | None = None

    def document(self) -> Node:
        documents = 0
        for event in YAML(typ="safe", pure=True).parse(self._text):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Unreadable(event, "a file is one document; found a second '---'")
            else:
                self._take(event)
        return self._root or Scalar(self._source, 0, 0, "")

    def _take(self, event: Any) -> None:
        if isinstance(event, ScalarEvent):
            self._refuse_tag(event)
            start, end = event.start_mark.index, event.end_mark.index
            text = " ".join(self._source.text[start:end].split()) if start in self._covered else str(event.value)
            scalar = Scalar(self._source, start, end, text, event.style or "")
            if _SURROGATE.search(scalar.text):
                self._problems.add(scalar, "an escape gives half a character; write the character itself")
                scalar = replace(scalar, text=_SURROGATE.sub("?", scalar.text))
            self._add(scalar, 1, event.anchor)
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._refuse_tag(event)
            if len(self._stack) >= MAX_DEPTH:
                raise _Unreadable(event, f"a rulebook nests at most {MAX_DEPTH} deep")
            is_mapping = isinstance(event, MappingStartEvent)
            self._stack.append(_Open(event.start_mark.index, event.anchor, bool(event.flow_style), is_mapping))
            if event.anchor:
                self._unfinished.add(event.anchor)
        elif isinstance(event, CollectionEndEvent):
            self._close(event.end_mark.index)

    def _close(self, end: int) -> None:
        done = self._stack.pop()
        node: Node
        if done.is_mapping:
            node = Mapping(self._source, done.start, end, tuple(done.entries), done.flow)
        else:
            node = Sequence(self._source, done.start, end, tuple(done.items))
        if done.anchor:
            self._unfinished.discard(done.anchor)
        self._add(node, done.size, done.anchor)

    def _alias(self, event: Any) -> None:
        anchored = self._anchors.get(event.anchor)
        if anchored is None or event.anchor in self._unfinished:
            why = "stands inside itself" if event.anchor in self._unfinished else "names no anchor before it"
            raise _Unreadable(event, f"the alias '*{event.anchor}' {why}")
        node, size = anchored
        self._aliased_nodes += size
        if self._aliased_nodes > MAX_ALIASED_NODES:
            raise _Unreadable(event, f"aliases expand to more than {MAX_ALIASED_NODES:,} nodes; write some of it out")
        self._add(node, size, None)

    def _add(self, node: Node, size: int, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = (node, size)
        if not self._stack:
            self._root = node
            return
        around = self._stack[-1]
        around.size += size
        if not around.is_mapping:
            around.items.append(node)
        elif around.expects_value:
            if around.key is not None:
                around.entries.append((around.key, _placed(node, around.key)))
            around.expects_value = False
        else:
            around.key = self._key(node, around)
            around.expects_value = True

    def _key(self, node: Node, around: _Open) -> Scalar | None:
        """The name, or None where it is refused and its value is to be dropped."""
        if not isinstance(node, Scalar):
            self._problems.add(node, f"a name must stand before ':'; found {describe(node)}")
            return None
        first = around.lines.setdefault(node.text, node)
        if first is not node:
            line, _ = first.source.place(first.start)
            self._problems.add(node, f"'{node.text:.60}' is already in line {line}; a name stands once")
            # A section that is split is still read whole, so that its names are not reported as unknown.
            return node if len(self._stack) == 1 else None
        return node

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            start = event.start_mark.index
            tag = self._source.text[start:].split(None, 1)[0]
            self._problems.add_at(
                self._source, start, start + len(tag), f"found the tag '{tag}'; a rulebook has no tags"
            )
