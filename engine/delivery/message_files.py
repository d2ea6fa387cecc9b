"""Messages as files in a folder, each named after its message's id.

A file is a function of the decision and its rulebook, so writing it again changes nothing; there is the whole of it or
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from engine.delivery.mail import email_bytes, text_bytes
from engine.kill_points import reach
from engine.rulebook.rulebook import Rulebook
from engine.workspace.durable_files import refused, sync_folder
from triggers.decisions import Decision
from triggers.definitions import Policy

EMAIL = "email"


class MessageFiles:
    """The files of one folder; `rulebook_of` finds a recorded rulebook by its hash.

    `synced`: a file is on the disk when `write` returns, and its name when `sync` does.
    """

    def __init__(self, folder: Path, rulebook_of: Callable[[str], Rulebook | None], *, synced: bool = False) -> None:
        self.folder = folder
        self._rulebook_of = rulebook_of
        self._synced = synced
        self._policies: dict[str, Policy] = {}
        self._made = False

    def write(self, customer: str, decision: Decision) -> None:
        """Write a decision to send; raises StorageFailed."""
        self.make_folder()
        mail = decision.channel == EMAIL
        content = (
            email_bytes(customer, decision, self._policy(decision.rulebook)) if mail else text_bytes(customer, decision)
        )
        path = self.folder / f"{decision.message_id}.{'eml' if mail else 'txt'}"
        temporary = path.with_name(f"{path.name}.new")
        with refused(path):
            with temporary.open("wb") as file:
                file.write(content)
                if self._synced:
                    file.flush()
                    os.fsync(file.fileno())
            reach("before-outbox-rename")
            temporary.replace(path)
            reach("after-outbox-rename")

    def sync(self) -> None:
        """Return once the names of what was written are on the disk."""
        if self._made:
            with refused(self.folder):
                sync_folder(self.folder)

    def make_folder(self) -> None:
        """Have the folder there."""
        if not self._made:
            with refused(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            self._made = True

    def _policy(self, rulebook_hash: str) -> Policy:
        """Who sends, and where one unsubscribes, under the rulebook that decided."""
        if rulebook_hash not in self._policies:
            rulebook = self._rulebook_of(rulebook_hash)
            self._policies[rulebook_hash] = rulebook.rules.policy if rulebook is not None else Policy()
        return self._policies[rulebook_hash]
