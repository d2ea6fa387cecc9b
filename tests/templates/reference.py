"""A render as it would be written without a thought for its speed, to compare the real one with.

It shares with the real one what judges operands and generates code; conversion, context, output and header lines are
done anew, by Jinja's own ways where it has any.
"""

from __future__ import annotations

import traceback
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jinja2 import Template
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import TemplateError
from jinja2.runtime import Context
from jinja2.utils import missing, pass_context
from typing_extensions import override

from events.errors import RenderFailed
from templates.catalogue import place_of
from templates.compiler import BoundedCodeGenerator, guard
from templates.limits import MAX_OUTPUT_BYTES, Meter
from templates.operands import defined, kind_of
from templates.plain import ARITHMETIC, Nulls, plain
from templates.render_context import RenderContext, range_of
from templates.sandbox import TemplateEnvironment


class JinjasOutput(BoundedCodeGenerator):
    """Outputs as Jinja writes them."""

    _make_finalize = CodeGenerator._make_finalize
    _output_child_pre = CodeGenerator._output_child_pre
    _output_child_post = CodeGenerator._output_child_post


class JinjasContext(RenderContext):
    """A context as Jinja makes it."""

    resolve_or_missing = Context.resolve_or_missing

    def __init__(self, environment: TemplateEnvironment, key: str, variables: Mapping[str, Any], meter: Meter) -> None:
        Context.__init__(self, environment, {**variables, "range": range_of}, key, {})
        self.meter = meter


def written(value: object) -> str:
    """A value as a message shows it."""
    defined(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        number = Decimal(value)
        if not number.is_finite() or abs(number) >= 10**30:
            raise RenderFailed("a number must be smaller than 10^30 in size")
        text = format(ARITHMETIC.quantize(number, Decimal("0.000001")), "f").rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    if isinstance(value, list | tuple):
        raise RenderFailed("a list cannot be written as it is; say how: `| sentence`, `| join(', ')` or a loop")
    if isinstance(value, str):
        return value
    raise RenderFailed(f"{kind_of(value)} cannot be written; write one of its fields")


@pass_context
def _finalize(_context: Context, value: object) -> str:
    return written(value)


class SlowEnvironment(TemplateEnvironment):
    """The environment with Jinja's own outputs, and each field looked for step by step."""

    code_generator_class = JinjasOutput

    def __init__(self) -> None:
        super().__init__()
        self.finalize = _finalize

    @override
    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):
            found = dict(obj).get(attribute, missing)
            return self._absent(obj, attribute) if found is missing else found
        return super().getattr(obj, attribute)


def slowly_plain(groups: Mapping[str, Any]) -> dict[str, Any]:
    """What `build_context` makes of its arguments."""
    offered = ("code", "percent", "amount", "category", "expires_on")
    event: Any = plain(Nulls(groups["event"] or {}))
    customer, traits = plain(Nulls(groups["profile"])), plain(dict(groups["traits"]))
    offer = plain(Nulls({name: value for name, value in (groups["offer"] or {}).items() if name in offered}))
    return {
        "event": event,
        "items": event.get("items") if isinstance(event.get("items"), list) else [],
        "customer": customer,
        "traits": traits,
        "offer": offer,
        "links": plain({"unsubscribe": None, "survey": None, **groups["links"]}),
        "sender": plain({"name": None, "email": None, **groups["sender"]}),
    }


def render_slowly(key: str, source: str, variables: Mapping[str, Any]) -> str:
    """The part's text; raises RenderFailed with template, line and cause."""
    environment, place = SlowEnvironment(), place_of(key)
    tree = environment.parse(source, key, key)
    steps = guard(tree)
    code = Template.from_code(environment, environment.compile(tree, key, key), {})
    meter = Meter(place.language)
    try:
        meter.work(steps)
        text = ""
        for chunk in code.root_render_func(JinjasContext(environment, key, variables, meter)):
            text = f"{text}{chunk}"  # `+` would escape what is not of HTML
            if len(text.encode()) > MAX_OUTPUT_BYTES:
                raise RenderFailed(f"a part may have {MAX_OUTPUT_BYTES:,} bytes; this one has more")
        if place.part == "subject":
            text = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
            text = " ".join(text.split())
        if not text.strip():
            raise RenderFailed("nothing was written; a part cannot be empty")
    except (RenderFailed, TemplateError) as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == key]
        line = code.get_corresponding_lineno(frames[-1].lineno or 1) if frames else 1
        cause = error.cause if isinstance(error, RenderFailed) else error.message or ""
        raise RenderFailed(cause, template=key, line=line) from None
    return text
