"""Templates are found by name, channel and language."""

from __future__ import annotations

import pytest

from templates.catalogue import Catalogue, NotATemplate, Place, place_of


def catalogue(*keys: str) -> Catalogue:
    return Catalogue(dict.fromkeys(keys, ""))


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("thanks/email.subject", Place("thanks", "email", None, "subject")),
        ("thanks/email.ru.html", Place("thanks", "email", "ru", "html")),
        ("cat_home_2/push.pt-br.txt", Place("cat_home_2", "push", "pt-br", "txt")),
    ],
)
def test_a_key_says_what_it_is(key: str, place: Place) -> None:
    assert place_of(key) == place


@pytest.mark.parametrize(
    "key",
    [
        "email.txt",
        "thanks/email",
        "thanks/email.doc",
        "thanks/email.ru.lv.txt",
        "thanks/email.RU.txt",
        "Thanks/email.txt",
        "thanks/sub/email.txt",
        "../thanks/email.txt",
        "thanks/email.txt\n",
        "thanks/.txt",
        "",
    ],
)
def test_another_path_is_no_template(key: str) -> None:
    with pytest.raises(NotATemplate):
        place_of(key)


def test_each_part_is_in_the_language_or_else_in_the_one_without() -> None:
    found = catalogue("a/email.subject", "a/email.txt", "a/email.html", "a/email.ru.txt", "a/email.ru.subject")
    plain = {"subject": "a/email.subject", "html": "a/email.html", "txt": "a/email.txt"}
    russian = {"subject": "a/email.ru.subject", "html": "a/email.html", "txt": "a/email.ru.txt"}
    assert [found.parts_for("a", "email", language) for language in (None, "", "lv", "x" * 99)] == [plain] * 4
    assert [found.parts_for("a", "email", language) for language in ("ru", "RU", "ru-RU", "ru_RU")] == [russian] * 4


def test_a_region_goes_before_its_language() -> None:
    found = catalogue("a/sms.txt", "a/sms.pt.txt", "a/sms.pt-br.txt")
    assert found.parts_for("a", "sms", "pt-BR") == {"txt": "a/sms.pt-br.txt"}
    assert found.parts_for("a", "sms", "pt-PT") == {"txt": "a/sms.pt.txt"}


def test_a_region_takes_what_it_lacks_from_its_language() -> None:
    found = catalogue("a/email.subject", "a/email.txt", "a/email.pt.txt", "a/email.pt-br.subject")
    assert found.parts_for("a", "email", "pt-BR") == {"subject": "a/email.pt-br.subject", "txt": "a/email.pt.txt"}


def test_what_is_not_there_has_no_parts() -> None:
    found = catalogue("a/sms.ru.txt")
    assert found.parts_for("a", "email", None) == {}
    assert found.parts_for("b", "sms", None) == {}
    assert found.parts_for("a", "sms", "lv") == {}
    assert found.parts_for("a", "sms", "ru") == {"txt": "a/sms.ru.txt"}


def test_the_catalogue_lists_what_it_has() -> None:
    found = catalogue("b/sms.txt", "a/sms.txt", "a/email.txt", "a/email.ru.txt")
    assert found.names == ("a", "b")
    assert found.channels("a") == ("email", "sms")
    assert found.languages("a", "email") == (None, "ru")
    assert found.languages("a", "push") == ()
