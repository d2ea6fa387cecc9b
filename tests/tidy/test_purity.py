"""The core reads no clock, draws no lots, touches no file, socket or environment: it is a function of the log."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.tree import CORE, imports, is_below, parsed, python_files

BANNED_MODULES = (
    "asyncio", "concurrent", "ctypes", "fcntl", "glob", "http", "io", "locale", "logging", "mmap", "multiprocessing",
    "os", "pickle", "platform", "queue", "random", "secrets", "select", "shutil", "signal", "socket", "sqlite3",
    "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid", "weakref",
)  # fmt: skip
BANNED_CALLS = frozenset({"open", "print", "input", "breakpoint", "__import__"})
BANNED_METHODS = frozenset({"now", "utcnow", "today", "getenv", "uuid1", "uuid4", "urandom"})
BANNED_ATTRIBUTES = frozenset({"environ"})

# What is loaded once, when the package is imported or a rulebook compiled, never while an event is folded.
LOADS_PACKAGE_DATA = {
    "importlib.resources": ("events/zones.py", "templates/catalogue.py"),
    "pathlib": (),
}


def violations(tree: ast.Module) -> Iterator[str]:
    """What in one module is not pure, with its line."""
    for line, name in imports(tree):
        if any(is_below(name, module) for module in BANNED_MODULES):
            yield f"{line}: imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in BANNED_CALLS:
                yield f"{node.lineno}: calls {function.id}()"
            if isinstance(function, ast.Attribute) and function.attr in BANNED_METHODS:
                yield f"{node.lineno}: calls .{function.attr}()"
        if isinstance(node, ast.Attribute) and node.attr in BANNED_ATTRIBUTES:
            yield f"{node.lineno}: reads .{node.attr}"


def test_the_core_is_pure() -> None:
    assert [f"{path}:{found}" for path in python_files(*CORE) for found in violations(parsed(path))] == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from os import environ",
        "def f():\n    import random",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.date.today()",
        "import uuid",
        "x = open('f')",
        "print(1)",
        "x = something.environ['HOME']",
    ],
)
def test_the_check_sees_what_it_is_for(source: str) -> None:
    assert list(violations(ast.parse(source))) != []


def test_only_named_modules_load_package_data() -> None:
    found = [
        f"{path}:{line}: {name}"
        for path in python_files(*CORE)
        for line, name in imports(parsed(path))
        for module, allowed in LOADS_PACKAGE_DATA.items()
        if is_below(name, module) and path.as_posix() not in allowed
    ]
    assert found == []
