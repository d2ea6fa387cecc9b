"""msgspec looks at structs when their modules are imported (`events/decodable.py`), never in a thread at work."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.tree import PACKAGES, parsed, python_files

ALLOWED = {
    "events/decodable.py": "is what makes them known",
    "events/codec.py": "converts what is decodable",
    "projections/decoding.py": "structs that the same thread made for the rulebook, and two that are decodable",
    "projections/state.py": "a struct that the same thread made for the rulebook",
}


def first_looks(tree: ast.Module) -> Iterator[int]:
    """The lines of functions at which msgspec may look at a struct for the first time."""
    functions = (
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    )
    for call in (node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        typed = name.endswith(".decode") and any(keyword.arg == "type" for keyword in call.keywords)
        if typed or name.endswith("Decoder") or name == "msgspec.convert":
            yield call.lineno


def test_no_thread_is_the_first_to_decode_a_struct() -> None:
    found = {path.as_posix(): list(first_looks(parsed(path))) for path in python_files(*PACKAGES)}
    assert {path: lines for path, lines in found.items() if lines and path not in ALLOWED} == {}
    assert all(found[path] for path in ALLOWED)


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return msgspec.json.decode(x, type=T)",
        "async def f(x):\n    return msgspec.convert(x, T)",
        "f = lambda: msgspec.msgpack.Decoder(T)",
    ],
)
def test_the_check_sees_what_it_is_for(source: str) -> None:
    assert list(first_looks(ast.parse(source))) == [source.count("\n") + 1]
