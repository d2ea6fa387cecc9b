"""The canonical form: what changes it, what does not, and that nothing is lost on the way there and back."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from engine.rulebook.rulebook import Rulebook, from_canonical, unpack
from events.errors import RulebookInvalid
from tests.engine.rulebook.folders import FILES, SHOP, TEMPLATES, load

Change = tuple[str, str]
HASH = "0ccc8df1d66eb090a21e76ab7d4b67da8c34c5da514928dfb286ebdb0f79d0b2"
WORLD_HASH = "0f13e73b233f5c7a4177d9d0578c1ec5da5287ab0baf2461f8cb10c91476ac79"


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Rulebook:
    return load(tmp_path / "shop")


def changed(folder: Path, *changes: Change) -> Rulebook:
    text = SHOP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load(folder, {**FILES, "shop.yaml": text})


def test_unpacked_is_the_very_same(shop: Rulebook) -> None:
    again = unpack(shop.packed())
    assert again == shop
    assert (again.canonical, again.hash, again.world_hash) == (shop.canonical, shop.hash, shop.world_hash)
    assert list(again.world.dimensions) == list(shop.world.dimensions)
    assert from_canonical(shop.canonical) == shop


def test_what_was_recorded_before_it_was_refused_is_still_read(shop: Rulebook) -> None:
    of_old = shop.canonical.replace(b'["low","medium","high"]', b'["low","low","high"]').replace(
        b'"from":"high"', b'"from":"high","to":"high"'
    )
    assert of_old.count(b'"low","low"') == of_old.count(b'"to":"high"') == 1
    assert from_canonical(of_old).canonical == of_old


def test_the_hash_is_known(shop: Rulebook) -> None:
    """Other bytes for the same rulebook would be a needless activation, and mean a new canonical version."""
    document = json.loads(shop.canonical)
    assert list(document) == ["version", "rulebook", "templates"]
    assert document["version"] == 1
    assert document["rulebook"]["traits"]["cheapest"] == {
        "min": "order_completed.items.price",
        "where": "item.category != 'gift' and event.total > 0",
    }
    assert document["rulebook"]["triggers"]["step_down"] == {
        "on": {"moves": {"dimension": "value", "from": "high"}},
        "once": "30d",
        "message": {"template": "thanks", "channels": ["sms"], "offer": {"code": "X", "amount": "2.5", "until": "2w"}},
    }
    assert shop.hash == HASH
    assert shop.world_hash == WORLD_HASH


@pytest.mark.parametrize(
    "change",
    [
        ("  shoe_size: number\n", "  shoe_size: number   # EU sizes\n\n"),
        ("average: {formula: spend / orders}", "average:\n    formula: 'spend/orders'"),
        ("when: orders >= 1}", 'when: "(orders) >= 1.0"}'),
        ("days_since(last_order_at) < 10", "(days_since( last_order_at )  < 10)"),
        ("after: 14d", "after: 2w"),
        ("after: 14d", "after: 13d24h"),
        ("holdout: 12.5%", "holdout: 12.50 %"),
        ("paused: yes", "paused: true"),
        ('at: "10:00"', "at: 10:00"),
        ("at: [50, 200.5]", "at: [50.0, 2005e-1]"),
        ("priority: -5", "priority: -05"),
        ("once: per_customer\n", "once: per_customer\n    paused: no\n"),
        ("[page_viewed, product_viewed]", "[product_viewed, page_viewed]"),
        ("limit: 50}", "limit: 050}"),
        ("applies_to: [marketing, transactional]", "applies_to: [transactional, marketing]"),
        ("bands: spend, at", "bands: (spend), at"),
    ],
)
def test_comments_layout_and_ways_to_write_change_nothing(tmp_path: Path, shop: Rulebook, change: Change) -> None:
    assert changed(tmp_path / "changed", change) == shop


def test_files_and_the_order_of_names_change_nothing(tmp_path: Path, shop: Rulebook) -> None:
    sections = ("\n" + SHOP).split("\n\n")
    parts = [part for part in sections if part.strip()]
    files = {f"{9 - index}.yaml": part.strip("\n") + "\n" for index, part in enumerate(parts)}
    assert load(tmp_path / "split", {**files, **TEMPLATES}) == shop
    segments = (
        "  buyer: {when: orders >= 1}\n",
        "  old: {when: age > 365 and lifecycle == 'repeat'}\n",
    )
    swapped = SHOP.replace(segments[1], "").replace(segments[0], segments[1] + segments[0])
    assert load(tmp_path / "swapped", {**FILES, "shop.yaml": swapped}) == shop


RECENCY = "  recency: {bands: days_since(last_order_at), at: [30, 90], names: [fresh, cooling, cold], missing: never}\n"
TASTE = "  taste: {values_of: favourite, missing: unknown}\n"
WORLD = [
    ("within: 90d}", "within: 91d}"),
    ("limit: 50", "limit: 51"),
    ("orders >= 1}", "orders > 1}"),
    ("shoe_size: number", "shoe_size: text"),
    ("paid: flag", "paid: text"),
    ("time_zone: Europe/Riga", "time_zone: Europe/Berlin"),
    ("{advocate: nps >= 9}, {repeat: orders >= 2}", "{repeat: orders >= 2}, {advocate: nps >= 9}"),
    ("at: [30, 90]", "at: [30, 91]"),
    ("missing: unknown", "missing: nothing"),
    (RECENCY + TASTE, TASTE + RECENCY),
]
WEEKLY = "    - {at_most: 2, per: 7d, purpose: marketing}\n"
DAILY = "    - {at_most: 1, per: 1d, channel: sms, trigger: thanks}\n"
RULES = [
    ("after: 14d", "after: 15d"),
    ("holdout: 12.5%", "holdout: 12.6%"),
    ("channels: [email, sms]", "channels: [sms, email]"),
    ("salt: spring", "salt: autumn"),
    ("  goodbye:", "  farewell:"),
    ("even_if_left: yes\n", "even_if_left: no\n"),
    ("until: end_of_month", "until: 31d"),
    ("until: 2026-12-24", "until: 2026-12-25"),
    ("priority: -5", "priority: 5"),
    ('to: "09:00"', 'to: "09:01"'),
    ("name: Petshop", "name: Pet shop"),
    ("event.total >= 10, within", "event.total >= 11, within"),
    (WEEKLY + DAILY, DAILY + WEEKLY),
]


@pytest.mark.parametrize("change", WORLD)
def test_what_the_world_depends_on_changes_both_hashes(tmp_path: Path, shop: Rulebook, change: Change) -> None:
    other = changed(tmp_path / "changed", change)
    assert other != shop
    assert other.hash != shop.hash
    assert other.world_hash != shop.world_hash


@pytest.mark.parametrize("change", RULES)
def test_what_only_deciding_depends_on_keeps_the_worlds(tmp_path: Path, shop: Rulebook, change: Change) -> None:
    other = changed(tmp_path / "changed", change)
    assert other != shop
    assert other.hash != shop.hash
    assert other.world_hash == shop.world_hash


def test_templates_belong_to_the_hash(tmp_path: Path, shop: Rulebook) -> None:
    other = load(tmp_path / "changed", {**FILES, "templates/thanks/sms.txt": "Thanks!"})
    assert other.hash != shop.hash
    assert other.world_hash == shop.world_hash


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"", "packed in a way this engine does not know: b''"),
        (b"\x07abc", "packed in a way this engine does not know: b'\\x07'"),
        (b"\x01abcdefghijklmnop", "its bytes are damaged: Input format not supported by decoder"),
        (b"\x01" + lzma.compress(b"{}")[:-4], "its bytes are cut off, or too many"),
        (b"\x01" + lzma.compress(b"\x00" * (65 << 20), preset=0), "its bytes are cut off, or too many"),
        (
            b"\x01" + lzma.compress(b"[]"),
            "this is no rulebook: TypeError('list indices must be integers or slices, not str')",
        ),
        (b"\x01" + lzma.compress(b"{}"), "this is no rulebook: KeyError('rulebook')"),
        (
            b"\x01" + lzma.compress(b'{"version": 2, "rulebook": {}, "templates": {}}'),
            "its form has version 2; this engine reads version 1",
        ),
        (
            b"\x01" + lzma.compress(b'{"version": 1, "rulebook": {"segments": {"a": {"when": "x"}}}, "templates": {}}'),
            "no trait, segment or dimension is called 'x'",
        ),
    ],
)
def test_other_bytes_are_refused(packed: bytes, message: str) -> None:
    with pytest.raises(RulebookInvalid) as caught:
        unpack(packed)
    assert str(caught.value) == f"the recorded rulebook:1:1: {message}"
