"""Where workers leave checkpoints of their partitions for each other: a folder or a bucket, by an fsspec URL.

    <topics>/p3/objects/<sha256>          a file of a database: table files never change, so most are there already
    <topics>/p3/checkpoints/<number>.json a manifest: which files make up a partition's folder, and their checksums

A manifest appears whole, after the objects that it names. A checkpoint of any worker is right, perhaps old, or is
recognised as wrong: by its checksums here, by its claim when its shard is opened.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from engine.runtimes.kafka.depot_files import DepotFiles
from engine.runtimes.kafka.local import Binding
from engine.workspace.durable_files import refused
from events.errors import StorageFailed

VERSION = 1
KEPT = 2
GRACE = timedelta(hours=1)
"""What no manifest names may be on its way into one; older than this it is rubbish."""

log = logging.getLogger(__name__)


class File(msgspec.Struct, frozen=True):
    """One file of a checkpoint, below the partition's folder."""

    path: str
    sha256: str
    size: int


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest: the state of a partition up to an offset of its log, of which `copied` is in the copy."""

    version: int = VERSION
    partition: int
    applied: int
    copied: int
    worker: str
    at_ms: int
    files: list[File]


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_decode = msgspec.json.Decoder(Checkpoint).decode


class CheckpointBroken(Exception):
    """A checkpoint lacks a file, or has one with other bytes."""


class Depot:
    """A depot at a URL; raises StorageFailed where it cannot be reached. Not for two threads at once."""

    def __init__(self, url: str, binding: Binding) -> None:
        self._files = DepotFiles(url, hashlib.sha256(binding.topics).hexdigest()[:16])
        self._known: dict[tuple[int, int, int], str] = {}

    # ------------------------------------------------------------ leaving
    def leave(self, folder: Path, checkpoint: Checkpoint) -> Checkpoint:
        """Put a partition's folder, of which nothing changes any more, into the depot; returns the manifest.

        Raises StorageFailed; then no manifest names what was put.
        """
        with self._files.reached():  # also where the folder cannot be read
            there = self._files.sizes(_objects(checkpoint.partition))
            files = [
                self._put(checkpoint.partition, folder, path, there)
                for path in sorted(path for path in folder.rglob("*") if path.is_file())
            ]
            manifest = msgspec.structs.replace(checkpoint, files=files)
            number = max(self._numbers(checkpoint.partition), default=0) + 1
            self._files.write(_manifest(checkpoint.partition, number), msgspec.json.encode(manifest))
            self._clean(checkpoint.partition)
        return manifest

    def _put(self, partition: int, folder: Path, path: Path, there: dict[str, int]) -> File:
        status = path.stat()
        identity = status.st_ino, status.st_size, status.st_mtime_ns
        digest = self._known.get(identity) or file_hash(path)
        self._known[identity] = digest
        if there.get(digest) != status.st_size:
            self._files.write(_object(partition, digest), path.read_bytes())
            there[digest] = status.st_size
        return File(str(path.relative_to(folder)), digest, status.st_size)

    def _clean(self, partition: int) -> None:
        """Remove older manifests, then what none names, unless it is young."""
        numbers = self._numbers(partition)
        for number in numbers[:-KEPT]:
            self._files.remove(_manifest(partition, number))
        named = {file.sha256 for number in numbers[-KEPT:] for file in self._named(partition, number)}
        limit = datetime.now(tz=UTC) - GRACE
        for name in self._files.names(_objects(partition)):
            if name not in named and self._files.modified(_object(partition, name)) < limit:
                self._files.remove(_object(partition, name))

    def _named(self, partition: int, number: int) -> list[File]:
        try:
            return self._checkpoint(partition, number).files
        except CheckpointBroken:
            return []

    # ------------------------------------------------------------ taking
    def newest(self, partition: int) -> list[Checkpoint]:
        """The checkpoints of a partition that can be read, newest first."""
        found = []
        for number in reversed(self._numbers(partition)):
            try:
                found.append(self._checkpoint(partition, number))
            except CheckpointBroken:
                continue
        return found

    def take(self, checkpoint: Checkpoint, folder: Path, between: Callable[[], None] = lambda: None) -> None:
        """Make a folder of a checkpoint, whole or not at all; `between` is called before each file.

        Raises CheckpointBroken, StorageFailed. A file that has other bytes than it should is removed from the depot:
        else no later checkpoint would bring it again.
        """
        temporary = folder.with_name(folder.name + ".taken")
        with refused(folder):
            shutil.rmtree(temporary, ignore_errors=True)
            for file in checkpoint.files:
                between()
                self._fetch(checkpoint.partition, file, temporary)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.replace(folder)

    def _fetch(self, partition: int, file: File, folder: Path) -> None:
        path = folder / file.path
        if not path.resolve().is_relative_to(folder.resolve()):
            raise CheckpointBroken(f"{file.path} lies outside")
        path.parent.mkdir(parents=True, exist_ok=True)
        content = self._read(partition, file)
        if not _whole(content, file):
            content = self._read(partition, file)  # a connection that was cut reads otherwise the second time
        if not _whole(content, file):
            self._remove_broken(_object(partition, file.sha256))
            raise CheckpointBroken(f"{file.path} has other bytes than its checksum says")
        path.write_bytes(content)

    def _read(self, partition: int, file: File) -> bytes:
        content = self._files.read(_object(partition, file.sha256))
        if content is None:
            raise CheckpointBroken(f"{file.path} is missing")
        return content

    def _remove_broken(self, name: str) -> None:
        try:
            self._files.remove(name)
        except StorageFailed as error:
            log.warning("a broken file stays in the depot: %s", error)

    # ------------------------------------------------------------ the manifests
    def _numbers(self, partition: int) -> list[int]:
        names = (name.removesuffix(".json") for name in self._files.names(_checkpoints(partition)))
        return sorted(int(name) for name in names if name.isdigit())

    def _checkpoint(self, partition: int, number: int) -> Checkpoint:
        content = self._files.read(_manifest(partition, number))
        if content is None:
            raise CheckpointBroken("its manifest is missing")
        try:
            found = _decode(content)
        except msgspec.MsgspecError as error:
            raise CheckpointBroken(str(error)) from None
        if found.version != VERSION or found.partition != partition:
            raise CheckpointBroken(f"it is of version {found.version}, of partition {found.partition}")
        return found


def _checkpoints(partition: int) -> str:
    return f"p{partition}/checkpoints"


def _manifest(partition: int, number: int) -> str:
    return f"{_checkpoints(partition)}/{number:012}.json"


def _objects(partition: int) -> str:
    return f"p{partition}/objects"


def _object(partition: int, digest: str) -> str:
    return f"{_objects(partition)}/{digest}"


def _whole(content: bytes, file: File) -> bool:
    return len(content) == file.size and hashlib.sha256(content).hexdigest() == file.sha256
