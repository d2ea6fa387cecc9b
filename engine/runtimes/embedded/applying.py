"""Activating a rulebook, and copying facts/, whoever owns the workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.rulebook.rulebook import Rulebook
from engine.runtimes.clock import Clock, wall_clock_ms
from engine.runtimes.embedded.client import Client, own_or_reach
from engine.runtimes.embedded.intake import Intake
from engine.runtimes.embedded.rulebooks import Rulebooks
from events.codec import Activation

T = TypeVar("T")


def apply_rulebook(
    folder: Path, rulebook: Rulebook, at_ms: int | None = None, *, clock: Clock = wall_clock_ms
) -> Activation:
    """Activate a rulebook in the workspace, by its owner or as its owner; durable on return.

    Raises CalledWrongly for an `at_ms` that cannot be, WorkspaceBusy if the owner is no `run`.
    """
    return _by_owner_or_self(
        folder,
        lambda intake: intake.activate(rulebook, at_ms),
        lambda client: client.activate(rulebook, at_ms),
        clock=clock,
    )


def back_up(folder: Path, target: Path) -> None:
    """Copy facts/ to a new folder: all that was acknowledged, as of one instant."""
    _by_owner_or_self(folder, lambda intake: intake.copy_to(target), lambda client: client.backup(target))


def _by_owner_or_self(
    folder: Path, do: Callable[[Intake], T], ask: Callable[[Client], T], *, clock: Clock = wall_clock_ms
) -> T:
    found = own_or_reach(folder)
    with found:
        if isinstance(found, Client):
            return ask(found)
        return do(Intake(found.facts, Rulebooks(), clock=clock))
