"""The files of a depot, on a disk or in a bucket: each appears whole, and what refuses one is told in one way."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec

from engine.workspace.durable_files import sync_folder
from events.errors import OperatorError, StorageFailed, StrandError

S3 = ("s3://", "s3a://")
PATIENCE: Mapping[str, Any] = {"connect_timeout": 5, "read_timeout": 8, "retries": {"total_max_attempts": 2}}
"""For a bucket that does not answer, in seconds; s3fs tries five times. A partition that is being opened waits for it,
and has to move within `readiness.STALLED_S`."""


class DepotFiles:
    """What stands in a folder of a depot, by names with slashes; raises StorageFailed where it cannot be reached.

    Raises OperatorError for a URL of no kind that is installed.
    """

    def __init__(self, url: str, folder: str) -> None:
        self.url = url
        try:
            self._files, root = fsspec.core.url_to_fs(url, **_options(url))
        except (ValueError, ImportError) as error:
            lacking = "strand-journeys[s3]" if url.startswith(S3) else "what fsspec needs for it"
            action = f"install {lacking}, or name another depot"
            raise OperatorError(f"the depot {url} cannot be used: {error}", action) from error
        self._root = f"{root.rstrip('/')}/{folder}"

    def read(self, name: str) -> bytes | None:
        """A file's content, None where it is missing."""
        with self.reached():
            try:
                content: bytes = self._files.cat_file(self._place(name))
            except FileNotFoundError:
                return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file that appears whole: on a disk by a rename, in a bucket by itself."""
        with self.reached():
            if "file" not in self._files.protocol:
                self._files.pipe_file(self._place(name), content)
                return
            path = Path(self._place(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)

    def remove(self, name: str) -> None:
        """Remove a file that is there."""
        with self.reached():
            self._files.rm_file(self._place(name))

    def modified(self, name: str) -> datetime:
        """When a file was written."""
        with self.reached():
            written: datetime = self._files.modified(self._place(name))
        return written

    def names(self, folder: str) -> list[str]:
        """The names of the files of a folder; none where there is no folder."""
        with self.reached():
            try:
                found = self._files.ls(self._place(folder), detail=False, refresh=True)
            except FileNotFoundError:
                return []
        return [str(place).rsplit("/", 1)[-1] for place in found]

    def sizes(self, folder: str) -> dict[str, int]:
        """As `names`, with the size of each in bytes."""
        with self.reached():
            try:
                found = self._files.ls(self._place(folder), detail=True, refresh=True)
            except FileNotFoundError:
                return {}
        return {str(each["name"]).rsplit("/", 1)[-1]: int(each["size"] or 0) for each in found}

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Turns what a depot refuses in the body into the error that says what to do."""
        try:
            yield
        except StrandError:
            raise
        except Exception as error:
            # Each kind of depot raises errors of its own library's kind.
            action = "check that the depot is there and may be written; workers go on without it"
            raise StorageFailed(f"the depot {self.url} cannot be used: {error}", action) from error

    def _place(self, name: str) -> str:
        return f"{self._root}/{name}"


def _options(url: str) -> dict[str, Any]:
    """What a depot of this kind needs to be told, unless fsspec's own settings say it."""
    said = fsspec.config.conf.get("s3", {})
    return {"config_kwargs": dict(PATIENCE)} if url.startswith(S3) and "config_kwargs" not in said else {}
