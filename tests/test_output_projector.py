"""Signal states -> conditioning of a decoder's shape."""

import pytest
import torch

from nextgpt.config import OutputProjectorConfig
from nextgpt.errors import ConfigError
from nextgpt.nn.output_projector import OutputProjector
from nextgpt.nn.outputs import ConditioningSpec

B, K, D = 3, 4, 10


def projector(pooled=None):
    torch.manual_seed(0)
    return OutputProjector(OutputProjectorConfig(8, 2, 2), K, D, ConditioningSpec(5, 6, pooled)).eval()


def states(dtype=torch.float32):
    return torch.randn(B, K, D, generator=torch.Generator().manual_seed(1)).to(dtype)


@pytest.mark.parametrize("pooled", [None, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_shape_and_dtype(pooled, dtype):
    made = projector(pooled).to(dtype)
    found = made(states())
    found.check(made.spec, "the test")
    assert found.sequence_BQC.dtype == dtype
    assert found.mask_BQ.dtype == torch.bool and found.mask_BQ.all()


def test_gradient_reaches_every_tensor_and_every_state_but_the_last():
    made, given = projector(7), states().requires_grad_()
    found = made(given)
    (found.sequence_BQC.square().sum() + found.pooled_BP.square().sum()).backward()
    assert all(parameter.grad.any() for parameter in made.parameters())
    assert given.grad[:, :-1].abs().sum(-1).all() and not given.grad[:, -1].any()


@torch.no_grad()
def test_a_row_is_the_same_whatever_its_neighbours():
    made, given = projector(), states()
    for row in range(B):
        alone = made(given[row : row + 1]).sequence_BQC[0]
        torch.testing.assert_close(alone, made(given).sequence_BQC[row], atol=1e-5, rtol=0)


@torch.no_grad()
def test_signals_have_an_order():
    made, given = projector(), states()
    assert not torch.allclose(made(given).sequence_BQC, made(given.flip(1)).sequence_BQC, atol=1e-4)


@pytest.mark.parametrize(("width", "heads"), [(8, 4), (7, 3)])
def test_heads_divide_both_widths(width, heads):
    with pytest.raises(ConfigError, match=f"width {width} for a decoder of width 6 can't have {heads} heads"):
        OutputProjector(OutputProjectorConfig(width, 1, heads), K, D, ConditioningSpec(5, 6))


def test_forward_on_meta():
    found = projector(7).to("meta")(states().to("meta"))
    assert (found.sequence_BQC.shape, found.pooled_BP.shape) == ((B, 5, 6), (B, 7))
    assert found.mask_BQ.device.type == "meta"
