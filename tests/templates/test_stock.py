"""The letters that come with Strand read well with everything and with next to nothing."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from templates.catalogue import stock
from templates.context import build_context
from templates.plain import Variables
from templates.render import Renderer
from tests.templates.letters import given

NAMES = ("discount", "feedback_request", "thanks", "thanks_feedback_discount")
PARTS = ("email.html", "email.subject", "email.txt", "sms.txt")
FOOT = "{% if sender.name or links.unsubscribe %}"
VOID = frozenset({"meta", "br", "img", "hr", "link", "input"})
RENDERER = Renderer(stock())

FULL = given(links={"unsubscribe": "https://shop.example/stop?c=1&m=2", "survey": "https://shop.example/survey"})
BARE = build_context(profile={}, traits={}, event=None, offer=None, links={}, sender={})


class Structure(HTMLParser):
    """Which tags are open, which ones were ever, and the links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []
        self.tables_without_role = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        given_attributes = dict(attrs)
        if tag == "a":
            self.links.append(given_attributes.get("href") or "")
        if tag == "table" and given_attributes.get("role") != "presentation":
            self.tables_without_role += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def structure(html: str) -> Structure:
    parser = Structure()
    parser.feed(html)
    parser.close()
    return parser


def test_each_letter_has_each_part() -> None:
    assert set(stock()) == {f"{name}/{part}" for name in NAMES for part in PARTS}


@pytest.mark.parametrize("context", [FULL, BARE], ids=["full", "bare"])
@pytest.mark.parametrize("name", NAMES)
def test_no_letter_shows_what_it_does_not_know(name: str, context: Variables) -> None:
    parts = {**RENDERER.render(name, "email", None, context), "sms": RENDERER.render(name, "sms", None, context)["txt"]}
    for part, text in parts.items():
        visible = text.partition("</head>")[2] if part == "html" else text
        assert "None" not in visible
        assert "{" not in visible
        assert "  " not in visible.strip() or part == "html"
        assert " ." not in visible
        assert " ," not in visible
        assert "\n\n\n" not in text.strip() or part == "html"


@pytest.mark.parametrize("context", [FULL, BARE], ids=["full", "bare"])
@pytest.mark.parametrize("name", NAMES)
def test_each_letters_html_is_well_formed_and_accessible(name: str, context: Variables) -> None:
    html = RENDERER.render(name, "email", None, context)["html"]
    found = structure(html)
    assert found.open == []
    assert found.seen.count("h1") == 1
    assert found.tables_without_role == 0
    assert '<html lang="en">' in html
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html
    assert "<title>" in html
    assert "http-equiv" not in html
    assert "<script" not in html
    assert len(html.encode()) < 100_000  # mail programs cut longer letters


@pytest.mark.parametrize("name", NAMES)
def test_each_letter_says_who_sent_it_and_how_to_stop_it(name: str) -> None:
    mail = RENDERER.render(name, "email", None, FULL)
    assert "https://shop.example/stop?c=1&m=2" in mail["txt"]
    assert "https://shop.example/stop?c=1&m=2" in structure(mail["html"]).links
    assert "mailto:hello@petshop.example" in structure(mail["html"]).links
    assert "Petshop" in mail["txt"]
    sms = RENDERER.render(name, "sms", None, FULL)["txt"]
    assert sms.startswith("Petshop: ")
    assert sms.endswith("https://shop.example/stop?c=1&m=2")
    assert "\n" not in sms


def test_the_letter_of_the_cat_scenario() -> None:
    mail = RENDERER.render("thanks_feedback_discount", "email", None, FULL)
    assert mail["subject"] == "Ann, thank you! Three questions, and 10% off cat food"
    assert mail["txt"] == (
        """Hi Ann,

thank you for choosing the scratching post and cat house. By now you know how well you chose, and we would
like to know it too:

- Quality: is everything well made, and just what you expected?
- Price: was it worth what you paid?
- Delivery: did it come on time and in one piece?

Share your thoughts: https://shop.example/survey

Your bonus card is waiting. Come by again and pick it up at the till: it collects points with everything you buy.

And to say thank you properly:

10% off cat food
Your code: CATFOOD10
Valid until 31 March 2026.
Enter the code at checkout, or show it in the shop.

--
Sent by Petshop, hello@petshop.example.
No more e-mails like this one? Unsubscribe: https://shop.example/stop?c=1&m=2
"""
    )
    for words in ("scratching post and cat house", "Quality", "Price", "Delivery", "bonus card", "31 March 2026"):
        assert words in mail["html"]


def test_an_offer_of_an_amount_names_its_currency_if_the_event_does() -> None:
    offer = {"code": "FIVE", "amount": 5}
    assert RENDERER.render("discount", "email", None, given(offer=offer))["subject"] == "€5.00 off for you, Ann"
    assert (
        RENDERER.render("discount", "email", None, given(offer=offer, event=None))["subject"] == "5.00 off for you, Ann"
    )


def test_a_list_of_products_is_cut_at_twelve() -> None:
    items = [{"name": f"product {n}", "quantity": 2} for n in range(100)]
    html = RENDERER.render("thanks", "email", None, given(event={"items": items}))["html"]
    assert html.count("product ") == 12


def frame(html: str) -> list[str]:
    """What stands around what a letter says: the head without its title, the top of the card, the foot."""
    lines = html.splitlines()
    top = lines[lines.index("<!doctype html>") : next(n for n, line in enumerate(lines) if "<h1" in line)]
    foot = lines[next(n for n, line in enumerate(lines) if FOOT in line) :]
    return [line for line in top if "<title>" not in line and "display: none" not in line] + foot


def test_the_letters_share_one_frame() -> None:
    first, *others = [frame(stock()[f"{name}/email.html"]) for name in NAMES]
    assert len(first) > 50
    assert all(other == first for other in others)
