"""What the checks of new parts share: a table of named checks is run over a subject and gives a Report.

A check returns when all is well, raises Fault with one sentence (what is wrong, where, what to do), or NotTried with
the reason. Anything else that it raises is the part's own error and is told with its file and line.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from nextgpt.errors import UserError

S = TypeVar("S")
HERE = Path(__file__).parent
MAX_SENTENCE = 500


class Fault(Exception):
    """One sentence about the part that is checked."""


class NotTried(Exception):
    """Why a check does not apply."""


@dataclass(frozen=True)
class Result:
    name: str
    fault: str = ""
    not_tried: str = ""

    def __str__(self) -> str:
        mark = "FAULT" if self.fault else "-" if self.not_tried else "ok"
        return f"{mark:5} {self.name:18} {self.fault or self.not_tried}".rstrip()


@dataclass(frozen=True)
class Report:
    """`assert report.passed, report` in a test; str(report) has a line a check."""

    subject: str
    results: tuple[Result, ...]

    @property
    def faults(self) -> dict[str, str]:
        """Name of each check that failed -> its sentence."""
        return {one.name: one.fault for one in self.results if one.fault}

    @property
    def passed(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        count = len(self.faults)
        head = f"{self.subject}: {'no fault' if not count else f'{count} fault' + 's' * (count > 1)}"
        return "\n".join([head, *map(str, self.results)])


def run_checks(name: str, subject: S, checks: Mapping[str, Callable[[S], None]]) -> Report:
    """The first check is the gate: when it fails the others are not tried."""
    results: list[Result] = []
    for title, check in checks.items():
        if results and results[0].fault:
            results.append(Result(title, not_tried=f"not tried, since the check {results[0].name!r} failed"))
        else:
            results.append(_run(title, check, subject))
    return Report(name, tuple(results))


def _run(title: str, check: Callable[[S], None], subject: S) -> Result:
    try:
        check(subject)
    except Fault as fault:
        return Result(title, fault=str(fault))
    except NotTried as reason:
        return Result(title, not_tried=str(reason))
    except Exception as error:
        return Result(title, fault=f"{described(error)}; it should not raise here.")
    return Result(title)


def need(condition: object, sentence: str) -> None:
    if not condition:
        raise Fault(sentence)


def described(error: BaseException) -> str:
    """`raised KeyError ('x') at series.py, line 7`: the innermost line that is neither ours nor a library's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).parent != HERE and "site-packages" not in f.filename]
    place = f" at {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    text = " ".join(str(error).split())
    return f"raised {type(error).__name__} ({text[:160]}){place}"


def must_refuse(what: str, work: Callable[[], Any], kind: type[Exception] = UserError) -> None:
    """`work` must raise an error of that kind whose text is one sentence. what: `decode with 0 steps`."""
    name = kind.__name__
    try:
        work()
    except kind as error:
        text = str(error)
        need(
            "\n" not in text and text.endswith(".") and len(text) <= MAX_SENTENCE,
            f"{what} raises {type(error).__name__} with {text[:80]!r}, which is not one sentence on one line that ends "
            "with a full stop; say what was wrong, where and what to do.",
        )
    except Exception as error:
        raise Fault(f"{what} {described(error)}; raise a {name} with one sentence instead.") from None
    else:
        raise Fault(f"{what} is accepted; raise a {name} with one sentence that says what to do.")


def check_frozen(name: str, module: nn.Module) -> None:
    """No parameter wants gradients, and every module is in eval mode."""
    learning = [key for key, one in module.named_parameters() if one.requires_grad]
    need(not learning, f"{name}: the parameter {learning[:1]} wants gradients; call requires_grad_(False).")
    training = [key or "itself" for key, one in module.named_modules() if one.training]
    need(not training, f"{name}: the module {training[:1]} is in training mode; call eval().")


def moved(name: str, module: nn.Module, **where: Any) -> Any:
    """A copy elsewhere or of another dtype; the module itself stays as it is."""
    try:
        return deepcopy(module).to(**where)
    except Exception as error:
        raise NotTried(f"{name} can't be copied ({described(error)})") from None


def distance(one: Tensor, other: Tensor) -> float:
    """Largest difference, in units of the larger tensor's largest value (at least 1)."""
    one, other = one.detach().float(), other.detach().float()
    if not one.numel():
        return 0.0
    return float((one - other).abs().max()) / max(1.0, float(one.abs().max()), float(other.abs().max()))


def check_global_generator(name: str, work: Callable[[], Any]) -> None:
    """`work` must not draw from torch's global generator: training and other requests draw from it too."""
    before = torch.get_rng_state()
    work()
    untouched = torch.equal(before, torch.get_rng_state())
    torch.set_rng_state(before)
    need(
        untouched,
        f"{name} draws from torch's global generator, so its result depends on what ran before; draw from "
        "torch.Generator().manual_seed(seed) instead.",
    )
