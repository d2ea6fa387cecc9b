"""A function fits on a screen and a file in one reading."""

from __future__ import annotations

import ast

from tests.tidy.tree import ROOT, parsed, python_files, tracked

FILE_LINES = 400
FUNCTION_LINES = 70
TRACKED_BYTES = 1 << 20
VAGUE_NAMES = frozenset({"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"})


def test_a_file_is_read_in_one_go() -> None:
    lengths = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES} == {}


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{path}:{node.lineno}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in python_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def test_a_module_is_named_after_what_it_holds() -> None:
    vague = [
        str(path)
        for path in python_files()
        if any(word in VAGUE_NAMES for part in path.with_suffix("").parts for word in part.lower().split("_"))
    ]
    assert vague == []


def test_no_large_file_is_tracked() -> None:
    assert [str(path) for path in tracked() if (ROOT / path).stat().st_size > TRACKED_BYTES] == []
