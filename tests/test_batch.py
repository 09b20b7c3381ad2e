"""Rows -> tensors: padding on either side, order of media, moving."""

import pytest
import torch

from nextgpt.batch import IGNORE, Batch, Row, collate_rows, media_in_order
from nextgpt.nn.outputs import Conditioning, EncoderOutput

SHORT = Row((5, 6), (IGNORE, 6), (IGNORE, 7), (("image", "a"),), (("audio", "x"),))
LONG = Row(
    (1, 2, 3, 4),
    (IGNORE, IGNORE, 3, 4),
    (IGNORE, 8, 9, IGNORE),
    (("audio", "b"), ("image", "c"), ("image", "d")),
    (),
)


@pytest.mark.parametrize(
    ("side", "ids", "labels", "restated", "mask"),
    [
        ("right", [5, 6, 9, 9], [IGNORE, 6, IGNORE, IGNORE], [IGNORE, 7, IGNORE, IGNORE], [1, 1, 0, 0]),
        ("left", [9, 9, 5, 6], [IGNORE, IGNORE, IGNORE, 6], [IGNORE, IGNORE, IGNORE, 7], [0, 0, 1, 1]),
    ],
)
def test_rows_are_padded_to_the_longest(side, ids, labels, restated, mask):
    batch = collate_rows([SHORT, LONG], side=side, pad_id=9)
    assert batch.ids_BT.tolist() == [ids, [1, 2, 3, 4]]
    assert batch.labels_BT.tolist() == [labels, list(LONG.labels)]
    assert batch.restated_BT.tolist() == [restated, list(LONG.restated)]
    assert batch.mask_BT.dtype == torch.bool
    assert batch.mask_BT.long().tolist() == [mask, [1, 1, 1, 1]]


def test_media_of_a_batch_are_listed_row_by_row():
    assert media_in_order([SHORT, LONG], "inputs") == {"image": ["a", "c", "d"], "audio": ["b"]}
    assert media_in_order([SHORT, LONG], "outputs") == {"audio": ["x"]}


def test_a_batch_moves_with_all_that_is_in_it():
    batch = collate_rows([SHORT])
    ones = torch.ones(1, 1)
    batch.inputs = {"image": {"pixels": ones}, "audio": EncoderOutput(None, ones.bool(), ones)}
    batch.targets = {"audio": Conditioning(ones[None], ones.bool())}
    batch.latents = {"audio": ones}
    moved = batch.to("meta")
    assert isinstance(moved, Batch)
    found = [
        moved.ids_BT,
        moved.mask_BT,
        moved.labels_BT,
        moved.restated_BT,
        moved.inputs["image"]["pixels"],
        moved.latents["audio"],
    ]
    found += [
        moved.inputs["audio"].mask_BN,
        moved.inputs["audio"].scores_BP,
        moved.targets["audio"].sequence_BQC,
    ]
    assert {tensor.device.type for tensor in found} == {"meta"}
    assert moved.inputs["audio"].features_BNE is None
