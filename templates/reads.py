"""What a template reads of what it could be given, so that the rest need not be made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jinja2 import nodes

GROUPS = frozenset({"customer", "traits", "event", "items", "offer", "links", "sender"})


@dataclass(frozen=True, slots=True)
class Reads:
    """The groups read, and the names of the traits; None for all of them."""

    groups: frozenset[str]
    traits: frozenset[str] | None


def reads_of(tree: nodes.Template) -> Reads:
    """What a template reads; traits read otherwise than by name are all of them."""
    groups = frozenset(name.name for name in tree.find_all(nodes.Name) if name.name in GROUPS)
    uses = sum(1 for name in tree.find_all(nodes.Name) if name.name == "traits")
    named: list[str] = []
    for by_attribute in tree.find_all(nodes.Getattr):
        if _is_traits(by_attribute.node):
            named.append(by_attribute.attr)
    for by_item in tree.find_all(nodes.Getitem):
        if _is_traits(by_item.node) and isinstance(by_item.arg, nodes.Const) and isinstance(by_item.arg.value, str):
            named.append(by_item.arg.value)
    return Reads(groups, frozenset(named) if len(named) == uses else None)


def _is_traits(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "traits"


def together(reads: Iterable[Reads]) -> Reads:
    """What several templates read."""
    groups: frozenset[str] = frozenset()
    traits: frozenset[str] | None = frozenset()
    for one in reads:
        groups |= one.groups
        traits = None if traits is None or one.traits is None else traits | one.traits
    return Reads(groups, traits)
