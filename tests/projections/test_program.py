"""A rulebook's program is source that a person reads: it names its rules, compiles, and errors point into it."""

from __future__ import annotations

import ast
import traceback
from typing import Any

import pytest

from events.data.shopping import Item
from projections.compiler import compile_world
from projections.decoding import ITEM_DEFAULTS
from tests.projections.lives import START, Life, program, rulebook, world

TRAITS = {
    "orders": "{count: order_completed}",
    "spend_9d": "{sum: order_completed.total, within: 9d}",
    "bought": "{set: order_completed.items.category}",
    "last_order_at": "{last_at: order_completed}",
}
TEXT = (
    world(TRAITS, rich="spend_9d > 5", lapsing="days_since(last_order_at) > 45", cats="'cats' in bought")
    + "dimensions:\n  value: {bands: spend_9d, at: [50, 200], names: [low, medium, high]}\n"
)


@pytest.mark.parametrize("plain", [False, True])
def test_the_source_compiles_and_names_its_rules(plain: bool) -> None:
    source = program(TEXT, plain=plain).source
    functions = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    assert {"on_order_completed", "on_page_viewed", "due", "bound", "expire", "entity_0"} <= functions
    for rule in ("orders", "bought", "segment rich", "segment lapsing", "dimension value"):
        assert any(line.strip().startswith(f"# {rule}") for line in source.splitlines()), rule


def test_a_comment_says_where_in_the_rulebook_a_rule_stands() -> None:
    comments = {line.strip() for line in program(TEXT).source.splitlines() if line.strip().startswith("#")}
    assert {
        "# orders traits.orders",
        "# segment rich segments.rich",
        "# dimension value dimensions.value",
    } <= comments


def test_a_handler_touches_only_what_its_type_changes() -> None:
    source = program(TEXT).source
    handler = ast.get_source_segment(source, function(source, "on_page_viewed"))
    assert handler is not None
    assert "spend_9d" not in handler.replace("expire", "")
    assert "last_seen_at" in handler


def function(source: str, name: str) -> ast.FunctionDef:
    [found] = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found


def test_an_error_in_a_rule_shows_its_line() -> None:
    life = Life(TEXT).order(START)
    life.state.spend_9d__sum = "broken on purpose"
    with pytest.raises(TypeError) as caught:
        life.order(START + 1)
    [*_, last] = traceback.extract_tb(caught.value.__traceback__)
    assert last.filename.startswith("<rulebook program")
    assert last.line is not None
    assert last.line.strip() in program(TEXT).source
    assert "spend_9d" in last.line


def test_two_programs_do_not_share_their_lines() -> None:
    files = set()
    for text in (TEXT, TEXT.replace("45", "46")):
        compiled = compile_world(rulebook(text).world)
        code: Any = compiled.due
        files.add(code.__code__.co_filename)
    assert len(files) == 2


def test_the_same_rulebook_gives_the_same_source() -> None:
    assert compile_world(rulebook(TEXT).world).source == compile_world(rulebook(TEXT).world).source


def test_evidence_says_what_made_a_transition() -> None:
    life = Life(TEXT).order(START, 3, items=[{"sku": "s", "category": "dogs"}])
    life.order(START + 1, 4, items=[{"sku": "s", "category": "cats"}]).until(START + 100 * 86_400_000)
    told = {(name, now): life.evidence[place] for place, (_, name, _, now) in enumerate(life.moved)}
    assert told["rich", True] == {"spend_9d": [3, 7]}
    assert told["rich", False] == {"spend_9d": [7, 4]}
    assert told["cats", True] == {"bought": [[], ["cats"]]}
    assert told["lapsing", True] == {"last_order_at": [START + 1, START + 1]}
    assert told["value", "low"] == {"spend_9d": [0, 3]}


def test_an_item_that_leaves_a_field_out_is_to_the_fold_what_it_is_to_the_doors() -> None:
    item = Item.model_validate({"sku": "litter"})
    assert item.model_dump(exclude={"sku"}, exclude_none=True) == ITEM_DEFAULTS
