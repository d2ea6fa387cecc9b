"""Letters of the fold go page by page, each once and in order."""

from __future__ import annotations

from engine.adapters.memory import MemoryDerived
from engine.ports import Flush
from engine.runtimes.kafka.letter_pages import read_page
from engine.runtimes.kafka.turn import Turn


def pages(letters: list[tuple[int, bytes]], most_bytes: int) -> list[list[bytes]]:
    """All pages of so many bytes, in order."""
    store, turn = MemoryDerived(), Turn()
    store.write(Flush(letters=letters))
    found = []
    start: int | None = 0
    with turn:
        while start is not None:
            page = read_page(store, start, turn, most_bytes)
            found.append(page.letters)
            start = page.next
    return found


def test_a_page_ends_where_it_would_be_too_large() -> None:
    letters = [(offset * 7, b"%d" % offset * 10) for offset in range(5)]
    assert pages(letters, 25) == [[b"0" * 10, b"1" * 10], [b"2" * 10, b"3" * 10], [b"4" * 10]]


def test_a_letter_that_is_larger_than_a_page_is_one() -> None:
    assert pages([(3, b"x" * 100), (9, b"y")], 10) == [[b"x" * 100], [b"y"]]


def test_without_letters_there_is_one_page() -> None:
    assert pages([], 10) == [[]]
