"""How much one render may do: everything is counted and nothing is timed, since a decision depends on no clock.

A render is one part of a message, `email.html` for instance. The four limits that authors know are the rulebook
language's; the rest keep time and memory bounded where those four alone would not.
"""

from __future__ import annotations

from events.errors import RenderFailed

MAX_LOOP_ITEMS = 1_000
MAX_LOOP_TURNS = 10_000
MAX_CALLS = 1_000
MAX_OUTPUT_BYTES = 256 * 1024

# One text value, and all texts that operators and filters of a render make together, in characters.
MAX_TEXT_CHARS = 256 * 1024
MAX_MADE_CHARS = 16 * MAX_TEXT_CHARS
# One step is one node of the template's tree run once, one item of a list walked by a filter, or 256 characters read.
MAX_STEPS = 1_000_000
# An event's numbers are smaller than 10^15; sums of them, and what a template makes of those, than this.
MAX_NUMBER = 10**30

# Of a template's own text.
MAX_SOURCE_CHARS = 256 * 1024
MAX_TAGS = 4_000
MAX_TAG_TOKENS = 250
MAX_BRACKET_DEPTH = 12
MAX_BLOCK_DEPTH = 12
MAX_EXPRESSION_DEPTH = 60


class Meter:
    """Counts what one render does and raises RenderFailed at the first thing over a limit.

    `language` is that of the part, None for the one without; it stands here since filters are given the meter.
    """

    __slots__ = ("calls", "language", "made_chars", "steps", "turns")

    def __init__(self, language: str | None = None) -> None:
        self.language = language
        self.turns = 0
        self.calls = 0
        self.made_chars = 0
        self.steps = 0

    def loop(self, items: int, steps_per_turn: int) -> None:
        """Count a loop over `items`, before its first turn."""
        if items > MAX_LOOP_ITEMS:
            raise RenderFailed(f"a loop may have {MAX_LOOP_ITEMS:,} items; this one has {items:,}")
        self.turns += items
        if self.turns > MAX_LOOP_TURNS:
            raise RenderFailed(f"a render may take {MAX_LOOP_TURNS:,} loop turns; this one takes more")
        self.work(items * steps_per_turn)

    def call(self) -> None:
        """Count one filter, test or function call."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise RenderFailed(f"a render may call {MAX_CALLS:,} filters, tests and functions; this one calls more")

    def work(self, steps: int) -> None:
        """Count steps."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise RenderFailed(f"a render may take {MAX_STEPS:,} steps; this one takes more")

    def walk(self, items: int) -> None:
        """Count a filter's walk over a list."""
        if items > MAX_LOOP_ITEMS:
            raise RenderFailed(f"a filter may walk {MAX_LOOP_ITEMS:,} items; this list has {items:,}")
        self.work(items)

    def reads(self, text: str) -> None:
        """Count the reading of a text, which costs little unless it is long."""
        if len(text) > 255:
            self.work(len(text) >> 8)

    def makes(self, chars: int) -> None:
        """Count a text about to be made, in characters."""
        if chars > MAX_TEXT_CHARS:
            raise RenderFailed(f"a text may have {MAX_TEXT_CHARS:,} characters; this one would have {chars:,}")
        self.made_chars += chars
        if self.made_chars > MAX_MADE_CHARS:
            raise RenderFailed(f"the texts of a render may have {MAX_MADE_CHARS:,} characters together; here are more")
