"""The class that lmms-eval makes for `--model nextgpt --model_args pretrained=nano`. Imported by lmms-eval alone."""

from typing import Any

from lmms_eval.api.model import lmms

from nextgpt.errors import ConfigError
from nextgpt.evaluation.lmms_eval_bridge import answer_requests
from nextgpt.evaluation.processes import processes

ONLY = "nextgpt answers tasks of the type generate_until; choose one of these."


class NextGPT(lmms):
    """pretrained: a name of shipped weights or a checkpoint's folder."""

    is_simple = True

    def __init__(
        self,
        pretrained: str = "nano",
        batch_size: int | str = 1,
        device: str | None = None,
        dtype: str = "auto",
        threads: int | str | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__()
        if rest := {name: value for name, value in unknown.items() if value and name != "max_batch_size"}:
            raise ConfigError(
                f"--model_args have the unknown {', '.join(rest)}; there are pretrained, dtype, threads."
            )
        from nextgpt.generation.pipeline import AnyToAnyPipeline

        together = processes()
        self._rank, self._world_size = together.rank, together.count
        place = together.device if together.count > 1 else device or "auto"
        self.batch_size_per_gpu = int(batch_size)
        count = None if threads is None else int(threads)
        self.pipeline = AnyToAnyPipeline.from_pretrained(pretrained, device=place, dtype=dtype, threads=count)

    @property
    def batch_size(self) -> int:
        return self.batch_size_per_gpu

    def generate_until(self, requests: list[Any]) -> list[str]:
        from tqdm import tqdm

        return answer_requests(
            self.pipeline,
            requests,
            self.task_dict,
            self.batch_size,
            lambda values: tqdm(values, disable=self.rank != 0, desc="nextgpt"),
        )

    def loglikelihood(self, requests: list[Any]) -> Any:
        raise ConfigError(ONLY)

    def generate_until_multi_round(self, requests: list[Any]) -> Any:
        raise ConfigError(ONLY)
