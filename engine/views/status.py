"""How a workspace stands: journey time, lag, what is due, rulebooks, disk."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from engine.disk_usage import bytes_in
from engine.runtimes.embedded.client import Client, NobodyListens
from engine.runtimes.embedded.report import added_up
from engine.runtimes.embedded.rulebooks import load_rulebook
from engine.views.partition import PartitionView, Row, Views
from events.codec import Activation, appended_at_of
from events.errors import RulebookInvalid
from projections.expressions.runtime import NEVER
from triggers.decisions import MARK, OWN, Position

if TYPE_CHECKING:
    from engine.workspace.workspace import Workspace


def status_of(views: Views) -> Row:
    """All figures of `strand status`; times are milliseconds, null where there is none."""
    workspace = views.workspace
    partitions = [partition_row(view) for view in views.partitions]
    activation = newest_activation(views)
    return {
        "workspace": str(workspace.folder),
        "running": is_running(workspace),
        "journey_ms": max((row["journey_ms"] for row in partitions if row["journey_ms"] is not None), default=None),
        "records": sum(row["records"] for row in partitions),
        "lag": sum(row["lag"] for row in partitions),
        "next_due_ms": min((row["next_due_ms"] for row in partitions if row["next_due_ms"] is not None), default=None),
        "customers": sum(view.meta.customers for view in views.partitions if view.meta is not None),
        "unknown_types": added_up(view.meta.unknown_types for view in views.partitions if view.meta is not None),
        "active": None if activation is None else {"hash": activation.hash, "at_ms": activation.at_ms},
        "folder": draft_of(workspace, activation),
        "partitions": partitions,
        "disk_bytes": {
            "facts": bytes_in(workspace.facts_folder),
            "derived": bytes_in(workspace.folder / "derived"),
            "outbox": bytes_in(workspace.outbox_folder),
        },
    }


def partition_row(view: PartitionView) -> Row:
    """One partition: `lag` counts records of the log that the live world does not contain yet."""
    end = view.log.end()
    return {
        "partition": view.partition,
        "records": end,
        "applied": view.applied,
        "lag": end - 1 - view.applied,
        "journey_ms": appended_at_of(view.log.get(end - 1)) if end else None,
        "frontier": position_text(view.frontier),
        "next_due_ms": next_due_ms(view),
    }


def next_due_ms(view: PartitionView) -> int | None:
    """The earliest timer: nothing is due before it."""
    if view.store is None:
        return None
    return next((due for due, _ in islice(view.store.timers(0, NEVER), 1)), None)


def position_text(position: Position) -> str:
    """A position for people: the offset, and where within it."""
    offset, due, customer = position
    if due == MARK:
        return str(offset)
    return f"{offset} {'own step' if due == OWN else f'due {due}'} of {customer}"


def newest_activation(views: Views) -> Activation | None:
    """The activation that stands last in the log, whether it is processed yet or not."""
    view = views.partitions[0]
    offsets = view.activations.offsets()
    return view.activations.at(offsets[-1]) if offsets else None


def draft_of(workspace: Workspace, activation: Activation | None) -> dict[str, Any]:
    """The folder's rulebook: its hash, how many problems it has, whether it is the active one."""
    try:
        rulebook = load_rulebook(workspace.rulebook_folder)
    except RulebookInvalid as broken:
        return {"hash": None, "problems": len(broken.problems), "active": False}
    return {"hash": rulebook.hash, "problems": 0, "active": activation is not None and activation.hash == rulebook.hash}


def is_running(workspace: Workspace) -> bool:
    """Whether a `strand run` listens at the workspace's socket."""
    try:
        Client(workspace.socket_path).close()
    except NobodyListens:
        return False
    return True
