"""What documents say of the repository is true: the tree, the commands, the links, the names, the sizes."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import nextgpt
from nextgpt.cli import VERBS, build_app

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "nextgpt"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SCRIPTS = [ROOT / "Makefile", *ROOT.glob("*.sh")]
MEGABYTE = 1 << 20


def tracked_files() -> list[Path]:
    """Files under version control; where there is none (an unpacked archive) every file of the sources."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    return [
        path
        for top in ("src", "tests", "docs", "bench")
        for path in (ROOT / top).rglob("*")
        if path.is_file()
    ]


# ---- the tree


def tree_of_readme() -> dict[str, str]:
    """path -> phrase, from README's section "The tree"; folders end in a slash."""
    block = re.search(r"## The tree\n+```\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert block, "README.md has no section 'The tree' with a code block"
    found: dict[str, str] = {}
    folders: list[str] = []
    for line in block[1].splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, phrase = line.strip().partition(" ")
        folders[depth:] = [name]
        found["".join(folders[1:])] = phrase.strip()
    found.pop("")
    return found


def tree_of_disk() -> dict[str, str]:
    """path below the root -> the first line of its docstring; the package without its weights."""
    found = {}
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        folded = {"__pycache__", "weights"} & set(inside.parts)
        if path.is_dir() or folded or path.name in ("__init__.py", "py.typed"):
            continue
        doc = ast.get_docstring(ast.parse(path.read_text("utf-8"))) if path.suffix == ".py" else ""
        found[path.relative_to(ROOT).as_posix()] = (doc or "").split("\n")[0]
    return found


def test_the_tree_of_the_readme_is_the_disk():
    tree, disk = tree_of_readme(), tree_of_disk()
    missing = [f"{path}  {phrase}" for path, phrase in disk.items() if path not in tree]
    assert not missing, "add to README's tree, each with a phrase:\n" + "\n".join(missing)
    gone = [path for path in tree if not (ROOT / path).exists()]
    assert not gone, f"README's tree names what is not there: {gone}"


def test_every_line_of_the_tree_has_a_phrase():
    assert not [path for path, phrase in tree_of_readme().items() if not phrase and path != "src/nextgpt/"]


# ---- names


def test_public_names_resolve():
    for name in nextgpt.__all__:
        assert getattr(nextgpt, name) is not None
    assert set(nextgpt.__all__) <= set(dir(nextgpt))
    assert list(nextgpt.__all__) == sorted(nextgpt.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nextgpt.nothing


def test_type_checkers_see_the_names_that_are_loaded():
    (block,) = (
        node for node in ast.parse((PACKAGE / "__init__.py").read_text()).body if isinstance(node, ast.If)
    )
    seen = {
        alias.name: node.module.removeprefix("nextgpt.")
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert seen == {name: module for module, names in nextgpt._MODULES.items() for name in names}
    assert sorted(seen) == list(nextgpt.__all__)


def test_importing_nextgpt_loads_nothing_heavy():
    script = "import sys, nextgpt; nextgpt.Message; print(*{'torch', 'PIL', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and not done.stdout.strip(), done.stdout + done.stderr


# ---- commands


def commands() -> Iterator[tuple[str, str]]:
    """(place, command line) of every `nextgpt ...` in documents and scripts."""
    for path in (*DOCUMENTS, *SCRIPTS):
        text = path.read_text("utf-8").replace("\\\n", " ")
        whole = re.findall(r"^[ \t]+(?:@\$\(BIN\)/)?(nextgpt [a-z].*)$", text, re.M)
        whole += re.findall(r"^(nextgpt [a-z].*)$", text, re.M) if path.suffix == ".sh" else []
        for line in (*whole, *re.findall(r"`(nextgpt [a-z][^`]*)`", text)):
            yield path.name, line


@pytest.mark.parametrize(("place", "line"), sorted(set(commands())))
def test_commands_in_documents_exist(place, line):
    """Each verb and option; nothing is run."""
    words = [word for word in shlex.split(line, comments=True)[1:] if word not in ("...", "...:")]
    verb = words[0]
    assert verb in VERBS, f"{place}: there is no `nextgpt {verb}`"
    command = command_of(verb)
    rest = words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"{place}: `{line}` names no command of `nextgpt {verb}`"
        command = command.commands[rest.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        option = word.partition("=")[0]
        assert not word.startswith("-") or option in options, (
            f"{place}: `{line}` has the unknown option {option}"
        )


def command_of(verb):
    """typer's command of a verb."""
    import typer

    return typer.main.get_command(build_app(verb)).commands[verb]  # type: ignore[attr-defined]


def test_make_verbs_in_documents_exist():
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {"demo", "test", "lint", "bench", "speedrun"} <= verbs
    for path in DOCUMENTS:
        named = re.findall(r"(?:`|^ +)make ([a-z]+)\b", path.read_text("utf-8"), re.M)
        assert set(named) <= verbs, path


def test_ci_runs_what_developers_run():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash" and lines[1] == "set -euo pipefail" and lines[-1] == "make test"


# ---- links and references


def anchors(path: Path) -> set[str]:
    """Anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_link_is_dead(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{path.name} links to {target}, which is not there"
        assert not anchor or anchor in anchors(there), f"{path.name} links to {target}: no such heading"


def test_documents_that_the_code_names_exist():
    for folder in ("src", "tests", "bench"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name in re.findall(r"docs/[\w\-/]+\.md", path.read_text("utf-8")):
                assert (ROOT / name).is_file(), f"{path.relative_to(ROOT)} refers to {name}"


def test_the_legend_of_shapes_is_complete():
    text = (ROOT / "docs" / "shapes.md").read_text("utf-8")
    legend = {letter for row in re.findall(r"^\| ([\w, ]+) \|", text, re.M) for letter in row.split(", ")}
    used = set()
    for path in PACKAGE.rglob("*.py"):
        used |= set("".join(re.findall(r"\b[a-z]\w*_([A-Z][A-Za-z1]{0,4})\b", path.read_text("utf-8"))))
    assert used - {"1"} <= legend


def test_the_numbers_of_nano_in_shapes():
    from nextgpt.presets import preset

    text = (ROOT / "docs" / "shapes.md").read_text("utf-8")
    for name, one in preset("nano").inputs.items():
        wanted = (one.encoder.num_positions, one.encoder.feature_dim, one.projector.num_tokens)
        row = re.search(rf"^\| {name} \|[^|]+\| (\d+) \| (\d+) \| (\d+) \|$", text, re.M)
        assert row and tuple(map(int, row.groups())) == wanted, (
            f"docs/shapes.md, {name}: N, E, N' are {wanted}"
        )


# ---- installation


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {normal(name): Version(version) for name, version in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints_pin_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in map(Requirement, (line for group in groups for line in group)):
        if requirement.name != "nextgpt":
            assert normal(requirement.name) in pins(), f"{requirement.name} has no pin in constraints.txt"
            assert pins()[normal(requirement.name)] in requirement.specifier, requirement


def test_constraints_hold_on_any_index():
    assert not [name for name, version in pins().items() if version.local]
    assert not {"torchvision", "torchaudio", "triton", "tinysoundfont"} & set(pins())
    assert not [name for name in pins() if name.startswith(("nvidia", "cuda"))]


# ---- sizes


def test_files_are_small_enough():
    files = tracked_files()
    large = [path for path in files if path.stat().st_size > 45 * MEGABYTE]
    assert not large
    weights = sum(path.stat().st_size for path in files if path.suffix == ".safetensors")
    assert weights <= 80 * MEGABYTE


def test_nothing_that_must_be_unpickled_is_kept():
    unsafe = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".npy", ".npz", ".bin")
    assert not [path for path in tracked_files() if path.suffix in unsafe]


# ---- README's Python


@pytest.mark.skipif(not (PACKAGE / "weights" / "nano" / "config.json").exists(), reason="no weights yet")
def test_the_python_of_the_readme_runs(tmp_path):
    import shutil

    from nextgpt.parts import fetch_part

    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    shutil.copy(fetch_part("demo-photos", progress=False) / "chelsea.png", tmp_path / "photo.png")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "cat" in done.stdout.lower()
    assert nextgpt.Image.from_path(tmp_path / "apple.png").array().ndim == 3
