"""Templates are checked against what triggers will give them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from projections.definitions import FieldKinds, TraitDef, TraitKind
from projections.expressions.tree import Kind
from templates.catalogue import stock
from templates.check import Request, check_templates

ITEM = FieldKinds(
    fields={"sku": Kind.TEXT, "name": Kind.TEXT, "price": Kind.NUMBER, "quantity": Kind.NUMBER},
    required=frozenset({"sku"}),
)
ORDER = FieldKinds(
    fields={"order_id": Kind.TEXT, "total": Kind.NUMBER, "currency": Kind.TEXT, "items": ITEM},
    required=frozenset({"order_id", "total"}),
)
TRAITS = {
    "orders": TraitDef(name="orders", kind=TraitKind.COUNT, value=Kind.NUMBER),
    "nps": TraitDef(name="nps", kind=TraitKind.LAST, value=Kind.NUMBER, nullable=True),
    "bought": TraitDef(name="bought", kind=TraitKind.SET, value=Kind.SET, element=Kind.TEXT),
    "last_order_at": TraitDef(name="last_order_at", kind=TraitKind.LAST_AT, value=Kind.TIME, nullable=True),
}
REQUEST = Request(
    trigger="t",
    template="a",
    channels=("sms",),
    profile={"pet_name": Kind.TEXT},
    traits=TRAITS,
    event=ORDER,
    offer={"code": "CAT10", "percent": 10},
    links={"unsubscribe": "https://shop.example/stop", "shop": "https://shop.example"},
    sender={"name": "Petshop"},
)


def faults(source: str, request: Request = REQUEST, key: str = "a/sms.txt") -> list[tuple[int, str]]:
    found = check_templates({"a/email.subject": "x", key: source}, [request])
    assert [one for one, _, _ in found if one != key] == []
    return [(line, message) for _, line, message in found]


@pytest.mark.parametrize(
    "source",
    [
        "{{ customer.first_name }}{{ customer.pet_name }}{{ customer.birthday | long_date }}.",
        "{{ traits.orders }}{{ traits.nps }}{{ traits.bought | sentence }}{{ traits.last_order_at | long_date }}",
        "{{ event.total | money(event.currency) }}{% for item in items %}{{ item.name }}{{ item.price }}{% endfor %}",
        "{{ offer.code }}{{ offer.percent + 1 }}{{ offer.expires_on | long_date }}{{ offer.amount }}",
        "{{ event.region | default }}{{ event.region is defined }}",
        "{{ links.unsubscribe }}{{ links.survey }}{{ links.shop }}{{ sender.name }}{{ sender.email }}",
        "{% if items %}{% set customer = items[0] %}{{ customer.sku }}{% endif %}x",
    ],
)
def test_what_can_be_given_is_no_fault(source: str) -> None:
    assert faults(source) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ customer.frist_name }}", "customer has no 'frist_name'; did you mean 'first_name'?"),
        ("{{ traits.ordrs }}", "traits has no 'ordrs'; did you mean 'orders'?"),
        ("{{ traits['ordrs'] }}", "traits has no 'ordrs'; did you mean 'orders'?"),
        ("{{ event.totl }}", "event has no 'totl'; did you mean 'total'?"),
        ("{{ offer.until }}", "offer has no 'until'"),
        ("{{ links.shopp }}", "links has no 'shopp'; did you mean 'shop'?"),
        ("{{ sender.mail }}", "sender has no 'mail'; did you mean 'email'?"),
        ("{{ 'x' if true else traits.ordrs }}", "traits has no 'ordrs'; did you mean 'orders'?"),
        ("{% if traits.orders > 999 %}{{ event.totl }}{% endif %}x", "event has no 'totl'; did you mean 'total'?"),
        ("{% for item in items %}{{ item.nmae }}{% endfor %}x", "a group of fields has no 'nmae'"),
        ("{{ traits.bought }}", "a list cannot be written as it is; say how: `| sentence`, `| join(', ')` or a loop"),
        ("{{ event.order_id + 1 }}", "a number belongs here; found a text"),
    ],
)
def test_what_cannot_be_given_is_told_with_its_line(source: str, message: str) -> None:
    assert faults("Hi\n" + source) == [(2, message)]


def test_a_message_that_only_works_with_everything_known_is_told() -> None:
    assert faults("{{ traits.nps }}") == [
        (1, "nothing was written; a part cannot be empty (when all that may be null is null)")
    ]
    assert faults("\n{{ items[0].name }}.") == [
        (2, "there is no item 0 in a list of 0 (when all that may be null is null)")
    ]
    assert faults("{{ traits.orders }}") == []


def test_without_an_event_type_every_event_field_may_be_read() -> None:
    request = replace(REQUEST, event=None)
    assert faults("{{ event.whatever }}{{ items | length }}", request) == []


def test_without_an_offer_its_fields_are_null() -> None:
    request = replace(REQUEST, offer=None)
    assert faults("{{ offer.code }}{{ offer.expires_on | long_date }}.", request) == []
    assert faults("{{ offer.cod }}.", request) == [(1, "offer has no 'cod'; did you mean 'code'?")]


def test_every_language_and_channel_is_rendered() -> None:
    request = replace(REQUEST, channels=("sms", "push"))
    found = check_templates(
        {
            "a/sms.txt": "x",
            "a/sms.ru.txt": "{{ traits.x }}",
            "a/push.txt": "{{ traits.y }}",
            "a/sms.xx.txt": "{{ 1 | number }}",
        },
        [request],
    )
    assert [(key, line) for key, line, _ in found] == [("a/push.txt", 1), ("a/sms.ru.txt", 1), ("a/sms.xx.txt", 1)]
    assert "how the language 'xx' writes" in found[2][2]


def test_a_template_that_nothing_asks_for_is_still_compiled() -> None:
    assert check_templates({"b/sms.txt": "{% if %}"}, []) == [
        ("b/sms.txt", 1, "Expected an expression, got 'end of statement block'")
    ]


def test_a_template_that_does_not_exist_is_told() -> None:
    assert check_templates({"thanks/sms.txt": "x"}, [replace(REQUEST, template="thank")]) == [
        ("thank/sms", 1, "trigger 't' asks for the template 'thank', which does not exist; did you mean 'thanks'?")
    ]


def test_a_broken_template_is_told_once_and_not_as_missing() -> None:
    found = check_templates({"a/sms.txt": "{{ x"}, [REQUEST, replace(REQUEST, trigger="other")])
    assert [(key, line) for key, line, _ in found] == [("a/sms.txt", 1)]


@pytest.mark.parametrize(
    ("templates", "channel", "told"),
    [
        ({"a/email.txt": "x"}, "email", "trigger 't' needs subject for the channel 'email'"),
        ({"a/email.subject": "x"}, "email", "trigger 't' needs html or txt for the channel 'email'"),
        ({"a/email.subject": "x"}, "sms", "trigger 't' needs txt for the channel 'sms'"),
        ({"a/sms.ru.txt": "x"}, "sms", "trigger 't' needs txt for the channel 'sms'"),
    ],
)
def test_a_part_that_is_lacking_is_told(templates: dict[str, str], channel: str, told: str) -> None:
    assert check_templates(templates, [replace(REQUEST, channels=(channel,))]) == [(f"a/{channel}", 1, told)]


def test_a_marketing_mail_must_write_where_to_stop_it() -> None:
    mail = replace(REQUEST, channels=("email",))
    told = [(1, "a marketing e-mail must write links.unsubscribe, by which its reader can stop it")]
    assert faults("Hello", mail, "a/email.txt") == told
    assert faults("{% if not traits.nps %}{{ links.unsubscribe }}{% endif %}x", mail, "a/email.txt") == told
    sparse = [(1, f"{told[0][1]} (when all that may be null is null)")]
    assert faults("{% if traits.nps %}{{ links.unsubscribe }}{% endif %}x", mail, "a/email.txt") == sparse
    assert faults('<a href="{{ links.unsubscribe }}">x</a>', mail, "a/email.html") == []
    assert faults("Hello", replace(mail, marketing=False), "a/email.txt") == []


def test_a_marketing_mail_needs_the_link_in_the_policy() -> None:
    mail = replace(REQUEST, channels=("email",), links={})
    assert faults("{{ links.unsubscribe }}.", mail, "a/email.txt") == [
        (1, "a marketing e-mail needs policy.links.unsubscribe, by which its reader can stop it")
    ]


def test_a_link_that_ends_in_a_query_is_found_in_html_too() -> None:
    mail = replace(REQUEST, channels=("email",), links={"unsubscribe": "https://shop.example/?a=1&b='2'&c="})
    assert faults('<a href="{{ links.unsubscribe }}">x</a>', mail, "a/email.html") == []


@pytest.mark.parametrize("marketing", [True, False])
@pytest.mark.parametrize("event", [ORDER, None, FieldKinds(fields={"code": Kind.TEXT}, required=frozenset({"code"}))])
@pytest.mark.parametrize("offer", [None, {"code": "A"}, {"code": "A", "amount": 5}, {"code": "A", "percent": 10}])
def test_the_stock_templates_have_no_fault(
    *, marketing: bool, event: FieldKinds | None, offer: dict[str, object] | None
) -> None:
    requests = [
        replace(REQUEST, template=name, channels=("email", "sms"), marketing=marketing, event=event, offer=offer)
        for name in ("thanks", "feedback_request", "discount", "thanks_feedback_discount")
    ]
    assert check_templates(stock(), requests) == []
