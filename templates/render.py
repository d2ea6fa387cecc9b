"""Renders messages: templates are compiled when the Renderer is made; from then on a render is a pure function."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType

from jinja2 import Template, TemplateSyntaxError
from jinja2.exceptions import TemplateError

from events.errors import Problem, RenderFailed, RulebookInvalid
from templates.catalogue import Catalogue, NotATemplate, Place, place_of
from templates.compiler import guard
from templates.limits import MAX_OUTPUT_BYTES, Meter
from templates.plain import Plain, Variables, plain
from templates.reads import Reads, reads_of, together
from templates.sandbox import RenderContext, TemplateEnvironment, range_of
from templates.source import SyntaxRefused, check_source
from templates.syntax import Reference, check_tree, references

BODY_PARTS = ("html", "txt")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one template; `line` counts from 1."""

    key: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """One template, ready to run."""

    key: str
    place: Place
    code: Template
    steps: int
    references: tuple[Reference, ...]
    reads: Reads


def compile_all(templates: Mapping[str, str]) -> tuple[dict[str, Compiled], list[Fault]]:
    """Every template that compiles by its key, and what is wrong with the others."""
    environment = TemplateEnvironment()
    compiled: dict[str, Compiled] = {}
    faults: list[Fault] = []
    for key in sorted(templates):
        try:
            compiled[key] = _compile(environment, key, templates[key])
        except NotATemplate as error:
            faults.append(Fault(key, 1, str(error)))
        except SyntaxRefused as error:
            faults.append(Fault(key, error.line, error.message))
        except TemplateSyntaxError as error:
            faults.append(Fault(key, error.lineno, error.message or "this is no template"))
        except (SyntaxError, ValueError) as error:
            faults.append(Fault(key, 1, f"this cannot be compiled ({type(error).__name__})"))
    return compiled, faults


def _compile(environment: TemplateEnvironment, key: str, source: str) -> Compiled:
    place = place_of(key)
    check_source(environment, source)
    tree = environment.parse(source, key, key)
    check_tree(environment, tree)
    fields, reads = references(tree), reads_of(tree)
    steps = guard(tree)
    code = Template.from_code(environment, environment.compile(tree, key, key), {})
    return Compiled(key, place, code, steps, fields, reads)


class Renderer:
    """Holds a rulebook's templates, compiled; `templates` maps `NAME/CHANNEL[.LANGUAGE].PART` to text.

    Raises RulebookInvalid with every problem of every template.
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._compiled, faults = compile_all(templates)
        if faults:
            raise RulebookInvalid([Problem(f"templates/{one.key}", one.line, 1, one.message) for one in faults])
        self.catalogue = Catalogue(templates)
        self._reads: dict[tuple[str, str, str | None], Reads] = {}

    def reads(self, template: str, channel: str, language: str | None) -> Reads:
        """What the message's parts read of their context."""
        key = (template, channel, language)
        found = self._reads.get(key)
        if found is None:
            parts = self.catalogue.parts_for(template, channel, language).values()
            found = self._reads[key] = together(self._compiled[part].reads for part in parts)
        return found

    def render(
        self, template: str, channel: str, language: str | None, context: Mapping[str, object]
    ) -> dict[str, str]:
        """The message's parts (`subject`, `html`, `txt`) for a customer of a language.

        `context` is what `build_context` makes. Raises RenderFailed with template, line and cause.
        """
        keys = self.catalogue.parts_for(template, channel, language)
        lacking = lacking_parts(channel, keys)
        if lacking:
            raise RenderFailed(f"template {template!r} has no {lacking} for the channel {channel!r}")
        variables = context if isinstance(context, Variables) else {name: plain(one) for name, one in context.items()}
        return {part: render_part(self._compiled[key], variables) for part, key in keys.items()}


def lacking_parts(channel: str, parts: Iterable[str]) -> str:
    """What a message on this channel lacks (`subject`, `html or txt`, `txt`), or nothing."""
    if channel == "email":
        if "subject" not in parts:
            return "subject"
        return "" if any(part in parts for part in BODY_PARTS) else "html or txt"
    return "" if "txt" in parts else "txt"


def render_part(template: Compiled, variables: Mapping[str, Plain]) -> str:
    """One part as text; `variables` are plain data. Raises RenderFailed with template, line and cause."""
    context = RenderContext(
        template.code.environment, {**variables, "range": range_of}, template.key, template.code.blocks
    )
    context.meter = Meter(template.place.language)
    try:
        context.meter.work(template.steps)
        text = _collect(template.code.root_render_func(context))
        return _one_line(text) if template.place.part == "subject" else _not_empty(text)
    except RenderFailed as failure:
        cause, trace = failure.cause, failure.__traceback__
    except TemplateError as error:
        cause, trace = error.message or "it cannot be computed", error.__traceback__
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        # Python's own words differ between its versions, and a decision records these.
        cause, trace = f"it cannot be computed ({type(error).__name__})", error.__traceback__
    raise RenderFailed(cause, template=template.key, line=_line(template, trace)) from None


def _collect(chunks: Iterable[str]) -> str:
    """The output, counted as it is produced."""
    parts: list[str] = []
    size_bytes = 0
    for chunk in chunks:
        size_bytes += len(chunk) if chunk.isascii() else len(chunk.encode())
        if size_bytes > MAX_OUTPUT_BYTES:
            raise RenderFailed(f"a part may have {MAX_OUTPUT_BYTES:,} bytes; this one has more")
        parts.append(chunk)
    return "".join(parts)


def _one_line(text: str) -> str:
    """A header's text: without line breaks and control characters, which could begin another header."""
    spaced = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    return _not_empty(" ".join(spaced.split()))


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
