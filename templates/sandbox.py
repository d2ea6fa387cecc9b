"""The environment that templates run in: plain data, counted work, nothing else within reach.

Built on Jinja's immutable sandbox and narrower in every direction: an item of a dict is all that a dot can mean, two
functions can be called, and every operator judges its operands first.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import MethodType
from typing import Any

from jinja2 import StrictUndefined
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing, pass_context
from typing_extensions import override

from events.errors import RenderFailed
from templates import filters
from templates.compiler import LOOP_ITEMS, UNPACKED, BoundedCodeGenerator
from templates.limits import MAX_NUMBER, Meter
from templates.operands import calculate, compare, defined, field, items, join, kind_of, number, scalar, whole, written
from templates.plain import Nulls, Plain, plain_number
from templates.render_context import RenderContext, range_of

LOOP_FIELDS = frozenset(
    {"depth", "depth0", "first", "index", "index0", "last", "length", "nextitem", "previtem", "revindex", "revindex0"}
)


class Missing(StrictUndefined):
    """A name or field that is not there; using it says which."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"nothing is called {self._undefined_name!r}"


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def counted(context: RenderContext, value: object, *args: object, **kwargs: object) -> object:
        meter = context.meter
        meter.call()
        return function(meter, value, *args, **kwargs)

    return counted


@pass_context
def _loop_items(context: RenderContext, value: object, steps_per_turn: int, names: int) -> list[Plain]:
    found = items(value)
    context.meter.loop(len(found), steps_per_turn)
    if names:
        for item in found:
            _unpacked(item, names)
    return found


def _unpacked(value: object, names: int) -> object:
    """A list of just as many values as there are names for them."""
    defined(value)
    if isinstance(value, (list, tuple)) and len(value) == names:
        return value
    raise RenderFailed(f"a list of {names} values belongs here, one for each name; found {kind_of(value)}")


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Compiles templates that can do nothing but read plain data and write text."""

    code_generator_class = BoundedCodeGenerator
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"+", "-"})

    def __init__(self) -> None:
        super().__init__(
            undefined=Missing,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            optimized=False,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=0,
        )
        self.context_class = RenderContext
        self.globals = {}
        self.filters = {name: _counted(function) for name, function in filters.FILTERS.items()}
        self.filters |= {LOOP_ITEMS: _loop_items, UNPACKED: _unpacked}
        self.tests = {name: _counted(function) for name, function in filters.TESTS.items()}

    @override
    def getattr(self, obj: Any, attribute: str) -> Any:
        """The item of a dict, or what a loop says of itself; attributes do not exist."""
        if isinstance(obj, dict):
            found = obj.get(attribute, missing)
            if found is not missing:
                return found
            return None if type(obj) is Nulls and attribute[:1] != "_" else self._absent(obj, attribute)
        if isinstance(obj, LoopContext) and (attribute in LOOP_FIELDS or attribute == "cycle"):
            return getattr(obj, attribute)
        return self._absent(obj, attribute)

    @override
    def getitem(self, obj: Any, argument: Any) -> Any:
        """The item of a dict by name, of a list or text by number."""
        key = scalar(argument)
        if isinstance(key, str):
            return self.getattr(obj, key) if isinstance(obj, dict) else self._absent(obj, key)
        if isinstance(obj, (list, tuple, str)) and key is not None:
            place = whole(key, least=-MAX_NUMBER, most=MAX_NUMBER)
            if -len(obj) <= place < len(obj):
                return obj[place]
            return self.undefined(f"there is no item {place} in a list of {len(obj):,}")
        return None if key is None else self._absent(obj, written(key))

    def _absent(self, obj: object, name: str) -> Any:
        if obj is None:
            return None  # a field of a null is null, as everything else of it
        try:
            return field(obj, name)
        except RenderFailed as failure:
            return self.undefined(str(failure))

    @override
    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # as Jinja's
        """Call range or loop.cycle; nothing else can be called."""
        meter: Meter = __context.meter  # type: ignore[attr-defined]  # contexts here are RenderContexts
        meter.call()
        if __obj is range_of:  # in a loop Jinja passes keywords of its own; templates cannot
            return range_of(meter, *args)
        if type(__obj) is MethodType and __obj.__func__ is LoopContext.cycle and args:
            return __obj(*args)
        defined(__obj)
        raise RenderFailed(f"{kind_of(__obj)} cannot be called")

    @override
    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Exact arithmetic on numbers, `+` also on texts."""
        return calculate(context.meter, operator, left, right)  # type: ignore[attr-defined]  # a RenderContext

    @override
    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """The sign of a number; null of null."""
        if defined(arg) is None:
            return None
        given = number(arg)
        return given if operator == "+" else calculate(Meter(), "-", 0, given)

    @override
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Never: there are no attributes."""
        return False

    @override
    def is_safe_callable(self, obj: Any) -> bool:
        """Never: `call` knows the two functions."""
        return False

    # What BoundedCodeGenerator writes:

    written = staticmethod(written)

    def compare(self, context: RenderContext, *links: Any) -> bool:
        """A comparison, chained ones too: left, operator, right, operator, right ..."""
        context.meter.work(len(links))
        return all(
            compare(context.meter, links[at + 1], links[at], links[at + 2]) for at in range(0, len(links) - 2, 2)
        )

    def join_texts(self, context: RenderContext, values: tuple[Any, ...]) -> str:
        """`~`: the values as written, one after the other."""
        return join(context.meter, [written(value) for value in values], "")

    def slice_of(self, context: RenderContext, obj: Any, start: Any, stop: Any, step: Any) -> Any:
        """`[start:stop:step]` of a list or text; null of null."""
        if defined(obj) is None:
            return None
        if not isinstance(obj, (list, str)):
            raise RenderFailed(f"{kind_of(obj)} has no parts")
        most = MAX_NUMBER
        bounds = [None if bound is None else whole(bound, least=-most, most=most) for bound in (start, stop, step)]
        if bounds[2] == 0:
            raise RenderFailed("the step of a slice cannot be 0")
        part = obj[slice(*bounds)]
        if isinstance(part, str):
            context.meter.makes(len(part))
        else:
            context.meter.work(len(part))
        return part

    def element(self, value: Any) -> Any:
        """A computed element of a literal list: scalars only."""
        return scalar(value)

    def key(self, value: Any) -> str:
        """A field's name in a literal group."""
        name = scalar(value)
        if isinstance(name, str):
            return name
        raise RenderFailed(f"a field's name is a text; found {kind_of(value)}")

    def decimal(self, value: float) -> int | Decimal:
        """A literal number, exactly as written to 6 places."""
        return plain_number(value)
