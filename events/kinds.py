"""The kinds of fields as pydantic checks them, and models and neutral schemas made of each other.

Numbers are int or float and never a flag, times ISO 8601 or integer milliseconds, dates `YYYY-MM-DD`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr, create_model
from pydantic import Field as Described

from events.calendar import parse_date
from events.schema import DATE, FLAG, NUMBER, TEXT, TIME, Field, Fields
from events.times import parse_instant


def _checked_time(value: object) -> object:
    parse_instant(value)
    return value


def _checked_date(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a date must be text")  # of a TypeError pydantic would make no report
    parse_date(value)
    return value


Number: TypeAlias = Annotated[StrictInt | StrictFloat, NUMBER]
Text: TypeAlias = Annotated[StrictStr, TEXT]
Flag: TypeAlias = Annotated[StrictBool, FLAG]
Time: TypeAlias = Annotated[StrictInt | StrictStr, BeforeValidator(_checked_time), TIME]
Date: TypeAlias = Annotated[StrictStr, BeforeValidator(_checked_date), DATE]

_ANNOTATIONS: Mapping[str, Any] = {NUMBER: Number, TEXT: Text, FLAG: Flag, TIME: Time, DATE: Date}


class EventData(BaseModel):
    """What every type's data has in common: further fields are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


def fields_of_model(model: type[EventData]) -> Fields:
    """The neutral form of a model."""
    hints = get_type_hints(model, include_extras=True)
    fields = {name: _field(hints[name]) for name in model.model_fields}
    return Fields(fields, frozenset(name for name, info in model.model_fields.items() if info.is_required()))


def _field(annotation: Any) -> Field:
    """The kind that an annotation carries, or the fields of its items."""
    if get_origin(annotation) in {Union, UnionType}:
        return next(_field(part) for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is list:
        return fields_of_model(get_args(annotation)[0])
    return next(mark for mark in annotation.__metadata__ if isinstance(mark, str))


def model_from(name: str, fields: Fields, base: type[EventData]) -> type[EventData]:
    """A model made from the neutral form; fields have aliases, since a declared name may be one of pydantic's own."""
    definitions: dict[str, Any] = {}
    for index, (field_name, field) in enumerate(fields.fields.items()):
        kind: Any = _ANNOTATIONS[field] if isinstance(field, str) else _list_of(f"{name}_{index}", field)
        required = field_name in fields.required
        described = Described(... if required else None, alias=field_name)
        definitions[f"declared_{index}"] = (kind if required else kind | None, described)
    return create_model(name, __base__=base, **definitions)


def _list_of(name: str, fields: Fields) -> Any:
    return list[model_from(name, fields, EventData)]  # type: ignore[misc]  # a model made at run time
