"""Caption metrics that are Java programs, run through pycocoevalcap: PTBTokenizer, METEOR 1.5, SPICE.

Each is asked for by name and either works or says what is missing and how to get it; nothing is scored as 0 for
want of a program.
"""

import shutil
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

INSTALL = "pip install 'nextgpt[metrics]' (pycocoevalcap, 104 MB)"
NO_JAVA = "no `java` is on PATH (Debian: apt install default-jre-headless)"
SPICE_MODELS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")


class JavaError(RuntimeError):
    """A Java metric that could not be computed; the message says what is missing."""


def missing_java() -> str:
    """What METEOR and PTBTokenizer need and do not find, with how to get it; "" where all is there."""
    missing = [] if find_spec("pycocoevalcap") else [f"pycocoevalcap is not installed: {INSTALL}"]
    return "; ".join([*missing, *([] if shutil.which("java") else [NO_JAVA])])


def missing_spice() -> str:
    """The same for SPICE, which also needs Stanford CoreNLP's models."""
    if missing := missing_java():
        return missing
    library = _package() / "spice" / "lib"
    if all((library / name).is_file() for name in SPICE_MODELS):
        return ""
    return (
        f"{' and '.join(SPICE_MODELS)} are not in {library}; "
        "`python -c 'from pycocoevalcap.spice.spice import Spice; Spice()'` downloads them (400 MB)"
    )


def _package() -> Path:
    spec = find_spec("pycocoevalcap")
    assert spec and spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


def tokenise_by_java(texts: Sequence[str]) -> list[str]:
    """PTBTokenizer's tokens of each text, punctuation dropped. JavaError where Java fails."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    numbered = {number: [{"caption": " ".join(text.split())}] for number, text in enumerate(texts)}
    found = _run(lambda: PTBTokenizer().tokenize(numbered), "PTBTokenizer") if numbered else {}
    if len(found) != len(texts):
        raise JavaError(f"PTBTokenizer gave {len(found)} lines for {len(texts)} captions")
    return [found[number][0] for number in range(len(texts))]


def meteor(
    captions: Mapping[str, str], references: Mapping[str, Sequence[str]]
) -> tuple[float, dict[str, float]]:
    """METEOR of the set, which is not the mean of its captions', and of each caption."""
    from pycocoevalcap.meteor.meteor import Meteor

    said = {id: [text] for id, text in captions.items()}
    texts = {id: list(references[id]) for id in captions}
    value, shares = _run(lambda: Meteor().compute_score(texts, said), "METEOR")
    return float(value), dict(zip(captions, map(float, shares)))


def spice(captions: Mapping[str, str], references: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """id -> SPICE."""
    from pycocoevalcap.spice.spice import Spice

    order = sorted(captions)
    said = {id: [captions[id]] for id in order}
    _, scores = _run(lambda: Spice().compute_score({id: list(references[id]) for id in order}, said), "SPICE")
    return {id: float(score["All"]["f"]) for id, score in zip(order, scores)}


def _run(work, name):  # type: ignore[no-untyped-def]
    """Whatever goes wrong between Python and a Java program, as one kind of error."""
    try:
        return work()
    except (OSError, ValueError, KeyError, AssertionError, RuntimeError) as error:
        raise JavaError(f"{name} failed: {' '.join(str(error).split()) or type(error).__name__}") from error
    except Exception as error:  # subprocess.CalledProcessError, what a broken jar leads to
        raise JavaError(f"{name} failed: {type(error).__name__}") from error
