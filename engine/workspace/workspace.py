"""A workspace: a folder with strand.toml, rulebook/, facts/, derived/ and the outbox."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.self_closing import SelfClosing, closed_on_failure
from engine.workspace.facts import Facts, partitions_of
from engine.workspace.generations import Generations
from engine.workspace.lock import OwnerLock
from engine.workspace.missing import ANOTHER, no_workspace
from engine.workspace.settings import FILE as SETTINGS_FILE
from engine.workspace.settings import Settings, load_settings
from events.errors import CalledWrongly, OperatorError

if TYPE_CHECKING:
    from engine.adapters.rocksdb_derived import RocksDerived
    from engine.adapters.rocksdb_storage import RocksStorage

SOCKET = "socket"
_TRIES = 5


class Workspace(SelfClosing):
    """An open workspace, as its one owner or as a reader beside it; use as a context manager or `close` it.

    Attributes: `folder`, `settings`, `owner`, `generations`. An open one must not cross a fork: a child opens its own.
    """

    def __init__(self, folder: Path, settings: Settings, lock: OwnerLock | None) -> None:
        self.folder = folder
        self.settings = settings
        self.owner = lock is not None
        self.generations = Generations(folder / "derived")
        self._lock = lock
        self._stores: list[RocksDerived] = []

    @classmethod
    def open(cls, folder: Path, *, owner: bool) -> Workspace:
        """Open a workspace; as owner, take its lock and remove generations that a dead owner left half-built.

        Raises CalledWrongly if the folder is no workspace, WorkspaceBusy if it has another owner, StorageFailed if it
        cannot be written, OperatorError if strand.toml cannot be used.
        """
        if not (folder / SETTINGS_FILE).is_file():
            raise no_workspace(folder)
        settings = load_settings(folder)
        if not settings.embedded:
            what = f"the log of {folder} is {settings.log}: this command is for an embedded one"
            raise CalledWrongly(
                what,
                "on Kafka use `strand worker`, `topics`, `publish`, `import`, `apply`, `tick`, `outbox`, "
                f"`dead-letters`, `verify`, `audit` or `rebuild`, or {ANOTHER}",
            )
        lock = OwnerLock(folder) if owner else None
        workspace = cls(folder, settings, lock)
        if owner:
            with closed_on_failure(workspace.close):
                workspace.generations.collect()
        return workspace

    @property
    def rulebook_folder(self) -> Path:
        """Where the rulebook's YAML and templates are."""
        return self.folder / "rulebook"

    @property
    def outbox_folder(self) -> Path | None:
        """Where messages are written to, None if nowhere."""
        outbox = self.settings.delivery.outbox
        return self.folder / outbox if outbox else None

    @property
    def socket_path(self) -> Path:
        """Where a running owner listens for commands."""
        return self.folder / SOCKET

    @property
    def facts_folder(self) -> Path:
        """Where the facts are."""
        return self.folder / "facts"

    def has_facts(self) -> bool:
        """Whether there are facts to read: the owner's first opening makes them."""
        return partitions_of(self.facts_folder) is not None

    @cached_property
    def facts(self) -> Facts:
        """Every partition's facts, opened when first asked for."""
        return Facts(self.facts_folder, self.settings.partitions, self._storage)

    def facts_now(self) -> Facts:
        """The same; a reader's are as of now, and so hold all that a live world was made of that was opened before."""
        if "facts" in self.__dict__ and not self.owner:
            self.facts.catch_up()
        return self.facts

    def begin_generation(self, partition: int) -> tuple[str, RocksDerived]:
        """A new, empty generation, not live yet: its name and its store, which bypasses the write-ahead file.

        Close the store, then `generations.swap({partition: name})` or `generations.discard(name)`.
        """
        name = self.generations.begin(partition)
        return name, self.open_generation(name, bulk=True)

    def open_generation(self, name: str, *, bulk: bool = False) -> RocksDerived:
        """A generation's store, to read and write; needs no lock, so that a child may fill what its parent began."""
        path = self.generations.path(name)
        new = not (path / "CURRENT").exists() and not any(path.iterdir())
        return self._keep(self._storage.generation(path, bulk=bulk, create=new))

    def open_live(self, partition: int) -> RocksDerived | None:
        """The live store of a partition, None if it has none: to read and write as owner, else to read."""
        for left in reversed(range(_TRIES)):
            name = self.generations.live().get(partition)
            if name is None:
                return None
            try:
                return self._keep(self._storage.derived(self.generations.path(name)))
            except OperatorError:
                # The owner may have swapped it away, and removed it, between our reading its name and opening it.
                if self.owner or not left or self.generations.live().get(partition) == name:
                    raise
        return None

    def close(self) -> None:
        """Close every store that is still open, the facts, and give up the lock."""
        with ExitStack() as stack:  # unwinds from the last to the first, also when one of them raises
            if self._lock is not None:
                stack.callback(self._lock.release)
            if "facts" in self.__dict__:
                stack.callback(self.facts.close)
            for store in self._stores:
                stack.callback(store.close)
        self._stores.clear()
        self._lock = None

    @cached_property
    def _storage(self) -> RocksStorage:
        from engine.adapters.rocksdb_storage import RocksStorage  # noqa: PLC0415 -- adapters load when chosen

        return RocksStorage(owner=self.owner)

    def _keep(self, store: RocksDerived) -> RocksDerived:
        self._stores = [kept for kept in self._stores if not kept.closed]
        self._stores.append(store)
        return store
