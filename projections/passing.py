"""The source of what the passing of time does to a state, and of when it does so next."""

from __future__ import annotations

from dataclasses import dataclass

from projections.affecting import Affecting, indented
from projections.indexing import Indexed, Indexing


@dataclass(slots=True)
class Passing:
    """Writes the functions of time, and the statements that bound the next change by time of what an event touched.

    `L` is the bound: the next instant at which time alone may change something, early at worst.
    """

    affecting: Affecting

    @property
    def indexing(self) -> Indexing:
        """What is written about."""
        return self.affecting.indexing

    @property
    def windows(self) -> list[Indexed]:
        """The sources from which time alone takes something away."""
        return [ix for ix in self.indexing.indexed.values() if ix.window is not None]

    # ------------------------------------------------------------ time
    def expire(self) -> list[str]:
        """The function that drops what has left the windows by t."""
        windows = self.windows
        body = [
            "e = NEVER",
            *self.affecting.snapshots(windows),
            *(line for ix in windows if ix.window is not None for line in ix.window.expire()),
            "s.exit_at = e",
            *self.affecting.candidates(windows),
            f"return ({''.join((ix.changes or 'None') + ', ' for ix in windows if ix.evidence)})",
        ]
        return ["def expire(s, t, cand):", *indented(body)]

    def due(self) -> list[str]:
        """The function of a due instant: what leaves and what crosses a cut on the ms t."""
        windows = [ix for ix in self.windows if ix.evidence]
        snapshots = "".join("None, " if ix.changes else f"{ix.source.raw}, " for ix in windows)
        lines = [
            "if s.exit_at < t: expire(s, t - 1, cand)",
            f"before = ({snapshots})",
            "if s.exit_at <= t:",
            "    gone = expire(s, t, cand)",
            "    before = tuple([b if g is None else g for b, g in zip(before, gone)])",
        ]
        lines += self.affecting.select
        for ix in self.indexing.indexed.values():
            n = ix.number
            if ix.age or ix.grouped_age:
                lines += [f"a = {ix.source.raw}", "if a is not None:", f"    cand += AGED{n}(t - a, ())"]
            lines += indented(self.affecting.in_group(n, "cand += x.at.get(t - a, ())", when=ix.grouped_age, of="ages"))
        lines += ["cand += MOVING", *self.affecting.of_group("cand += mine.moving")]
        lines += [*self.affecting.astray("cand += s.strays"), "return before"]
        return ["def due(s, t, cand):", *indented(lines)]

    def bound(self) -> list[str]:
        """The function that bounds the next instant at which time alone changes something: early at worst."""
        lines = ["L = s.ask_at", *self.affecting.select]
        for ix in self.indexing.indexed.values():
            n = ix.number
            if ix.age or ix.grouped_age:
                lines += [f"a = {ix.source.raw}", "if a is not None:"]
                lines += [f"    e = next_cut(AGE{n}, NEXT, s, a, t)", "    if e < L: L = e"]
            found = ["e = next_cut(x, NEXT, s, a, t)", "if e < L: L = e"]
            lines += indented(self.affecting.in_group(n, *found, when=ix.grouped_age, of="ages"))
            lines += self.exit_bound(ix)
        lines += ["for i in MOVING: L = min(L, NEXT[i](s, t))"]
        lines += self.affecting.of_group("L = min([L, *[NEXT[i](s, t) for i in mine.moving]])")
        strays = "L = min([L, s.exit_at, *[NEXT[i](s, t) for i in s.strays if NEXT[i] is not None]])"
        lines += self.affecting.astray(strays)
        return ["def bound(s, t):", *indented([*lines, "return L"])]

    # ------------------------------------------------------------ after an event
    def new_bound(self, ix: Indexed) -> list[str]:
        """Statements that bound the next change by time of what an event touched."""
        lines = []
        n = ix.number
        if ix.age or ix.grouped_age:
            lines += [f"a = {ix.source.raw}", f"if a is not None and a != b{n}:"]
        if ix.age:
            first = self.affecting.first_age(ix)
            lines += [f"    if a + {first} < s.queued or a + {first} <= t:"]
            lines += [f"        e = next_cut(AGE{n}, NEXT, s, a, t)", "        if e < L: L = e"]
        found = ["if a + x.first < s.queued or a + x.first <= t:"]
        found += ["    e = next_cut(x, NEXT, s, a, t)", "    if e < L: L = e"]
        lines += indented(self.affecting.in_group(n, *found, when=ix.grouped_age, of="ages"))
        return lines + self.exit_bound(ix)

    def regrouped(self, touched: list[Indexed]) -> list[str]:
        """Statements for a customer who came to another group, to which exits matter that were not waited for."""
        if not any(ix.grouped for ix in self.windows):
            return []
        return [
            f"if {ix.source.raw} != b{ix.number} and s.exit_at < L: L = s.exit_at"
            for ix in touched
            if ix.source.name == self.indexing.analysis.selector
        ]

    def exit_bound(self, ix: Indexed) -> list[str]:
        """Statements that bound the next exit that matters."""
        window = ix.window
        if window is None:
            return []
        lines = []
        if ix.entry or ix.exact_exits:
            cuts = None if ix.exact_exits else f"CUTS{ix.number}"
            lines += [f"e = {window.next_exit(cuts)}", "if e < L: L = e"]
        choice = f"if not x.exact: e = {window.next_exit('x.numbers.cuts')}"
        found = [f"e = {window.next_exit(None)}", choice, "if e < L: L = e"]
        lines += self.affecting.in_group(ix.number, *found, when=ix.grouped)
        return ["if s.exit_at < L:", *indented(lines)] if lines else []
