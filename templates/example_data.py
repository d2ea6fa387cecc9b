"""Example data by which `check` renders templates before any customer does."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from projections.definitions import FieldKinds
from projections.expressions.tree import Kind

_TEXTS = {
    "brand": "Purrfect & Sons",
    "category": "cat_furniture",
    "city": "Riga",
    "code": "CATFOOD10",
    "country": "LV",
    "currency": "EUR",
    "email": "ann@example.com",
    "first_name": "Ann",
    "language": "en",
    "last_name": "O'Hara",
    "name": "Cat house <large>",
    "phone": "+37120000000",
    "time_zone": "Europe/Riga",
    "url": "https://shop.example/page?a=1&b=2",
}
_NUMBERS: dict[str, int | Decimal] = {"price": Decimal("39.9"), "total": Decimal("1234.5"), "quantity": 2, "score": 9}
DATE = "2026-03-31"
INSTANT = "2026-03-31T10:00:00+02:00"
ITEMS = 2


def example_value(name: str, kind: Kind, element: Kind | None = None) -> object:
    """A likely value of a field or trait of this kind."""
    if kind in (Kind.SET, Kind.LIST):
        return [example_value(name, element or Kind.TEXT)] * ITEMS
    if kind is Kind.NUMBER:
        return _NUMBERS.get(name, 12)
    if kind is Kind.FLAG:
        return True
    if kind is Kind.DATE:
        return DATE
    if kind is Kind.TIME:
        return INSTANT
    return None if kind is Kind.NULL else _TEXTS.get(name, name.replace("_", " "))


def example_fields(kinds: FieldKinds, *, sparse: bool) -> dict[str, object]:
    """An event's data: every field, or (sparse) the required ones with all others null and lists empty."""
    data: dict[str, object] = {}
    for name, kind in kinds.fields.items():
        if isinstance(kind, FieldKinds):
            data[name] = [] if sparse else [example_fields(kind, sparse=False) for _ in range(ITEMS)]
        elif sparse and name not in kinds.required:
            data[name] = None
        else:
            data[name] = example_value(name, kind)
    return data


def example_profile(declared: Mapping[str, Kind], *, sparse: bool) -> dict[str, object]:
    """A profile: every field, or (sparse) all null."""
    return {name: None if sparse else example_value(name, kind) for name, kind in declared.items()}
