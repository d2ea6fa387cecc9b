"""Renders messages: templates are compiled when the Renderer is made; from then on a render is a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Template, TemplateSyntaxError
from jinja2.nodes import EvalContext

from events.errors import Problem, RenderFailed, RulebookInvalid
from templates.catalogue import Catalogue, NotATemplate, in_language, place_of
from templates.compiler import guard
from templates.part import Compiled, render_part
from templates.plain import Plain, Variables, plain
from templates.reads import Reads, reads_of, together
from templates.sandbox import TemplateEnvironment
from templates.source import SyntaxRefused, check_source
from templates.syntax import check_tree, references

BODY_PARTS = ("html", "txt")
_ENVIRONMENT = TemplateEnvironment()  # has no state: what a render counts is its context's


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one template; `line` counts from 1."""

    key: str
    line: int
    message: str


def compile_all(templates: Mapping[str, str]) -> tuple[dict[str, Compiled], list[Fault]]:
    """Every template that compiles by its key, and what is wrong with the others."""
    compiled: dict[str, Compiled] = {}
    faults: list[Fault] = []
    for key in sorted(templates):
        try:
            compiled[key] = _compile(key, templates[key])
        except NotATemplate as error:
            faults.append(Fault(key, 1, str(error)))
        except SyntaxRefused as error:
            faults.append(Fault(key, error.line, error.message))
        except TemplateSyntaxError as error:
            faults.append(Fault(key, error.lineno, error.message or "this is no template"))
        except (SyntaxError, ValueError) as error:
            faults.append(Fault(key, 1, f"this cannot be compiled ({type(error).__name__})"))
    return compiled, faults


@lru_cache(maxsize=512)  # rulebooks are compiled when checked, activated and opened, with the same stock in each
def _compile(key: str, source: str) -> Compiled:
    place, environment = place_of(key), _ENVIRONMENT
    check_source(environment, source)
    tree = environment.parse(source, key, key)
    check_tree(environment, tree)
    fields, reads = references(tree), reads_of(tree)
    steps = guard(tree)
    code = Template.from_code(environment, environment.compile(tree, key, key), {})
    root = code.root_render_func
    return Compiled(key, place, code, root, EvalContext(environment, key), steps, fields, reads)


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """A message of one template, channel and language: its parts, what they `read`, what it `lacks` to be sent."""

    parts: tuple[tuple[str, Compiled], ...]
    reads: Reads
    lacks: str

    def write(self, variables: dict[str, Plain]) -> dict[str, str]:
        """The parts (`subject`, `html`, `txt`); `variables` are plain. Raises RenderFailed."""
        if self.lacks:
            raise RenderFailed(self.lacks)
        return {part: render_part(template, variables) for part, template in self.parts}


class Renderer:
    """Holds a rulebook's templates, compiled; `templates` maps `NAME/CHANNEL[.LANGUAGE].PART` to text.

    Raises RulebookInvalid with every problem of every template.
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._compiled, faults = compile_all(templates)
        if faults:
            raise RulebookInvalid([Problem(f"templates/{one.key}", one.line, 1, one.message) for one in faults])
        self.catalogue = Catalogue(templates)
        self._letters: dict[tuple[str, str], dict[str | None, Letter]] = {}

    def _letter(self, template: str, channel: str, language: str | None) -> Letter:
        parts = {
            part: self._compiled[key] for part, key in self.catalogue.parts_for(template, channel, language).items()
        }
        lacking = lacking_parts(channel, parts)
        lacks = f"template {template!r} has no {lacking} for the channel {channel!r}" if lacking else ""
        return Letter(tuple(parts.items()), together(one.reads for one in parts.values()), lacks)

    def letter(self, template: str, channel: str, language: str | None) -> Letter:
        """The message in the language (`ru-RU`, then `ru`), else in the one without; always the same one."""
        letters = self._letters.get((template, channel))
        if letters is None:
            written_in = self.catalogue.languages(template, channel) or (None,)
            letters = {one: self._letter(template, channel, one) for one in written_in}
            self._letters[template, channel] = letters
        return in_language(letters, language) if language else letters[None]

    def render(
        self, template: str, channel: str, language: str | None, context: Mapping[str, object]
    ) -> dict[str, str]:
        """The message's parts (`subject`, `html`, `txt`) for a customer of a language.

        `context` is what `build_context` makes. Raises RenderFailed with template, line and cause.
        """
        letter = self.letter(template, channel, language)
        return letter.write(
            context if isinstance(context, Variables) else {k: plain(one) for k, one in context.items()}
        )


def lacking_parts(channel: str, parts: Iterable[str]) -> str:
    """What a message on this channel lacks (`subject`, `html or txt`, `txt`), or nothing."""
    if channel == "email":
        if "subject" not in parts:
            return "subject"
        return "" if any(part in parts for part in BODY_PARTS) else "html or txt"
    return "" if "txt" in parts else "txt"
