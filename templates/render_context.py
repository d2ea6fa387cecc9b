"""What a template's code is run with: the variables of one part of a message, and the meter of its work."""

from __future__ import annotations

from typing import Any

from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.utils import missing
from typing_extensions import override

from events.errors import RenderFailed
from templates.limits import MAX_LOOP_ITEMS, Meter
from templates.operands import whole
from templates.plain import Plain


def range_of(_meter: Meter, *bounds: object) -> list[int]:
    """Python's range, of at most as many numbers as a loop may have items."""
    whole_bounds = [whole(bound, least=-(10**15), most=10**15) for bound in bounds]
    if whole_bounds[2:] == [0]:
        raise RenderFailed("the step of a range cannot be 0")
    numbers = range(*whole_bounds)
    if len(numbers) > MAX_LOOP_ITEMS:
        raise RenderFailed(f"a range may have {MAX_LOOP_ITEMS:,} numbers; this one has {len(numbers):,}")
    return list(numbers)


class RenderContext(Context):
    """The variables of one render and its meter: all that a template's code asks of a context of Jinja's.

    `variables` are shared by the parts of a message; what a template sets stands in `vars`.
    """

    def __init__(self, modes: EvalContext, name: str, variables: dict[str, Plain], meter: Meter) -> None:
        # Jinja's own constructor copies what it is given and works `modes` out again. Blocks and globals, which it
        # would keep as well, there are none of: the syntax has no inheritance and no imports.
        self.environment = modes.environment
        self.eval_ctx = modes
        self.name = name
        self.parent = variables
        self.vars = {}
        self.exported_vars = set()
        self.meter = meter

    @override
    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        return range_of if key == "range" else self.parent.get(key, missing)
