"""Opens a workspace to read it, beside its owner if it has one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.views.partition import Views


@contextmanager
def reading(folder: Path) -> Iterator[Views]:
    """A reader's view of the workspace, as its owner last wrote it."""
    from engine.views.partition import Views
    from engine.workspace.workspace import Workspace

    with Workspace.open(folder, owner=False) as workspace:
        yield Views(workspace)


def zone_of(views: Views) -> str:
    """The zone in which people are shown times: the active rulebook's."""
    return "UTC" if views.rulebook is None else views.rulebook.world.time_zone


def records_of(folder: Path) -> int:
    """How many records the log has; the databases are closed again. Raises CalledWrongly without any."""
    from engine.workspace.missing import no_events
    from engine.workspace.workspace import Workspace

    with Workspace.open(folder, owner=False) as opened:
        if not opened.has_facts():
            raise no_events(opened.folder)
        return sum(facts.log.end() for facts in opened.facts)
