"""Messages as files in a folder, each named after its message's id.

A file is a function of the decision and its rulebook, so writing it again changes nothing; there is the whole of it or
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.delivery.mail import email_bytes, text_bytes
from engine.kill_points import reach
from engine.rulebook.rulebook import Rulebook
from engine.workspace.durable_files import refused, sync_files, sync_folder
from triggers.decisions import Decision
from triggers.definitions import Policy

EMAIL = "email"
GROUP_FILES = 1_000
"""Files that are made durable together."""


class MessageFiles:
    """The files of one folder; `rulebook_of` finds a recorded rulebook by its hash."""

    def __init__(self, folder: Path, rulebook_of: Callable[[str], Rulebook | None]) -> None:
        self.folder = folder
        self._rulebook_of = rulebook_of
        self._policies: dict[str, Policy] = {}
        self._made = False
        self._nameless: dict[Path, None] = {}  # none twice: what has its name has no other to give up
        self._unsynced_names = False

    def write(self, customer: str, decision: Decision) -> None:
        """Write a decision to send, which gets its name by `name` at the latest; raises StorageFailed."""
        self.make_folder()
        mail = decision.channel == EMAIL
        content = (
            email_bytes(customer, decision, self._policy(decision.rulebook)) if mail else text_bytes(customer, decision)
        )
        path = self.folder / f"{decision.message_id}.{'eml' if mail else 'txt'}.new"
        with refused(path):
            path.write_bytes(content)
        self._nameless[path] = None
        if len(self._nameless) >= GROUP_FILES:
            self.name()

    def name(self) -> None:
        """Make what was written durable, then give each file its name."""
        written, self._nameless = list(self._nameless), {}
        with refused(self.folder):
            sync_files(written)
            for path in written:
                reach("before-outbox-rename")
                path.replace(path.with_suffix(""))
                self._unsynced_names = True
                reach("after-outbox-rename")

    def sync(self) -> None:
        """Return once the names that were given are on the disk."""
        if self._unsynced_names:
            with refused(self.folder):
                sync_folder(self.folder)
            self._unsynced_names = False

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
