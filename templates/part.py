"""One part of a message, compiled: from a customer's variables to text, within the limits."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType

from jinja2 import Template
from jinja2.exceptions import TemplateError
from jinja2.nodes import EvalContext

from events.errors import RenderFailed
from templates.catalogue import Place
from templates.limits import MAX_OUTPUT_BYTES, Meter
from templates.plain import Plain
from templates.reads import Reads
from templates.render_context import RenderContext
from templates.syntax import Reference

# UTF-8 takes four bytes a character at most, so that shorter output needs no counting in bytes.
_SURELY_WITHIN_CHARS = MAX_OUTPUT_BYTES // 4


@dataclass(frozen=True, slots=True)
class Compiled:
    """One template, ready to run; `modes` is what Jinja knows of its escaping."""

    key: str
    place: Place
    code: Template
    root: Callable[[RenderContext], Iterator[str]]
    modes: EvalContext
    steps: int
    references: tuple[Reference, ...]
    reads: Reads


def render_part(template: Compiled, variables: dict[str, Plain]) -> str:
    """One part as text; `variables` are plain data. Raises RenderFailed with template, line and cause."""
    meter = Meter(template.place.language)
    context = RenderContext(template.modes, template.key, variables, meter)
    try:
        meter.work(template.steps)
        text = _collect(template.root(context))
        return _one_line(text) if template.place.part == "subject" else _not_empty(text)
    except RenderFailed as failure:
        cause, trace = failure.cause, failure.__traceback__
    except TemplateError as error:
        cause, trace = error.message or "it cannot be computed", error.__traceback__
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        # Python's own words differ between its versions, and a decision records these.
        cause, trace = f"it cannot be computed ({type(error).__name__})", error.__traceback__
    raise RenderFailed(cause, template=template.key, line=_line(template, trace)) from None


def _collect(chunks: Iterator[str]) -> str:
    """The output, counted as it is produced."""
    parts: list[str] = []
    size_chars = 0
    for chunk in chunks:
        parts.append(chunk)
        size_chars += len(chunk)
        if size_chars > _SURELY_WITHIN_CHARS:
            return _collect_long(parts, chunks)
    return "".join(parts)


def _collect_long(begun: Iterable[str], chunks: Iterator[str]) -> str:
    """The output, what has `begun` before the rest of the `chunks`, counted in bytes."""
    parts: list[str] = []
    size_bytes = 0
    for source in (begun, chunks):
        for chunk in source:
            size_bytes += len(chunk) if chunk.isascii() else len(chunk.encode())
            if size_bytes > MAX_OUTPUT_BYTES:
                raise RenderFailed(f"a part may have {MAX_OUTPUT_BYTES:,} bytes; this one has more")
            parts.append(chunk)
    return "".join(parts)


def _one_line(text: str) -> str:
    """A header's text: without line breaks and control characters, which could begin another header."""
    if not text.isprintable():  # what is printable has none, nor any white space but plain blanks
        text = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    return _not_empty(" ".join(text.split()))


def _not_empty(text: str) -> str:
    if not text or text.isspace():
        raise RenderFailed("nothing was written; a part cannot be empty")
    return text


def _line(template: Compiled, trace: TracebackType | None) -> int:
    """The template's line in which an error arose, 1 where none is known."""
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == template.key:
            line = template.code.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
