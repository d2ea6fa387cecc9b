"""Publishing from Python, with the contract of `strand publish`:

    with Publisher(Path("shop")) as publisher:
        publisher.publish(id="o-1", type="order_completed", customer_id="ann", occurred_at=now, data={"total": 12})

The answer comes once the event is on the disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.embedded.answers import Answer
from engine.runtimes.embedded.client import Client, OwnerEnded, own_or_reach, reach
from engine.runtimes.embedded.frames import MAX_GROUP_BYTES, MAX_GROUP_LINES
from engine.runtimes.embedded.intake import Intake
from engine.runtimes.embedded.rulebooks import Rulebooks, load_rulebook
from engine.self_closing import SelfClosing, closed_on_failure
from engine.workspace.workspace import Workspace
from events.admission import MAX_EVENT_BYTES
from events.codec import Activation
from events.errors import RulebookInvalid

__all__ = ["Answer", "Publisher"]

_encode = msgspec.msgpack.Encoder(decimal_format="number").encode


class Publisher(SelfClosing):
    """Publishes to the workspace in a folder: through its owner where `strand run` owns it, else as its owner.

    An answer means that the event is on the disk. As owner it keeps the workspace until `close`, and activates the
    folder's rulebook if none is active: `activated` tells; a broken one is in `broken_rulebook`, and events are taken
    all the same. Threads may share one; an open one must not cross a fork. Raises WorkspaceBusy if the owner is not
    `run`, OperatorError if it ends before it answers: then the next call looks for the next `run`, and raises likewise
    while there is none. It does not become the owner then, or `run` could not be started again.
    """

    def __init__(self, folder: Path | str, *, catch_up: bool = False, clock: Clock = wall_clock_ms) -> None:
        self.folder = Path(folder)
        self.catch_up = catch_up
        self.activated: Activation | None = None
        self.broken_rulebook: RulebookInvalid | None = None
        self._clock = clock
        self._turn = Lock()
        self._lost = False
        self._find_door()

    def _find_door(self) -> None:
        self._held = reach(self.folder) if self._lost else own_or_reach(self.folder)
        with closed_on_failure(self._held.close):
            self._door = self._held if isinstance(self._held, Client) else self._intake(self._held)
        self._lost = False

    @property
    def handed_over(self) -> bool:
        """Whether another process owns the workspace and appends what is published here."""
        return isinstance(self._held, Client)

    def publish(
        self,
        *,
        id: str,
        type: str,
        customer_id: str,
        occurred_at: datetime | str | int,
        data: Mapping[str, Any] | None = None,
        source: str | None = None,
        version: int | None = None,
        appended_at: datetime | str | int | None = None,
    ) -> Answer:
        """Publish one event; times are datetimes, ISO 8601 or milliseconds since the epoch."""
        event = {
            "id": id,
            "type": type,
            "customer_id": customer_id,
            "occurred_at": occurred_at,
            "appended_at": appended_at,
            "source": source,
            "version": version,
            "data": data,
        }
        return next(self.publish_many([{key: value for key, value in event.items() if value is not None}]))

    def publish_many(self, events: Iterable[Mapping[str, Any]]) -> Iterator[Answer]:
        """Publish events, maps of the fields of `publish`; answers come in groups, in order."""
        return self.publish_lines(_line(event) for event in events)

    def publish_lines(self, lines: Iterable[bytes]) -> Iterator[Answer]:
        """Publish events, each one JSON object (or MessagePack map) in bytes; answers come in groups, in order."""
        source = iter(lines)
        while group := list(islice(source, MAX_GROUP_LINES)):
            yield from self.publish_group(group)

    def publish_group(self, lines: Sequence[bytes]) -> list[Answer]:
        """Publish events with one fsync a partition; raises OperatorError where journey time would leap.

        Of a line that is too long for an event its beginning becomes the dead letter.
        """
        lines = [line[: MAX_EVENT_BYTES + 1] for line in lines]
        answers: list[Answer] = []
        with self._turn:
            if self._lost:
                self._find_door()
            while len(answers) < len(lines):
                part = lines[len(answers) : len(answers) + _fitting(lines, len(answers))]
                answers += self._published(part)
        return answers

    def _published(self, lines: Sequence[bytes]) -> list[Answer]:
        try:
            return self._door.publish(lines, catch_up=self.catch_up)
        except OwnerEnded:
            self._held.close()
            self._lost = True
            raise

    def close(self) -> None:
        """Hang up, or let go of the workspace."""
        self._held.close()

    def _intake(self, workspace: Workspace) -> Intake:
        """What appends here, once a rulebook is active if there is a sound one."""
        intake = Intake(workspace.facts, Rulebooks(), clock=self._clock)
        if intake.active() is None:
            try:
                self.activated = intake.activate(load_rulebook(workspace.rulebook_folder))
            except RulebookInvalid as broken:
                self.broken_rulebook = broken
        return intake


def _line(event: Mapping[str, Any]) -> bytes:
    """An event as a line that the door judges, also one that MessagePack cannot hold: then the door says why not."""
    try:
        return _encode(event)
    except (TypeError, ValueError, OverflowError):
        return json.dumps(event, default=str).encode()


def _fitting(lines: Sequence[bytes], start: int) -> int:
    """How many lines from one on fit in a group; one at least."""
    size = 0
    for count, line in enumerate(lines[start : start + MAX_GROUP_LINES]):
        size += len(line)
        if count and size > MAX_GROUP_BYTES:
            return count
    return min(len(lines) - start, MAX_GROUP_LINES)
