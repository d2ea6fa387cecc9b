"""Which folder under derived/ is each partition's live generation.

One file, `CURRENT`, says it for all partitions, so that any set of them flips by one rename. A generation is a folder
`p<partition>.<number>`; one that CURRENT does not name and that is not being built belongs to nobody and is removed.
"""

from __future__ import annotations

import json
import re
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path

from engine.kill_points import reach
from engine.workspace.durable_files import refused, replace_durably, sync_folder
from events.errors import DerivedDamaged

FILE = "CURRENT"
VERSION = 1

_NAME = re.compile(r"p(\d{1,5})\.(\d{1,12})")


class Generations:
    """The generations of a workspace; raises DerivedDamaged where CURRENT cannot be read and is needed.

    Only the workspace's owner may call what changes anything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._building: set[str] = set()

    def live(self) -> dict[int, str]:
        """Partition -> name of its live generation; partitions that have none are missing."""
        path = self.folder / FILE
        content = _content(path)
        while True:
            try:
                return self._listed(path, content)
            except DerivedDamaged:
                before, content = content, _content(path)
                if content == before:  # else its owner has swapped meanwhile, and removed what was named
                    raise

    def _listed(self, path: Path, content: bytes | None) -> dict[int, str]:
        if content is None:
            return {}
        try:
            written = json.loads(content)
            version, named = written["version"], written["generations"]
            if written["crc32"] != _checksum(named):
                raise ValueError("its checksum is wrong")
            live = {int(partition): str(name) for partition, name in named.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _damaged(path, f"it is not a list of generations ({error})") from error
        if version != VERSION:
            raise _damaged(path, f"its version is {version!r}, that of this version of Strand is {VERSION}")
        for partition, name in live.items():
            found = _NAME.fullmatch(name)
            if found is None or int(found.group(1)) != partition or not (self.folder / name).is_dir():
                raise _damaged(path, f"it names {name!r} as the generation of partition {partition}, which is none")
        return live

    def path(self, name: str) -> Path:
        """The folder of a generation."""
        return self.folder / name

    def begin(self, partition: int) -> str:
        """Name a new generation; it is kept until it is swapped in, is discarded, or the process ends."""
        with refused(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            numbers = [int(found.group(2)) for found in map(_NAME.fullmatch, self._names()) if found is not None]
            name = f"p{partition}.{max(numbers, default=0) + 1:06}"
            self.path(name).mkdir()
        self._building.add(name)
        return name

    def discard(self, name: str) -> None:
        """Give up a generation that was begun."""
        self._building.discard(name)
        self._remove(name)

    def swap(self, names: Mapping[int, str]) -> None:
        """Make these generations live, all or none, and remove those they replace.

        Their stores, and those of the generations they replace, must be closed or follow only. Partitions that are
        not named keep theirs, unless CURRENT is damaged: then they have none.
        """
        reach("before-swap")
        try:
            live = self.live()
        except DerivedDamaged:
            live = {}
        live.update(names)
        named = {str(key): live[key] for key in sorted(live)}
        content = {"version": VERSION, "generations": named, "crc32": _checksum(named)}
        with refused(self.folder):
            sync_folder(self.folder)  # the new folders' names, before a file that names them
        replace_durably(
            self.folder / FILE,
            json.dumps(content, indent=1).encode() + b"\n",
            before_rename=lambda: reach("mid-swap"),
        )
        reach("after-swap")
        self._building.difference_update(names.values())
        self.collect()

    def collect(self) -> list[str]:
        """Remove what belongs to nobody and return its names; nothing while CURRENT is damaged."""
        try:
            kept = set(self.live().values()) | self._building
        except DerivedDamaged:
            return []
        orphans = [name for name in self._names() if _NAME.fullmatch(name) and name not in kept]
        for name in orphans:
            self._remove(name)
        return orphans

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    def _remove(self, name: str) -> None:
        with refused(self.path(name)):
            shutil.rmtree(self.path(name), ignore_errors=False)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _checksum(named: dict[str, str]) -> int:
    return zlib.crc32(json.dumps(named, sort_keys=True).encode())


def _damaged(path: Path, why: str) -> DerivedDamaged:
    return DerivedDamaged(
        f"{path} is damaged: {why}",
        "run `strand rebuild`; facts/ are unharmed and everything derived is folded from them again",
    )
