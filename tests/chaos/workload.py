"""A small shop's history in a folder: an import, groups to publish, three rulebooks; a function of its seed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.evaluator.model import Rulebook
from tests.evaluator.text import files
from tests.simulation.agreement.engine_side import check
from tests.simulation.protocol.books import UNIT_MS, first_book, next_book

START_MS = 1_735_689_600_000  # 2025-01-01T00:00Z
LIVE_FROM = "2025-01-03"  # amid the imported history
CUSTOMERS = 24
IMPORTED = 100
GROUPS, GROUP_EVENTS = 12, 15
BOOKS = 3
PARTITIONS = 2


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be done to a workspace."""

    seed: int
    books: tuple[Rulebook, ...]
    imported: tuple[dict[str, Any], ...]
    groups: tuple[tuple[dict[str, Any], ...], ...]
    end_ms: int
    live_from: str | None = None

    def hashes(self) -> dict[str, Rulebook]:
        """The rulebooks by hash."""
        return {check(book).hash: book for book in self.books}


def workload(seed: int) -> Workload:
    rng = Random(seed)
    book = lively(rng)
    books = [book]
    while len(books) < BOOKS:
        changed = next_book(rng, books[-1])
        if changed not in books:
            books.append(changed)
    now_ms = START_MS
    events: list[dict[str, Any]] = []
    for number in range(CUSTOMERS):
        email = {"email": f"c{number}@shop.example", "time_zone": "Europe/Riga"}
        events.append(event(f"p{number}", "profile_updated", number, now_ms, email))
        granted = {"channel": "email", "purpose": "marketing", "granted": True}
        events.append(event(f"g{number}", "consent_changed", number, now_ms, granted))
    while len(events) < IMPORTED + GROUPS * GROUP_EVENTS:
        now_ms += rng.choice([0, 0, 1, 1, 2]) * UNIT_MS // 2 + rng.choice([0, 0, 1])
        data = {"order_id": f"o{len(events)}", "total": rng.randint(1, 4)}
        id_ = f"e{len(events)}" if rng.random() < 0.9 else f"e{rng.randrange(60)}"
        events.append(event(id_, "order_completed", rng.randrange(CUSTOMERS), now_ms, data))
    cuts = range(IMPORTED, len(events), GROUP_EVENTS)
    return Workload(
        seed=seed,
        books=tuple(books),
        imported=tuple(events[:IMPORTED]),
        groups=tuple(tuple(events[cut : cut + GROUP_EVENTS]) for cut in cuts),
        end_ms=now_ms + 30 * UNIT_MS,
        live_from=LIVE_FROM if seed % 2 else None,
    )


def lively(rng: Random) -> Rulebook:
    """A rulebook with at least one trigger that waits."""
    while True:
        book = first_book(rng)
        if any(trigger.after and not trigger.paused for trigger in book.triggers.values()):
            return book


def event(id_: str, type_: str, customer: int, at_ms: int, data: dict[str, Any]) -> dict[str, Any]:
    times = {"occurred_at": at_ms, "appended_at": at_ms}
    return {"id": id_, "type": type_, "customer_id": f"c{customer}", **times, "data": data}


def prepare(load: Workload, folder: Path) -> Path:
    """Make the workspace: settings, the first rulebook, the later ones beside it, the file to import."""
    folder.mkdir(parents=True)
    (folder / "strand.toml").write_text(f"partitions = {PARTITIONS}\n", encoding="utf-8")
    for number, book in enumerate(load.books):
        for path, content in files(book).items():
            place = folder / ("rulebook" if number == 0 else f"rulebook{number}") / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")
    lines = (json.dumps({k: v for k, v in each.items() if k != "appended_at"}) for each in load.imported)
    (folder / "history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
