"""Dates, numbers, amounts and lists are written as the part's language does."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from events.errors import RenderFailed
from templates.languages import LANGUAGES, grouped, language_of, long_date, money, sentence
from tests.templates.letters import text_of

NBSP = "\N{NO-BREAK SPACE}"

WRITTEN = {
    "en": ("31 March 2026", "1,234.50", "€1,234.50", "a, b and c"),
    "ru": ("31 марта 2026 года", f"1{NBSP}234,50", f"1{NBSP}234,50{NBSP}€", "a, b и c"),
    "lv": ("2026. gada 31. marts", f"1{NBSP}234,50", f"1{NBSP}234,50{NBSP}€", "a, b un c"),
    "lt": ("2026 m. kovo 31 d.", f"1{NBSP}234,50", f"1{NBSP}234,50{NBSP}€", "a, b ir c"),
    "et": ("31. märts 2026", f"1{NBSP}234,50", f"1{NBSP}234,50{NBSP}€", "a, b ja c"),
    "de": ("31. März 2026", "1.234,50", f"1.234,50{NBSP}€", "a, b und c"),
    "fr": (
        "31 mars 2026",
        "1\N{NARROW NO-BREAK SPACE}234,50",
        f"1\N{NARROW NO-BREAK SPACE}234,50{NBSP}€",
        "a, b et c",
    ),
    "es": ("31 de marzo de 2026", "1.234,50", f"1.234,50{NBSP}€", "a, b y c"),
    "pl": ("31 marca 2026", f"1{NBSP}234,50", f"1{NBSP}234,50{NBSP}€", "a, b i c"),
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_language_writes_its_own_way(code: str) -> None:
    language = language_of(code)
    amount = Decimal("1234.5")
    assert WRITTEN[code] == (
        long_date("2026-03-31", language),
        grouped(amount, 2, language),
        money(amount, "EUR", language),
        sentence(["a", "b", "c"], language),
    )


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_language_names_twelve_months(code: str) -> None:
    first_days = [date(2026, month, 1) for month in range(1, 13)]
    written = {long_date(day.isoformat(), language_of(code)) for day in first_days}
    assert len(written) == 12
    assert all("2026" in text and "1" in text for text in written)


def test_every_day_of_a_leap_year_is_written() -> None:
    days = [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]
    assert len({long_date(day.isoformat(), language_of("ru")) for day in days}) == 366


def test_a_part_speaks_the_language_of_its_file() -> None:
    source = "{{ '2026-03-31' | long_date }} {{ 1234.5 | number(1) }} {{ ['a', 'b'] | sentence }}"
    assert text_of(source, key="a/sms.ru.txt") == f"31 марта 2026 года 1{NBSP}234,5 a и b"
    assert text_of(source, key="a/sms.lv-lv.txt") == f"2026. gada 31. marts 1{NBSP}234,5 a un b"
    assert text_of(source) == "31 March 2026 1,234.5 a and b"


def test_a_language_that_is_not_known_is_told() -> None:
    with pytest.raises(RenderFailed, match="how the language 'xx' writes dates and numbers is not known"):
        text_of("{{ '2026-03-31' | long_date }}", key="a/sms.xx.txt")


@pytest.mark.parametrize(
    ("number", "places", "written"),
    [
        ("0.125", 2, "0.12"),
        ("0.135", 2, "0.14"),
        ("-0.125", 2, "\N{MINUS SIGN}0.12"),
        ("2.5", 0, "2"),
        ("-0.4", 0, "0"),
        ("999999.999", 2, "1,000,000.00"),
        ("1234567", None, "1,234,567"),
        ("0.000001", None, "0.000001"),
        ("100", None, "100"),
    ],
)
def test_numbers_are_half_even_and_grouped(number: str, places: int | None, written: str) -> None:
    assert grouped(Decimal(number), places, language_of("en")) == written
