"""Contracts of the branches: shape, dtype, gradient, and what happens where an encoder gives nothing."""

from dataclasses import replace

import pytest
import torch

from nextgpt.config import (
    ConceptBranchConfig,
    EfficientNetLiteConfig,
    InputProjectorConfig,
    LinearBranchConfig,
    MlpBranchConfig,
    PosteriorBranchConfig,
    ResamplerBranchConfig,
)
from nextgpt.nn.input_projector import PROJECTORS, ConceptBranch, InputProjector, frame_matches, masked_pool
from nextgpt.nn.outputs import EncoderOutput

B, N, E, D, P = 3, 4, 6, 8, 5
ENCODER = EfficientNetLiteConfig(grid=2, feature_dim=E, num_scores=P)
BRANCHES = {
    "linear": LinearBranchConfig(2),
    "mlp": MlpBranchConfig(2, hidden_dim=7),
    "resampler": ResamplerBranchConfig(3, width=8, num_layers=1, num_heads=2),
    "concepts": ConceptBranchConfig(
        ("", "fox", "cat"), num_queries=2, tokens_per_name=2, rank=6, cues=("one", "two"), tokens_per_cue=1
    ),
    "posterior": PosteriorBranchConfig(top_k=2, tokens_per_class=2),
}
SPATIAL = [name for name in BRANCHES if name != "posterior"]
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=torch.bool)


def projector(*names, dropout=0.0):
    torch.manual_seed(0)
    made = InputProjector(InputProjectorConfig(tuple(BRANCHES[n] for n in names), dropout), ENCODER, D)
    for name in names:
        torch.nn.init.normal_(made.absent[name])
        if hasattr(made.branches[name], "table"):
            made.branches[name].table.normal_()
            if name == "concepts":
                made.branches[name].cues.normal_()
            torch.nn.init.normal_(made.branches[name].gain)
    return made.eval()


def output(dtype=torch.float32):
    torch.manual_seed(1)
    scores = torch.rand(B, P)
    return EncoderOutput(torch.randn(B, N, E, dtype=dtype), MASK, scores / scores.sum(1, keepdim=True))


def test_the_table_of_branches_is_complete():
    assert set(BRANCHES) == set(PROJECTORS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", BRANCHES)
def test_shape_and_dtype(name, dtype):
    made = projector(name).to(dtype)
    tokens = made(output(dtype))
    assert (tokens.shape, tokens.dtype) == ((B, BRANCHES[name].num_tokens, D), dtype)
    assert torch.isfinite(tokens).all()


def test_branches_are_joined_in_the_configurations_order():
    joined, one = projector("posterior", "mlp"), output()
    both = joined(one)
    assert torch.equal(both[:, :4], joined.branches["posterior"](one))
    assert torch.equal(both[:, 4:], joined.branches["mlp"](one))


@pytest.mark.parametrize("name", BRANCHES)
def test_gradient_reaches_every_tensor(name):
    made, one = projector(name), output()
    empty = EncoderOutput(None, MASK)
    (made(one).square().sum() + made(empty).square().sum()).backward()
    still = {
        key
        for key, parameter in made.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    }
    assert still <= {"branches.concepts.attention.bias"}, "softmax over positions cancels that one"


@pytest.mark.parametrize("name", SPATIAL)
def test_positions_that_are_masked_do_not_matter(name):
    made, one = projector(name), output()
    features = torch.where(MASK[..., None], one.features_BNE, torch.full_like(one.features_BNE, 1e4))
    torch.testing.assert_close(made(EncoderOutput(features, MASK)), made(one))


@pytest.mark.parametrize("name", BRANCHES)
def test_a_row_is_the_same_whatever_its_neighbours(name):
    made, one = projector(name), output()
    together = made(one)
    for row in range(B):
        alone = made(one.index([row]))
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", SPATIAL)
def test_unused_positions_may_be_cut_off(name):
    """stack_padded drops positions that no row uses; learned positions are counted from the first."""
    made, one = projector(name), output()
    cut = EncoderOutput(one.features_BNE[1:, :2], MASK[1:, :2])
    torch.testing.assert_close(made(cut), made(one)[1:], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("features", "scores", "absent"),
    [
        (True, True, ()),
        (True, False, ("posterior",)),
        (False, True, ("mlp",)),
        (False, False, ("mlp", "posterior")),
    ],
)
def test_posterior_law_a_branch_without_input_gives_its_absent_embeddings(features, scores, absent):
    made, one = projector("mlp", "posterior"), output()
    one = EncoderOutput(one.features_BNE if features else None, MASK, one.scores_BP if scores else None)
    tokens = dict(zip(("mlp", "posterior"), made(one).split([2, 4], 1)))
    for name, found in tokens.items():
        wanted = made.absent[name].expand_as(found) if name in absent else made.branches[name](output())
        assert torch.equal(found, wanted)


def test_absence_is_decided_row_by_row():
    made, one = projector("mlp", "posterior"), output()
    mask, scores = MASK.clone(), one.scores_BP.clone()
    mask[1], scores[2] = False, 0.0
    found = made(EncoderOutput(one.features_BNE, mask, scores))
    assert torch.equal(found[1, :2], made.absent["mlp"]) and not torch.equal(
        found[1, 2:], made.absent["posterior"]
    )
    assert torch.equal(found[2, 2:], made.absent["posterior"]) and not torch.equal(
        found[2, :2], made.absent["mlp"]
    )


def test_branches_are_dropped_at_random_in_training_alone():
    made = projector("mlp", "posterior", dropout=0.3)
    one = output().index(torch.zeros(2000, dtype=torch.long))
    assert torch.equal(made(one), made(one))
    made.train()
    torch.manual_seed(0)
    dropped = {
        "mlp": made(one)[:, :2] == made.absent["mlp"],
        "posterior": made(one)[:, 2:] == made.absent["posterior"],
    }
    for rows in dropped.values():
        assert torch.equal(rows.flatten(1).all(1), rows.flatten(1).any(1)), "a branch goes whole"
        assert 0.26 < rows.flatten(1).all(1).float().mean() < 0.34


def test_the_posterior_branch_says_the_names_of_the_top_classes_in_order():
    branch = projector("posterior").branches["posterior"]
    with torch.no_grad():
        branch.gain.fill_(1)
        scores = torch.tensor([[0.1, 0.0, 0.6, 0.3, 0.0], [0.9, 0.05, 0.0, 0.0, 0.05]])
        tokens = branch(EncoderOutput(None, MASK[:2], scores))
    assert torch.equal(tokens[0], branch.table[[2, 3]].flatten(0, 1))
    assert torch.equal(tokens[1, :2], branch.table[0])


def test_a_removed_branch_is_absent_and_the_others_are_not():
    joined, one = projector("posterior", "mlp"), output()
    both = joined(one)
    joined.removed = frozenset({"posterior"})
    assert torch.equal(joined(one)[:, :4], joined.absent["posterior"].expand(B, -1, -1))
    assert torch.equal(joined(one)[:, 4:], both[:, 4:])


def test_the_posterior_branch_tells_how_sure_the_encoder_is():
    branch = projector("posterior").branches["posterior"]
    torch.nn.init.ones_(branch.score.weight)
    scores = torch.tensor([[0.9, 0.05, 0.05, 0, 0], [0.4, 0.3, 0.3, 0, 0]])
    with torch.no_grad():
        sure, unsure = branch(EncoderOutput(None, MASK[:2], scores))
    torch.testing.assert_close((sure - unsure)[:2], torch.tensor(0.9 / 0.4).log().expand(2, D))


def test_the_concept_branch_says_exact_names_and_learns_through_the_softmax():
    branch, one = projector("concepts").branches["concepts"], output()
    with torch.no_grad():
        branch.gain.fill_(1)
        branch.classifier.bias[0] = 0.1  # some of the names are the empty one
    chosen = branch.logits(one).argmax(-1)
    tokens = branch(one)
    cues, names = tokens.unflatten(1, (2, 3)).split((1, 2), 2)
    assert torch.equal(names, branch.table[chosen]), "bit for bit rows of the table"
    assert chosen.any() and not chosen.all()
    assert torch.equal(cues, branch.cues * (chosen > 0)[..., None, None]), "no cue before the empty name"
    tokens.square().sum().backward()
    assert branch.classifier.weight.grad.any() and branch.down.weight.grad.any()


def test_concepts_start_from_those_of_a_modality_with_the_same_encoder():
    torch.manual_seed(0)
    theirs = projector("concepts").branches["concepts"]
    config = ConceptBranchConfig(("", "cat", "dog"), rank=6)
    mine = ConceptBranch(config, replace(ENCODER, grid=1), D)
    dog, attention = mine.classifier.weight[2].clone(), theirs.attention.weight[:1]
    mine.start_from(theirs)
    assert torch.equal(mine.classifier.weight[:2], theirs.classifier.weight[[0, 2]])
    assert torch.equal(mine.classifier.weight[2], dog), "a name of its own keeps its start"
    assert torch.equal(mine.down.weight, theirs.down.weight) and torch.equal(mine.attention.weight, attention)


def test_pooling_takes_equal_stretches_of_the_kept_positions():
    features = torch.arange(12.0).view(1, 6, 2).expand(3, 6, 2)
    mask = torch.tensor([[1, 1, 1, 1, 0, 0], [0, 1, 0, 1, 1, 1], [1, 0, 0, 0, 0, 0]], dtype=torch.bool)
    pooled = masked_pool(features, mask, 2)[..., 0].tolist()
    assert pooled == [[1.0, 5.0], [4.0, 9.0], [0.0, 0.0]]


@pytest.mark.parametrize("name", BRANCHES)
def test_forward_on_meta(name):
    made = projector(name).to("meta")
    assert made(output().to("meta")).shape == (B, BRANCHES[name].num_tokens, D)


def test_matches_tell_where_each_cell_goes():
    """Three frames of four cells that turn by one cell a frame: cell i matches cell i + 1 of the next."""
    torch.manual_seed(0)
    first = torch.randn(4, E)
    frames = torch.stack([first.roll(turn, 0) for turn in range(3)])
    matches = frame_matches(frames.reshape(1, 12, E), 3).view(2, 4, 4)
    assert torch.equal(matches.argmax(-1), torch.tensor([[1, 2, 3, 0]] * 2))
    assert torch.allclose(matches.amax(-1), torch.ones(2, 4), atol=1e-5)


def test_a_blank_frame_matches_nothing():
    assert not frame_matches(torch.ones(1, 8, E), 2).any()


def test_a_resampler_tells_the_order_of_frames_by_their_matches():
    """With no positions a resampler cannot tell a clip from its reverse; by its matches it can."""
    torch.manual_seed(0)
    config = ResamplerBranchConfig(2, width=8, num_layers=1, num_heads=2, frames=2)
    branch = PROJECTORS["resampler"](config, replace(ENCODER, num_frames=2), D)
    torch.nn.init.zeros_(branch.positions)
    forth = torch.randn(1, 8, E)
    back = torch.cat([forth[:, 4:], forth[:, :4]], 1)
    mask = torch.ones(1, 8, dtype=torch.bool)
    assert not torch.allclose(branch(EncoderOutput(forth, mask)), branch(EncoderOutput(back, mask)))
    branch.frames = 0
    assert torch.allclose(branch(EncoderOutput(forth, mask)), branch(EncoderOutput(back, mask)), atol=1e-5)
