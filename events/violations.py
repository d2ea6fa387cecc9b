"""What of an event's data breaks its type's schema, said so that its publisher can mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from events.errors import InputRefused, Reason
from events.plain import found
from events.schema import DATE, FLAG, NUMBER, TEXT, TIME, Field, Fields, merged
from events.times import EXPECTED
from events.types import BUILTIN, model_of

_MUST_BE = {
    NUMBER: "a number",
    TEXT: "text",
    FLAG: "true or false",
    TIME: EXPECTED,
    DATE: "a date written YYYY-MM-DD",
}


def fields_of(type: str, declared: Mapping[str, Fields] | None = None) -> Fields | None:
    """The fields that a type's data may have, built-in and declared; None for a type that nobody knows."""
    return merged(BUILTIN.get(type), None if declared is None else declared.get(type))


def check_data(type: str, data: Mapping[str, Any], declared: Mapping[str, Fields] | None = None) -> None:
    """Raise InputRefused (schema) for the first field that is missing or of another kind than its type says; data of
    an unknown type may be anything."""
    model = model_of(type, None if declared is None else declared.get(type))
    if model is None:
        return
    try:
        model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise InputRefused(Reason.SCHEMA, _violation(type, first["loc"], data, declared)) from None


def _violation(
    type: str, location: Sequence[int | str], data: Mapping[str, Any], declared: Mapping[str, Fields] | None
) -> str:
    """Follows the location into data and schema: `order_completed.items[2].price must be a number; found ...`."""
    schema: Field | None = fields_of(type, declared)
    value: Any = data
    name = type
    for step in location:
        if isinstance(step, int):
            name, value = f"{name}[{step}]", value[step]
            continue
        if not (isinstance(schema, Fields) and isinstance(value, Mapping)) or step not in schema.fields:
            break  # pydantic names the branch of a union last
        required = step in schema.required
        name, schema = f"{name}.{step}", schema.fields[step]
        value = value.get(step)
        if value is None and required:
            return f"{name} must be there: {_must_be(schema, in_list=False)}; found none"
    return f"{name} must be {_must_be(schema, in_list=isinstance(location[-1], int))}; found {found(value)}"


def _must_be(schema: Field | None, *, in_list: bool) -> str:
    if isinstance(schema, str):
        return _MUST_BE[schema]
    return "an object" if in_list else "a list of objects"
