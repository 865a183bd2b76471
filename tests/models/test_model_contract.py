"""Every architecture of configs/model and its single-task network, found by its word."""

from functools import partial

import pytest
import torch
from narrow import SIZE, WORDS, narrow
from properties import (
    assert_engine_equals_written_out,
    assert_half_precision_works,
    assert_parameters_are_listed_once,
    assert_predictions,
)

from mtl.weighters import AvgNorm, Uniform

SEVERAL, SINGLE = {"semseg": 5, "normals": 3, "edge": 1}, {"normals": 3}
NETWORKS = [(word, channels) for word in WORDS for channels in (SEVERAL, SINGLE)]
IDLE = {"mti_net": "attention"}  # gradient 0 with a single task: a softmax over one task


@pytest.mark.parametrize(("word", "channels"), NETWORKS, ids=str)
def test_every_parameter_has_the_gradient_of_the_written_out_weighted_loss(word, channels):
    idle = IDLE.get(word, " ") if len(channels) == 1 else " "
    make, image = partial(narrow, word, channels), torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    assert_engine_equals_written_out(make, image, AvgNorm(len(channels)), "shared", idle)


@pytest.mark.parametrize(("word", "channels"), NETWORKS, ids=str)
def test_every_parameter_is_listed_once(word, channels):
    assert_parameters_are_listed_once(narrow(word, channels))


@pytest.mark.parametrize("word", WORDS)
def test_predictions_have_the_size_of_the_image(word):
    assert_predictions(narrow(word, SEVERAL), SEVERAL, SIZE)


@pytest.mark.parametrize("word", WORDS)
def test_half_precision(word):
    assert_half_precision_works(narrow(word, SEVERAL), torch.randn(2, 3, *SIZE), Uniform(3))


@pytest.mark.parametrize("word", [word for word in WORDS if word not in ("cross_stitch", "nddr")])  # no common encoder
def test_maps_that_learn_from_foundation_models_have_the_channels_of_the_encoder(word):
    model = narrow(word, SEVERAL)
    maps = model.encode(torch.randn(2, 3, *SIZE))
    for path in model.paths(getattr(model, "count", 2)):
        for place in path:
            assert maps[place].shape[1] == model.backbone.channels[place]
