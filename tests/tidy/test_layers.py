"""What may import what, beyond the layers that import-linter checks."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.tidy.tree import PACKAGES, ROOT, imports, is_below, parsed, python_files

KAFKA = ("engine/runtimes/kafka", "engine/bench/kafka_")
# What only one kind of file may import: module -> prefixes of the files.
TECHNOLOGIES = {
    "rocksdict": ("engine/adapters/rocksdb_",),
    "faust": KAFKA,
    "aiokafka": KAFKA,
    "kafka": KAFKA,
    "quixstreams": ("engine/bench/kafka_",),
}
CHOOSERS = ("adapters", "runtimes", "replay", "views", "bench")
# Loaded with the command line they would make every command, and --help, slow.
HEAVY = (
    "rocksdict",
    "aiokafka",
    "kafka",
    "numpy",
    "pyarrow",
    "pydantic",
    "jinja2",
    "ruamel",
    "msgspec",
    "re2",
    "engine.rulebook",
)


def test_one_place_knows_each_technology() -> None:
    found = [
        f"{path}:{line}: {name}"
        for path in python_files(*PACKAGES)
        for line, name in imports(parsed(path))
        for module, prefixes in TECHNOLOGIES.items()
        if is_below(name, module) and not path.as_posix().startswith(prefixes)
    ]
    assert found == []


def test_adapters_are_imported_when_chosen() -> None:
    """At import only the adapters themselves import adapters, and what chooses them: the runtimes, and what opens a
    workspace to read, to fold it again or to measure."""
    found = [
        f"{path}:{line}: {name}"
        for path in python_files("engine")
        if not any(path.is_relative_to(f"engine/{chooser}") for chooser in CHOOSERS)
        for node in parsed(path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for line, name in imports(node)
        if is_below(name, "engine.adapters")
    ]
    assert found == []


def test_the_evaluator_is_independent() -> None:
    """An oracle that shares code with what it judges shares its errors."""
    forbidden = ("projections", "triggers", "templates", "engine")
    found = [
        f"{path}:{line}: {name}"
        for path in python_files("tests")
        if path.is_relative_to("tests/evaluator")
        for line, name in imports(parsed(path))
        if any(is_below(name, module) for module in forbidden)
    ]
    assert found == []


def test_the_command_line_loads_nothing_heavy() -> None:
    script = f"import sys, engine.cli.main; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert loaded.stdout.split() == []
