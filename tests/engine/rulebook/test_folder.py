"""From a folder to definitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.rulebook.folder import load_folder
from engine.rulebook.rulebook import Rulebook
from events.schema import Fields
from projections.definitions import Bands, Cases, TraitKind, ValuesOf
from projections.expressions.tree import Kind, Node, Ref
from projections.expressions.unparse import unparse
from tests.engine.rulebook.folders import FILES, SHOP, TEMPLATES, load, problems, write
from triggers.definitions import Cap, MessageDef, Offer, On, Once, OnKind, QuietHours

DAY_MS = 86_400_000
PARTS = "the parts of a template are subject, html, txt"
NAMED = "templates are called NAME/CHANNEL[.LANGUAGE].PART, as thanks/email.ru.html"


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Rulebook:
    return load(tmp_path)


def test_traits(shop: Rulebook) -> None:
    traits = shop.world.traits
    assert {str(trait.kind) for trait in traits.values()} == {str(kind) for kind in TraitKind}
    cheapest = traits["cheapest"]
    assert (cheapest.types, cheapest.path, cheapest.list_depth) == (("order_completed",), ("items", "price"), 1)
    assert (cheapest.value, cheapest.nullable, cheapest.within_ms) == (Kind.NUMBER, True, None)
    touches = traits["touches"]
    assert (touches.types, touches.path, touches.within_ms) == (("page_viewed", "product_viewed"), (), 30 * DAY_MS)
    assert (traits["bought"].value, traits["bought"].element, traits["bought"].limit) == (Kind.SET, Kind.TEXT, 50)
    assert (traits["latest"].value, traits["latest"].element, traits["latest"].limit) == (Kind.LIST, Kind.TEXT, 5)
    assert (traits["favourite"].half_life_ms, traits["favourite"].value) == (60 * DAY_MS, Kind.TEXT)
    assert (traits["booked"].value, traits["last_order_at"].value) == (Kind.DATE, Kind.TIME)
    assert (traits["orders"].nullable, traits["spend"].nullable, traits["basket"].nullable) == (False, False, True)
    average = traits["average"]
    assert (average.value, average.nullable) == (Kind.NUMBER, True)
    assert traits["age"].formula is not None
    assert traits["age"].formula.moving


def test_a_formula_that_moves_makes_its_name_move(shop: Rulebook) -> None:
    ages = [node for node in shop.world.segments["old"].when.walk() if isinstance(node, Ref) and node.path == ("age",)]
    assert [age.moving for age in ages] == [True]


def test_segments_and_dimensions(shop: Rulebook) -> None:
    lapsing = shop.world.segments["lapsing"]
    assert lapsing.leaves_when is not None
    assert unparse(lapsing.leaves_when) == "days_since(last_order_at) < 10"
    dimensions = shop.world.dimensions
    assert list(dimensions) == ["lifecycle", "value", "recency", "taste"]
    assert isinstance(dimensions["lifecycle"].form, Cases)
    assert dimensions["lifecycle"].values == ("advocate", "repeat", "lead")
    recency = dimensions["recency"].form
    assert isinstance(recency, Bands)
    assert (recency.at, recency.missing) == ((30_000_000, 90_000_000), "never")
    value = dimensions["value"].form
    assert isinstance(value, Bands)
    assert (value.at, value.missing) == ((50_000_000, 200_500_000), None)
    assert isinstance(dimensions["taste"].form, ValuesOf)
    assert dimensions["taste"].values is None


def test_a_trigger_says_all_it_can(shop: Rulebook) -> None:
    thanks = shop.rules.triggers["thanks"]
    assert thanks.on == On(kind=OnKind.ENTERS, name="cat_home", canonical='{"enters":"cat_home"}')
    assert (thanks.after_ms, thanks.at_ms) == (14 * DAY_MS, 10 * 3_600_000)
    assert [on.kind for on in thanks.cancel_when] == [OnKind.ENTERS, OnKind.EVENT]
    assert (thanks.even_if_left, thanks.include_existing, thanks.priority) == (True, True, -5)
    assert (thanks.once, thanks.holdout, thanks.salt) == (Once.PER_CUSTOMER, 125_000, "spring")
    assert (thanks.expires_after_ms, thanks.paused) == (3 * DAY_MS, False)
    assert thanks.message == MessageDef(
        template="thanks",
        channels=("email", "sms"),
        offer=Offer(code="CATFOOD10", percent=10_000_000, category="cat_food", until="end_of_month"),
    )
    assert thanks.goal is not None
    assert (thanks.goal["event"], thanks.goal["within_ms"]) == ("order_completed", 30 * DAY_MS)
    assert isinstance(thanks.goal["where"], Node)


def test_other_triggers(shop: Rulebook) -> None:
    triggers = shop.rules.triggers
    step_down, goodbye, receipt = triggers["step_down"], triggers["goodbye"], triggers["receipt"]
    assert step_down.on.canonical == '{"moves":{"dimension":"value","from":"high"}}'
    assert (step_down.on.from_value, step_down.on.to_value, step_down.once) == ("high", None, 30 * DAY_MS)
    assert step_down.message.offer == Offer(code="X", amount=2_500_000, until=14 * DAY_MS)
    assert goodbye.message.offer == Offer(code="Y", until=("date", 20_811))
    assert goodbye.paused
    assert receipt.on.canonical == '{"event":"order_completed","where":"event.gift == true"}'
    assert receipt.message.purpose == "transactional"
    assert receipt.once is Once.PER_CAUSE


def test_the_policy(shop: Rulebook) -> None:
    policy = shop.rules.policy
    assert policy.time_zone == shop.world.time_zone == "Europe/Riga"
    assert policy.quiet_hours == QuietHours(
        from_ms=21 * 3_600_000, to_ms=9 * 3_600_000, applies_to=frozenset({"marketing", "transactional"})
    )
    assert policy.caps == (
        Cap(at_most=2, per_ms=7 * DAY_MS, purpose="marketing"),
        Cap(at_most=1, per_ms=DAY_MS, channel="sms", trigger="thanks"),
    )
    assert policy.links["survey"] == "https://petshop.example/survey"


def test_declared_types_and_fields(shop: Rulebook) -> None:
    assert shop.declared == {
        "order_completed": Fields({"gift": "flag"}),
        "visit_booked": Fields({"at": "time", "day": "date", "paid": "flag", "price": "number", "room": "text"}),
        "profile_updated": Fields({"shoe_size": "number"}),
    }
    assert shop.world.types["visit_booked"].fields["day"] is Kind.DATE
    assert shop.world.types["order_completed"].fields["gift"] is Kind.FLAG
    assert shop.world.types["order_completed"].required == {"order_id", "total"}
    assert shop.world.profile["shoe_size"] is Kind.NUMBER
    assert shop.world.profile["birthday"] is Kind.DATE
    assert "tick" not in shop.world.types


def test_templates(shop: Rulebook) -> None:
    assert shop.templates == {key.removeprefix("templates/"): text for key, text in sorted(TEMPLATES.items())}


def test_stock_templates_are_taken_whole_and_only_where_used(tmp_path: Path) -> None:
    stock = {"hello/sms.txt": "stock hello", "thanks/sms.txt": "stock thanks", "unused/sms.txt": "no"}
    shop = SHOP.replace(
        "{template: thanks, channels: [sms], offer: {code: Y", "{template: hello, channels: [sms], offer: {code: Y"
    )
    rulebook = load_folder(write(tmp_path, {**FILES, "shop.yaml": shop}), stock=stock)
    assert rulebook.templates["hello/sms.txt"] == "stock hello"
    assert rulebook.templates["thanks/sms.txt"] == "Thanks"
    assert "unused/sms.txt" not in rulebook.templates


def test_an_empty_rulebook_is_one(tmp_path: Path) -> None:
    rulebook = load(tmp_path, {"empty.yaml": "# nothing yet\n"})
    assert (rulebook.world.traits, rulebook.rules.triggers, rulebook.world.time_zone) == ({}, {}, "UTC")


def test_flags_are_yes_no_true_false(tmp_path: Path) -> None:
    for word, flag in (("yes", True), ("no", False), ("true", True), ("false", False)):
        shop = SHOP.replace("paused: yes", f"paused: {word}")
        assert load(tmp_path, {**FILES, "shop.yaml": shop}).rules.triggers["goodbye"].paused is flag


def test_aliases_are_written_out(tmp_path: Path) -> None:
    text = "traits: {a: &a {count: order_completed, within: 1d}, b: *a}"
    traits = load(tmp_path, {"a.yaml": text}).world.traits
    assert traits["a"].within_ms == traits["b"].within_ms == DAY_MS


def test_files_merge(tmp_path: Path) -> None:
    files = {
        "a.yaml": "traits: {orders: {count: order_completed}}\n",
        "b.yaml": "segments: {buyer: {when: orders >= 1}}\ntraits: {spend: {sum: order_completed.total}}\n",
    }
    rulebook = load(tmp_path, files)
    assert (list(rulebook.world.traits), list(rulebook.world.segments)) == (["orders", "spend"], ["buyer"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, ".:1:1: a rulebook is a folder with *.yaml files; found none"),
        ({"a.yml": "traits: {}"}, "a.yml:1:1: rulebook files end with .yaml; rename it to a.yaml"),
        ({"a.yaml": b"traits:\n  a\xff: {}"}, "a.yaml:2:4: a rulebook is UTF-8 text; found the byte 0xff"),
        ({"a.yaml": "#" + " " * (1 << 20)}, "a.yaml:1:1: a file has at most 1 MiB; split this one"),
        (
            {"a.yaml": "", "templates/x/email.body": "x"},
            f"templates/x/email.body:1:1: {PARTS}; found 'body' in 'x/email.body'",
        ),
        (
            {"a.yaml": "", "templates/sms.txt": "x"},
            f"templates/sms.txt:1:1: {NAMED}; found 'sms.txt'",
        ),
    ],
)
def test_files_that_are_refused(tmp_path: Path, files: dict[str, str | bytes], message: str) -> None:
    assert problems(tmp_path, files) == message


ASKING = """
traits: {orders: {count: order_completed}}
triggers:
  asked: {on: {event: order_completed}, message: {template: ask, channels: [sms]}}
"""


def test_a_template_is_rendered_whatever_is_wrong_elsewhere(tmp_path: Path) -> None:
    ask = {"templates/ask/sms.txt": "{{ traits.ordrs }}"}
    fault = "templates/ask/sms.txt:1:1: traits has no 'ordrs'; did you mean 'orders'?"
    broken = {
        "b.yaml": "segments: {s: {when: ordrs > 1}}\n",
        "c.yaml": "triggers: {t: {on: {event: order_completed}}}\n",
    }
    found = problems(tmp_path, {"a.yaml": ASKING, **broken, **ask}).splitlines()
    assert [line for line in found if not line.startswith(" ")] == [
        "b.yaml:1:22: no trait, segment or dimension is called 'ordrs'; did you mean 'orders'?",
        "c.yaml:1:15: the trigger 't' needs 'message'",
        fault,
    ]


@pytest.mark.parametrize(
    "broken",
    [
        "traits: {ordrs: {count: order_complete}}",
        "traits: {ordrs: {formula: spend}}",
        "segments: {ordrs: {when: orders > 1}}\ntraits: {ordrs: {count: order_refunded}}",
        "traits: {ordrs: {count: order_refunded}",
        "trait: {ordrs: {count: order_refunded}}",
    ],
)
def test_a_template_is_not_blamed_for_what_it_names(tmp_path: Path, broken: str) -> None:
    found = problems(tmp_path, {"a.yaml": ASKING, "b.yaml": broken, "templates/ask/sms.txt": "{{ traits.ordrs }}"})
    assert found.startswith("b.yaml:")
    assert "sms.txt" not in found


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert problems(tmp_path / "none", {}).endswith("there is no such folder")


def test_a_rulebook_too_large_compressed(tmp_path: Path) -> None:
    noise = {
        f"templates/t{i}/sms.txt": "".join(chr(0x4E00 + (i * 7919 + j * j * 31) % 20_000) for j in range(9_000))
        for i in range(80)
    }
    found = problems(tmp_path, {"a.yaml": "", **noise})
    assert found.startswith(".:1:1: a rulebook with its templates has at most 921,600 bytes compressed; this one has ")
