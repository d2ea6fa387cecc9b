"""What is closed when its `with` block ends, or when making it fails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


class SelfClosing(ABC):
    """A context manager of itself, which `close` ends."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def closed_on_failure(close: Callable[[], object]) -> Iterator[None]:
    """Close what is half made if the body, which makes the rest of it, fails."""
    try:
        yield
    except BaseException:  # an interrupt too: nobody else has it, to close it
        close()
        raise
