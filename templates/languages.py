"""How languages write dates, numbers, amounts and lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from events.errors import RenderFailed
from templates.plain import ARITHMETIC

DEFAULT_LANGUAGE = "en"
NO_BREAK = "\N{NO-BREAK SPACE}"

CURRENCY_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "RUB": "₽", "UAH": "₴", "PLN": "zł"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language's conventions; `long_date` is filled with day, month (its name) and year."""

    months: tuple[str, ...]
    long_date: str
    conjunction: str
    group: str
    point: str
    sign_first: bool = False


def _months(names: str) -> tuple[str, ...]:
    return tuple(names.split())


LANGUAGES = {
    "en": Language(
        months=_months("January February March April May June July August September October November December"),
        long_date="{day} {month} {year}",
        conjunction="and",
        group=",",
        point=".",
        sign_first=True,
    ),
    "ru": Language(
        months=_months("января февраля марта апреля мая июня июля августа сентября октября ноября декабря"),
        long_date="{day} {month} {year} года",
        conjunction="и",
        group=NO_BREAK,
        point=",",
    ),
    "lv": Language(
        months=_months(
            "janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris decembris"
        ),
        long_date="{year}. gada {day}. {month}",
        conjunction="un",
        group=NO_BREAK,
        point=",",
    ),
    "lt": Language(
        months=_months(
            "sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio gruodžio"
        ),
        long_date="{year} m. {month} {day} d.",
        conjunction="ir",
        group=NO_BREAK,
        point=",",
    ),
    "et": Language(
        months=_months("jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember"),
        long_date="{day}. {month} {year}",
        conjunction="ja",
        group=NO_BREAK,
        point=",",
    ),
    "de": Language(
        months=_months("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
        long_date="{day}. {month} {year}",
        conjunction="und",
        group=".",
        point=",",
    ),
    "fr": Language(
        months=_months("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
        long_date="{day} {month} {year}",
        conjunction="et",
        group="\N{NARROW NO-BREAK SPACE}",
        point=",",
    ),
    "es": Language(
        months=_months("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
        long_date="{day} de {month} de {year}",
        conjunction="y",
        group=".",
        point=",",
    ),
    "pl": Language(
        months=_months(
            "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
        ),
        long_date="{day} {month} {year}",
        conjunction="i",
        group=NO_BREAK,
        point=",",
    ),
}


def language_of(code: str | None) -> Language:
    """The conventions of `code` (`ru`, `ru-RU`); English for None. Raises RenderFailed for one not known."""
    if code is None:
        return LANGUAGES[DEFAULT_LANGUAGE]
    found = LANGUAGES.get(code) or LANGUAGES.get(code.partition("-")[0])
    if found is None:
        raise RenderFailed(
            f"how the language {code!r} writes dates and numbers is not known; name another, as in long_date('en'): "
            + ", ".join(sorted(LANGUAGES))
        )
    return found


def long_date(text: str, language: Language) -> str:
    """An ISO date, or the date an ISO instant begins with, written out: `31 March 2026`."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        raise RenderFailed(f"a date is written like 2026-03-31; found {text[:40]!r}") from None
    if len(text) > 10 and text[10] not in "T ":
        raise RenderFailed(f"a date is written like 2026-03-31; found {text[:40]!r}")
    return language.long_date.format(day=day.day, month=language.months[day.month - 1], year=day.year)


def grouped(number: int | Decimal, places: int | None, language: Language) -> str:
    """A number half-even to `places` (all it has, up to 6, when None), its thousands in groups."""
    exact = Decimal(number)
    rounded = ARITHMETIC.quantize(exact, Decimal(1).scaleb(-(6 if places is None else places), ARITHMETIC))
    if not rounded:
        rounded = rounded.copy_abs()  # there is no minus zero in a letter
    digits = format(rounded, ",f")
    if places is None and "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    whole, _, fraction = digits.partition(".")
    whole = whole.replace(",", language.group).replace("-", "\N{MINUS SIGN}")
    return f"{whole}{language.point}{fraction}" if fraction else whole


def money(number: int | Decimal, currency: str | None, language: Language) -> str:
    """An amount with two places, half-even, and its currency's sign where the language puts it."""
    amount = grouped(number, 2, language)
    if not currency:
        return amount
    sign = CURRENCY_SIGNS.get(currency)
    if language.sign_first and sign:
        minus, digits = ("\N{MINUS SIGN}", amount[1:]) if amount.startswith("\N{MINUS SIGN}") else ("", amount)
        return f"{minus}{sign}{digits}"
    return f"{amount}{NO_BREAK}{sign or currency}"


def sentence(parts: list[str], language: Language) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {language.conjunction} {parts[-1]}"
