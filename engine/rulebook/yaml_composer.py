"""Makes nodes of a file's YAML events within bounds: no tags, no duplicate keys, no deep nesting, no exploding aliases.

Events are taken one by one and the first that passes a bound ends the reading, so that time and memory are bounded by
the size of the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from engine.rulebook.nodes import Mapping, Node, Scalar, Sequence, Source, describe
from engine.rulebook.problems import Problems
from events.errors import StrandError

MAX_DEPTH = 32
MAX_ALIASED_NODES = 10_000

_SURROGATE = re.compile("[\ud800-\udfff]")


class Unreadable(StrandError):
    """Ends the reading of one file: the place where, and why."""

    def __init__(self, event: Any, message: str) -> None:
        super().__init__(message)
        self.start: int = event.start_mark.index
        self.end: int = event.end_mark.index
        self.message = message


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


class Composer:
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
        """The file's only document; raises Unreadable, and what ruamel raises for what is no YAML."""
        documents = 0
        for event in YAML(typ="safe", pure=True).parse(self._text):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise Unreadable(event, "a file is one document; found a second '---'")
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
                raise Unreadable(event, f"a rulebook nests at most {MAX_DEPTH} deep")
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
            raise Unreadable(event, f"the alias '*{event.anchor}' {why}")
        node, size = anchored
        self._aliased_nodes += size
        if self._aliased_nodes > MAX_ALIASED_NODES:
            raise Unreadable(event, f"aliases expand to more than {MAX_ALIASED_NODES:,} nodes; write some of it out")
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


def _placed(node: Node, key: Scalar) -> Node:
    """A value that is not written has the place of its name."""
    if isinstance(node, Scalar) and node.start == node.end:
        return replace(node, start=key.start, end=key.end)
    return node
