"""What a template is given."""

from __future__ import annotations

import pytest

from events.errors import RenderFailed
from templates.context import LINK_FIELDS, OFFER_FIELDS, PROFILE_FIELDS, SENDER_FIELDS, build_context
from tests.templates.letters import ITEMS, given, text_of

NOTHING = build_context(profile={}, traits={}, event=None, offer=None, links={}, sender={})


@pytest.mark.parametrize(
    ("group", "fields"),
    [
        ("customer", PROFILE_FIELDS),
        ("offer", OFFER_FIELDS),
        ("links", LINK_FIELDS),
        ("sender", SENDER_FIELDS),
        ("event", ("anything", "order_id", "items")),
    ],
)
def test_what_is_not_known_is_null(group: str, fields: tuple[str, ...]) -> None:
    source = "".join(f"{{% if {group}.{field} is none %}}null {{% endif %}}" for field in fields)
    assert text_of(source, NOTHING) == "null " * len(fields)


def test_without_a_cause_there_are_no_items_and_no_event() -> None:
    assert text_of("{{ items | length }}{{ 'event' if event }}{{ 'offer' if offer }}{{ event.a.b }}", NOTHING) == "0"


def test_the_cause_is_given_with_its_items() -> None:
    assert text_of("{{ event.total }} {{ event.items | length }} {{ items[1].name }} {{ items[0].brand is none }}") == (
        "129.7 2 cat house yes"
    )


@pytest.mark.parametrize("odd", [None, "text", 5, {"a": 1}])
def test_items_that_are_no_list_are_none(odd: object) -> None:
    assert text_of("{{ items | length }}", given(event={"items": odd})) == "0"


def test_items_that_are_no_groups_are_given_as_they_are() -> None:
    assert text_of("{{ items | join(' ') }}", given(event={"items": ["a", 1, None]})) == "a 1"


def test_a_declared_profile_field_is_given() -> None:
    assert text_of("{{ customer.pet_name }}", given(profile={"pet_name": "Murr"})) == "Murr"


def test_only_an_offers_own_fields_are_given() -> None:
    context = given(offer={"code": "A", "until": "end_of_month"})
    assert text_of("{{ offer.code }}{{ offer.until is none }}", context) == "Ayes"


def test_a_trait_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RenderFailed, match="a group of fields has no 'ordrs'"):
        text_of("{{ traits.ordrs }}", NOTHING)


def test_a_link_of_ones_own_is_given() -> None:
    assert text_of("{{ links.shop }}", given(links={"shop": "https://shop.example"})) == "https://shop.example"


def test_what_is_given_is_left_as_it_was() -> None:
    event = {"items": [dict(item) for item in ITEMS], "total": 1.5}
    context = given(event=event)
    text_of("{{ event.total }}{{ items[0].none }}", context)
    assert event == {"items": ITEMS, "total": 1.5}
