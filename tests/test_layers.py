"""The house has floors: imports go down only, and never in a circle (design.md, Layers)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"

FLOORS = (
    ("errors", "files", "media", "messages", "modalities", "tokens", "config", "presets"),
    ("nn",),
    ("model", "processor", "batch", "checkpoint", "parts"),
    ("data", "training", "generation", "evaluation", "nano"),
    ("cli", "server", "web"),
)
OUTSIDE = ("", "testing", "__main__")  # the package itself, fakes for tests: they may import anything
FORBIDDEN = (  # (who, may not import, but may)
    ("parts", "nn", ()),
    ("training", "generation", ()),
    ("generation", "training", ()),
)
NN_SHARED = ("nn.outputs", "nn.sampling")
NANO_KNOWN_BY = ("nano", "cli")
HEAVY = ("torch", "transformers", "diffusers", "peft", "av", "PIL", "soundfile", "soxr")


@cache
def modules() -> dict[str, Path]:
    """'nn.encoders.image' -> its file; a package is the name of its folder, nextgpt itself is ''."""
    found = {}
    for path in sorted((SRC / "nextgpt").rglob("*.py")):
        parts = path.relative_to(SRC / "nextgpt").with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def named_imports(name: str, path: Path) -> Iterator[str]:
    """Dotted names inside nextgpt that a file imports anywhere, in functions and for types too."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = ["nextgpt", *filter(None, package.split("."))]
                base = ".".join([*above[: len(above) - node.level + 1], *filter(None, [base])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def resolved(dotted: str) -> str | None:
    """The module that an imported name comes from; None when it is not ours."""
    parts = dotted.split(".")
    if parts[0] != "nextgpt":
        return None
    names = [".".join(parts[1:end]) for end in range(len(parts), 0, -1)]
    return next((name for name in names if name in modules()), "")


@cache
def imports() -> dict[str, set[str]]:
    graph = {}
    for name, path in modules().items():
        targets = {resolved(dotted) for dotted in named_imports(name, path)}
        graph[name] = {target for target in targets if target is not None and target != name}
    return graph


def edges() -> Iterator[tuple[str, str]]:
    return ((name, target) for name, targets in imports().items() for target in sorted(targets))


def inside(name: str, folder: str) -> bool:
    return name == folder or name.startswith(folder + ".")


def floor(name: str) -> int:
    return next(level for level, names in enumerate(FLOORS) if name.split(".")[0] in names)


def test_every_module_has_a_floor():
    known = {name for names in FLOORS for name in names} | set(OUTSIDE)
    strangers = {name.split(".")[0] for name in modules()} - known
    assert not strangers, f"add to FLOORS, and to the design: {sorted(strangers)}"


def test_imports_go_down_only():
    inner = [(a, b) for a, b in edges() if a.split(".")[0] not in OUTSIDE]
    up = [f"{a} -> {b or 'nextgpt'}" for a, b in inner if b.split(".")[0] in OUTSIDE or floor(b) > floor(a)]
    assert not up


def test_no_circles_of_any_length():
    circle = find_circle(imports())
    assert not circle, " -> ".join(circle)


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Names around a circle, the first again at the end; [] when there is none."""
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for target in sorted(graph.get(name, ())):
            if circle := walk(target, [*trail, name]):
                return circle
        done.add(name)
        return []

    return next(filter(None, (walk(name, []) for name in graph)), [])


def test_the_search_for_circles_finds_them():
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {"b"}}) == ["b", "c", "d", "b"]
    assert find_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize(("who", "what", "but"), FORBIDDEN)
def test_neighbours_that_do_not_know_each_other(who, what, but):
    bad = [(a, b) for a, b in edges() if inside(a, who) and inside(b, what) and b not in but]
    assert not bad


def test_siblings_in_nn_do_not_import_each_other():
    def box(name: str) -> str:
        return ".".join(name.split(".")[:2])

    both = [(a, b) for a, b in edges() if inside(a, "nn") and inside(b, "nn") and "nn" not in (a, b)]
    bad = [(a, b) for a, b in both if box(a) != box(b) and box(b) not in NN_SHARED]
    assert not bad


def test_only_cli_knows_nano():
    assert not [(a, b) for a, b in edges() if inside(b, "nano") and a.split(".")[0] not in NANO_KNOWN_BY]


def test_values_are_imported_without_torch_and_without_codecs():
    values = [name for name in modules() if name.split(".")[0] in FLOORS[0]]
    assert len(values) > 5
    names = ", ".join(f"nextgpt.{name}" for name in values)
    script = f"import sys, {names}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
