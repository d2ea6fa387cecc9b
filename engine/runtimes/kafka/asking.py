"""Asks workers what they hold, over their web pages (`partition_pages.py`)."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from engine.runtimes.kafka.letter_pages import LetterPage
from engine.runtimes.kafka.live_state import LiveState
from engine.runtimes.kafka.rebuilding import RebuiltPartition
from engine.runtimes.kafka.sampling import ALL, Sample
from events.errors import CalledWrongly, OperatorError

T = TypeVar("T")
_partitions = msgspec.msgpack.Decoder(list[int]).decode
_live_state = msgspec.msgpack.Decoder(LiveState).decode
_rebuilt = msgspec.msgpack.Decoder(RebuiltPartition).decode
_letter_page = msgspec.msgpack.Decoder(LetterPage).decode

QUICK_S, LONG_S = 10.0, 3600.0
ACTION = "check that the worker runs with --web, and that this machine reaches it"


class Workers:
    """Workers by the URLs of their pages, like `http://one.example:6066`.

    Every call raises OperatorError for a worker that does not answer.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise CalledWrongly(f"a worker is named by the URL of its pages, http://host:6066; found {url!r}")
        self.urls = [url.rstrip("/") for url in urls]

    def by_partition(self) -> dict[int, list[str]]:
        """The workers in which each partition is open: one, or for a moment two."""
        found: dict[int, list[str]] = {}
        for url in self.urls:
            for partition in _get(url + "/partitions", QUICK_S, _partitions) or []:
                found.setdefault(partition, []).append(url)
        return found

    def state(self, partition: int, sample: Sample = ALL, *, each: bool = False) -> LiveState | None:
        """What the partition's owner holds, the newest claim's where two have it open; None if nobody has."""
        query = f"/state?partition={partition}&slot={sample.slot}&of={sample.of}" + ("&each=1" if each else "")
        states = [_get(url + query, LONG_S, _live_state) for url in self.by_partition().get(partition, ())]
        return max((state for state in states if state is not None), key=lambda state: state.claim, default=None)

    def states(self, partitions: Sequence[int]) -> dict[int, LiveState]:
        """What the owners of partitions hold; raises OperatorError if one is open in no worker."""
        found = {partition: self.state(partition) for partition in partitions}
        missing = [str(partition) for partition, state in found.items() if state is None]
        if missing:
            where = "partition " + ", ".join(missing)
            action = "name every worker with --worker, and wait until each is ready (/readyz)"
            raise OperatorError(f"{where} is open in none of {', '.join(self.urls)}", action)
        return {partition: state for partition, state in found.items() if state is not None}

    def rebuild(self, partition: int, *, accept: bool) -> RebuiltPartition | None:
        """Have the partition's owner fold it anew and go on from that; None if nobody has it open."""
        query = f"/rebuild?partition={partition}" + ("&accept=1" if accept else "")
        for url in self.by_partition().get(partition, ()):
            found = _get(url + query, LONG_S, _rebuilt, method="POST")
            if found is not None:
                return found
        return None

    def letters(self, partitions: int, newest: int | None = None) -> Mapping[int, list[bytes]]:
        """What the fold refused, of each partition that is open somewhere; of each only the `newest` so many."""
        found: dict[int, list[bytes]] = {}
        for partition, urls in self.by_partition().items():
            letters = self._letters(urls[-1], partition, newest)
            if letters is not None and partition < partitions:
                found[partition] = letters
        return found

    def _letters(self, url: str, partition: int, newest: int | None) -> list[bytes] | None:
        """Page by page; None where the partition is not open."""
        letters: list[bytes] = []
        start: int | None = 0
        while start is not None:
            only = "" if newest is None or start else f"&newest={newest}"  # the pages that follow begin after those
            page = _get(f"{url}/letters?partition={partition}&from={start}{only}", LONG_S, _letter_page)
            if page is None and start:
                what = f"partition {partition} was given to another worker while {url} told of it"
                raise OperatorError(what, "ask again")
            if page is None:
                return None
            letters += page.letters
            start = page.next
        return letters


def _get(url: str, seconds: float, decode: Callable[[bytes], T], *, method: str = "GET") -> T | None:
    """What a page answers; None where there is no such partition."""
    try:
        request = urllib.request.Request(url, method=method)  # noqa: S310 -- an http URL, checked above
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 -- as above
            return decode(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        said = error.read().decode(errors="replace")
        raise OperatorError(f"{url} answers {error.code}: {said}", "see to that worker, then ask again") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise OperatorError(f"{url} does not answer: {error}", ACTION) from error
