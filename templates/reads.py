"""What a template reads of what it could be given, so that the rest need not be made."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jinja2 import nodes

GROUPS = frozenset({"customer", "traits", "event", "items", "offer", "links", "sender"})


@dataclass(frozen=True, slots=True)
class Reads:
    """Group -> the names of its fields that are read; None for all of them. A group that is not there is not read."""

    fields: Mapping[str, frozenset[str] | None]

    def of(self, group: str) -> frozenset[str] | None:
        """The fields of a group; none if it is not read, None for all of them."""
        return self.fields.get(group, frozenset())


def reads_of(tree: nodes.Template) -> Reads:
    """What a template reads; a group used otherwise than by a field's name is read whole."""
    uses = Counter(name.name for name in tree.find_all(nodes.Name) if name.name in GROUPS)
    named: dict[str, list[str]] = defaultdict(list)
    for by_attribute in tree.find_all(nodes.Getattr):
        if isinstance(by_attribute.node, nodes.Name):
            named[by_attribute.node.name].append(by_attribute.attr)
    for by_item in tree.find_all(nodes.Getitem):
        fixed = isinstance(by_item.arg, nodes.Const) and isinstance(by_item.arg.value, str)
        if isinstance(by_item.node, nodes.Name) and fixed:
            named[by_item.node.name].append(by_item.arg.as_const())
    return Reads({group: frozenset(named[group]) if len(named[group]) == uses[group] else None for group in uses})


def together(reads: Iterable[Reads]) -> Reads:
    """What several templates read."""
    fields: dict[str, frozenset[str] | None] = {}
    for one in reads:
        for group, names in one.fields.items():
            known = fields.get(group, frozenset())
            fields[group] = None if names is None or known is None else known | names
    return Reads(fields)
