"""Where workers leave checkpoints of their partitions for each other: a folder or a bucket, by an fsspec URL.

    <topics>/p3/objects/<sha256>          a file of a database: table files never change, so most are there already
    <topics>/p3/checkpoints/<number>.json a manifest: which files make up a partition's folder, and their checksums

A manifest appears whole, after the objects that it names. A checkpoint of any worker is right, perhaps old, or is
recognised as wrong: by its checksums here, by its claim when its shard is opened.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import msgspec

from engine.runtimes.kafka.local import Binding
from engine.workspace.durable_files import refused, sync_folder
from events.errors import OperatorError, StorageFailed, StrandError

VERSION = 1
KEPT = 2
GRACE = timedelta(hours=1)
"""What no manifest names may be on its way into one; older than this it is rubbish."""

S3 = ("s3://", "s3a://")
PATIENCE: Mapping[str, Any] = {"connect_timeout": 5, "read_timeout": 8, "retries": {"total_max_attempts": 2}}
"""For a bucket that does not answer, in seconds; s3fs tries five times. A partition that is being opened waits for it,
and has to move within `readiness.STALLED_S`."""


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
        name = hashlib.sha256(binding.topics).hexdigest()[:16]
        self.url = url
        try:
            self._files, root = fsspec.core.url_to_fs(url, **_options(url))
        except (ValueError, ImportError) as error:
            lacking = "strand-journeys[s3]" if url.startswith(S3) else "what fsspec needs for it"
            action = f"install {lacking}, or name another depot"
            raise OperatorError(f"the depot {url} cannot be used: {error}", action) from error
        self._root = f"{root.rstrip('/')}/{name}"
        self._known: dict[tuple[int, int, int], str] = {}

    # ------------------------------------------------------------ leaving
    def leave(self, folder: Path, checkpoint: Checkpoint) -> Checkpoint:
        """Put a partition's folder, of which nothing changes any more, into the depot; returns the manifest.

        Raises StorageFailed; then no manifest names what was put.
        """
        with self._reached():
            there = self._sizes(checkpoint.partition)
            files = [
                self._put(checkpoint.partition, folder, path, there)
                for path in sorted(path for path in folder.rglob("*") if path.is_file())
            ]
            manifest = msgspec.structs.replace(checkpoint, files=files)
            number = max(self._numbers(checkpoint.partition), default=0) + 1
            self._write(self._manifest(checkpoint.partition, number), msgspec.json.encode(manifest))
            self._clean(checkpoint.partition)
        return manifest

    def _put(self, partition: int, folder: Path, path: Path, there: dict[str, int]) -> File:
        status = path.stat()
        identity = status.st_ino, status.st_size, status.st_mtime_ns
        digest = self._known.get(identity) or file_hash(path)
        self._known[identity] = digest
        if there.get(digest) != status.st_size:
            self._write(self._object(partition, digest), path.read_bytes())
            there[digest] = status.st_size
        return File(str(path.relative_to(folder)), digest, status.st_size)

    def _write(self, place: str, content: bytes) -> None:
        """Write a file that appears whole: on a disk by a rename, in a bucket by itself."""
        if "file" not in self._files.protocol:
            self._files.pipe_file(place, content)
            return
        path = Path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)

    def _clean(self, partition: int) -> None:
        """Remove older manifests, then what none names, unless it is young."""
        numbers = self._numbers(partition)
        for number in numbers[:-KEPT]:
            self._files.rm_file(self._manifest(partition, number))
        named = {file.sha256 for number in numbers[-KEPT:] for file in self._named(partition, number)}
        limit = datetime.now(tz=UTC) - GRACE
        for place in self._objects(partition):
            name = place.rsplit("/", 1)[-1]
            if name not in named and self._files.modified(place) < limit:
                self._files.rm_file(place)

    # ------------------------------------------------------------ taking
    def newest(self, partition: int) -> list[Checkpoint]:
        """The checkpoints of a partition that can be read, newest first."""
        found = []
        with self._reached():
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
        place = self._object(partition, file.sha256)
        content = self._read(place, file)
        if not _whole(content, file):
            content = self._read(place, file)  # a connection that was cut reads otherwise the second time
        if not _whole(content, file):
            self._remove_broken(place)
            raise CheckpointBroken(f"{file.path} has other bytes than its checksum says")
        path.write_bytes(content)

    def _read(self, place: str, file: File) -> bytes:
        with self._reached():
            try:
                content: bytes = self._files.cat_file(place)
            except FileNotFoundError:
                raise CheckpointBroken(f"{file.path} is missing") from None
        return content

    def _remove_broken(self, place: str) -> None:
        try:
            with self._reached():
                self._files.rm_file(place)
        except StorageFailed as error:
            log.warning("a broken file stays in the depot: %s", error)

    # ------------------------------------------------------------ where things are
    def _checkpoint(self, partition: int, number: int) -> Checkpoint:
        try:
            found = _decode(self._files.cat_file(self._manifest(partition, number)))
        except (msgspec.MsgspecError, FileNotFoundError) as error:
            raise CheckpointBroken(str(error)) from None
        if found.version != VERSION or found.partition != partition:
            raise CheckpointBroken(f"it is of version {found.version}, of partition {found.partition}")
        return found

    def _named(self, partition: int, number: int) -> list[File]:
        try:
            return self._checkpoint(partition, number).files
        except CheckpointBroken:
            return []

    def _numbers(self, partition: int) -> list[int]:
        names = (place.rsplit("/", 1)[-1] for place in self._listed(f"{self._root}/p{partition}/checkpoints"))
        return sorted(int(name.removesuffix(".json")) for name in names if name.removesuffix(".json").isdigit())

    def _objects(self, partition: int) -> list[str]:
        return self._listed(f"{self._root}/p{partition}/objects")

    def _sizes(self, partition: int) -> dict[str, int]:
        """The size of each object that is there, by its name."""
        try:
            found = self._files.ls(f"{self._root}/p{partition}/objects", detail=True, refresh=True)
        except FileNotFoundError:
            return {}
        return {str(each["name"]).rsplit("/", 1)[-1]: int(each["size"] or 0) for each in found}

    def _listed(self, place: str) -> list[str]:
        try:
            return [str(found) for found in self._files.ls(place, detail=False, refresh=True)]
        except FileNotFoundError:
            return []

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turns what a depot refuses in the body into the error that says what to do."""
        try:
            yield
        except (CheckpointBroken, StrandError):
            raise
        except Exception as error:
            # Each kind of depot raises errors of its own library's kind.
            action = "check that the depot is there and may be written; workers go on without it"
            raise StorageFailed(f"the depot {self.url} cannot be used: {error}", action) from error

    def _manifest(self, partition: int, number: int) -> str:
        return f"{self._root}/p{partition}/checkpoints/{number:012}.json"

    def _object(self, partition: int, digest: str) -> str:
        return f"{self._root}/p{partition}/objects/{digest}"


def _whole(content: bytes, file: File) -> bool:
    return len(content) == file.size and hashlib.sha256(content).hexdigest() == file.sha256


def _options(url: str) -> dict[str, Any]:
    """What a depot of this kind needs to be told, unless fsspec's own settings say it."""
    said = fsspec.config.conf.get("s3", {})
    return {"config_kwargs": dict(PATIENCE)} if url.startswith(S3) and "config_kwargs" not in said else {}
