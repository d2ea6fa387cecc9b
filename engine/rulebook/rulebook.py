"""A rulebook that can be run: its definitions, templates, canonical form and hashes."""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.rulebook.canonical import VERSION, canonical_rules, canonical_world, dump
from engine.rulebook.expressions import Expressions
from engine.rulebook.nodes import CANONICAL, Node, Scalar, Sequence, Source
from engine.rulebook.nodes import Mapping as MappingNode
from engine.rulebook.policy import PolicyReader
from engine.rulebook.problems import Problems
from engine.rulebook.reading import Reading
from engine.rulebook.schema import read_schema
from engine.rulebook.sections import merge
from engine.rulebook.template_files import check_messages, with_stock
from engine.rulebook.triggers import TriggerReader
from engine.rulebook.world import WorldReader
from events.errors import Problem, RulebookInvalid
from events.schema import Fields
from projections.definitions import WorldDef
from triggers.definitions import RulesDef

MAX_PACKED_BYTES = 900 * 1024
# What a packed rulebook may grow to: far above what 1 MiB files compress to in 900 KiB.
MAX_CANONICAL_BYTES = 64 << 20
# The layout of packed bytes: this byte, then xz of the canonical form.
_PACKED_VERSION = b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """What a rulebook says; equal rulebooks have equal `canonical` bytes.

    `declared` has the event types and fields it adds, in the form that the doors judge events by. `templates` are
    NAME/CHANNEL[.LANGUAGE].PART -> text. `hash` is the sha256 of `canonical` in hex, `world_hash` that of what the
    derived world depends on.
    """

    world: WorldDef
    rules: RulesDef
    declared: Mapping[str, Fields]
    templates: Mapping[str, str]
    canonical: bytes = field(repr=False)
    hash: str
    world_hash: str

    def packed(self) -> bytes:
        """The bytes that an activation records; `unpack` makes this rulebook of them."""
        return _PACKED_VERSION + lzma.compress(self.canonical)


@dataclass(frozen=True, slots=True)
class Definitions:
    """What the files say, before it has a canonical form.

    `renderable` are the triggers of which all is known that their messages are rendered with, whatever is wrong
    elsewhere.
    """

    world: WorldDef
    rules: RulesDef
    declared: Mapping[str, Fields]
    templates: Mapping[str, str]
    renderable: frozenset[str]


def define(
    documents: Iterable[Node],
    templates: Mapping[str, str],
    problems: Problems,
    *,
    stock: Mapping[str, str] | None = None,
    limited: bool = True,
    incomplete: bool = False,
) -> Definitions:
    """The definitions in some documents; use them only if `problems` stays empty.

    `limited` is off for documents that the engine itself wrote, `incomplete` on where others could not be read.
    """
    reading = Reading(problems, incomplete=incomplete)
    expressions = Expressions(reading, limited=limited)
    before = len(problems)
    sections = merge(documents, reading)
    schema = read_schema(sections, reading)
    known = len(problems) == before
    world = WorldReader(schema, reading, expressions).read(sections)
    triggers = TriggerReader(world, reading, expressions).read(sections)
    before = len(problems)
    policy = PolicyReader(reading, sections["triggers"]).read(sections)
    known = known and len(problems) == before and not reading.incomplete
    known = known and sections["traits"].keys() <= world.traits.keys()
    used = {trigger.definition.message.template for trigger in triggers.values()}
    all_templates = with_stock(templates, stock or {}, used)
    whole = check_messages(triggers.values(), all_templates, stock or {}, policy, reading)
    return Definitions(
        WorldDef(
            types=schema.types,
            profile=schema.profile,
            traits=dict(sorted(world.traits.items())),
            segments=dict(sorted(world.segments.items())),
            dimensions=world.dimensions,
            time_zone=policy.time_zone,
        ),
        RulesDef(triggers={name: triggers[name].definition for name in sorted(triggers)}, policy=policy),
        schema.declared,
        all_templates,
        frozenset(whole if known else ()),
    )


def rulebook_of(definitions: Definitions) -> Rulebook:
    """The rulebook of sound definitions, read back from its own canonical form."""
    document = {
        "version": VERSION,
        "rulebook": {
            **canonical_world(definitions.world, definitions.declared),
            **canonical_rules(definitions.rules),
        },
        "templates": dict(sorted(definitions.templates.items())),
    }
    return from_canonical(dump(document).encode())


def from_canonical(canonical: bytes) -> Rulebook:
    """The rulebook of a canonical form; raises RulebookInvalid if this engine cannot read it."""
    source = Source("the recorded rulebook")
    problems = Problems()
    try:
        document = json.loads(canonical)
        sections, templates, version = document["rulebook"], document["templates"], document["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RulebookInvalid([Problem(source.name, 1, 1, f"this is no rulebook: {error!r:.200}")]) from None
    if version != VERSION:
        message = f"its form has version {version!r:.20}; this engine reads version {VERSION}"
        raise RulebookInvalid([Problem(source.name, 1, 1, message)])
    definitions = define([_node(sections, source)], templates, problems, limited=False)
    if problems:
        raise RulebookInvalid(problems.sorted())
    world = {**canonical_world(definitions.world, definitions.declared), "time_zone": definitions.world.time_zone}
    return Rulebook(
        world=definitions.world,
        rules=definitions.rules,
        declared=definitions.declared,
        templates=definitions.templates,
        canonical=canonical,
        hash=hashlib.sha256(canonical).hexdigest(),
        world_hash=hashlib.sha256(dump(world).encode()).hexdigest(),
    )


def unpack(packed: bytes) -> Rulebook:
    """The rulebook that `packed` was made of, without its folder; raises RulebookInvalid for other bytes."""
    source = "the recorded rulebook"
    if packed[:1] != _PACKED_VERSION:
        raise RulebookInvalid([Problem(source, 1, 1, f"packed in a way this engine does not know: {packed[:1]!r}")])
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_CANONICAL_BYTES * 4)
    try:
        canonical = decompressor.decompress(packed[1:], max_length=MAX_CANONICAL_BYTES)
    except lzma.LZMAError as error:
        raise RulebookInvalid([Problem(source, 1, 1, f"its bytes are damaged: {error}")]) from None
    if not decompressor.eof:
        raise RulebookInvalid([Problem(source, 1, 1, "its bytes are cut off, or too many")])
    return from_canonical(canonical)


def _node(value: Any, source: Source) -> Node:
    """JSON as nodes without places; canonical forms are as deep as rulebooks, so recursion is bounded."""
    if isinstance(value, dict):
        entries = tuple((Scalar(source, 0, 0, key, CANONICAL), _node(inner, source)) for key, inner in value.items())
        return MappingNode(source, 0, 0, entries)
    if isinstance(value, list):
        return Sequence(source, 0, 0, tuple(_node(inner, source) for inner in value))
    return Scalar(source, 0, 0, str(value), CANONICAL)
