"""What no file may say: where it was written, where packages are fetched from, whom a made-up address belongs to.

The words are put together from pieces, so that this file does not say them either.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.tidy.tree import ROOT, tracked

SLASH = "/"
FOREIGN_FOLDERS = [
    SLASH + "work" + SLASH + "(main|shared|[.])",
    SLASH + "tmp" + SLASH + "strand",
    SLASH + "opt" + SLASH + "wheels",
    r"(?<![\w/-])(?:[.][.]?/)*" + "shared" + SLASH,
    SLASH + "root" + SLASH,
]
REGISTRIES = [
    "pypi[.]" + "org",
    "python" + "hosted",
    "test[.]pypi",
    "registry[.]" + "npmjs",
    "crates[.]" + "io",
    "repo1?[.]" + "maven",
    "proxy[.]" + "golang",
    "index" + "-url",
    "trusted" + "-host",
]
OTHER_PAGES = [
    r"\b(" + "|".join(["DES" + "IGN", "RULE" + "BOOK", "PROTO" + "COL", "STY" + "LE"]) + r")([.]md| section \d)"
]
PATTERNS = [re.compile(pattern) for pattern in [*FOREIGN_FOLDERS, *REGISTRIES, *OTHER_PAGES]]

ADDRESS = re.compile(r"[\w.+-]+@(?P<host>[\w-]+(?:\.[\w-]+)+)")
MADE_UP_HOSTS = re.compile(r"(?:^|\.)(?:example|invalid|test|localhost|example\.(?:com|org|net))$")

TEXTS = tuple(path for path in tracked() if path.suffix not in {".png", ".parquet", ".msgpack", ".gz", ".bin"})


def text(path: Path) -> str:
    """A file's text; what is no UTF-8 is read with its bytes replaced."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def test_no_file_says_where_it_was_written() -> None:
    found = [f"{path}: {hit.group()}" for path in TEXTS for words in PATTERNS for hit in words.finditer(text(path))]
    assert found == []


def test_every_address_is_made_up() -> None:
    found = [
        f"{path}: {hit.group()}"
        for path in TEXTS
        if path.name != "LICENSE"
        for hit in ADDRESS.finditer(text(path))
        if not MADE_UP_HOSTS.search(hit.group("host"))
    ]
    assert found == []


def test_the_lock_pins_every_package_by_hash_and_names_no_place() -> None:
    lock = text(Path("requirements.lock"))
    packages = re.findall(r"^[a-z0-9][\w.-]*==", lock, flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert len(entries) == len(packages) > 0
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock
    assert not re.search(r"^-", lock, flags=re.MULTILINE)


def test_the_lock_covers_what_the_project_names() -> None:
    project = tomllib.loads(text(Path("pyproject.toml")))["project"]
    named = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    pinned = set(re.findall(r"^([a-z0-9][\w.-]*)==", text(Path("requirements.lock")), flags=re.MULTILINE))
    missing = [need for need in named if re.split(r"[<>=!~\[; ]", need)[0].lower().replace(".", "-") not in pinned]
    assert missing == []
