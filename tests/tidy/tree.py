"""The project's own files, as the tidy tests read them."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ("events", "projections", "triggers", "templates")
PACKAGES = (*CORE, "engine")


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Every file that git knows or would add, relative to the root."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    names = (Path(name) for name in listing.stdout.split("\0") if name)
    return tuple(sorted(path for path in names if (ROOT / path).is_file()))


def python_files(*folders: str) -> tuple[Path, ...]:
    """The Python files below these top-level folders, or all."""
    files = (path for path in tracked() if path.suffix == ".py")
    return tuple(path for path in files if not folders or path.parts[0] in folders)


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported anywhere below; `from a import b` gives a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_below(name: str, module: str) -> bool:
    """Whether a dotted name is `module` or something in it."""
    return name == module or name.startswith(f"{module}.")
