"""Convolutional encoders from timm that return the maps of their stages.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016. https://arxiv.org/abs/1512.03385
Yu et al., Dilated Residual Networks, CVPR 2017. https://arxiv.org/abs/1705.09914
"""

from collections.abc import Sequence
from typing import Any

import timm
from torch import Tensor, nn

from mtl.backbones.base import Backbone


class Pyramid(Backbone):
    """A residual network whose last stages are dilated instead of strided, so that small things survive.

    What lies behind the last returned stage (later stages, pooling, classifier) does not exist: no parameter is
    dead.

    Args:
        name: timm name of a residual network, with the tag of its weights.
        pretrained: Load the weights; needs the network once.
        output_stride: Stride at which timm stops to subsample: 8, 16 or 32.
        stages: Stages whose maps are returned, from 1 to 4 in rising order.
        stem_pool: Keep the max-pooling of the stem; without it all strides are half of the nominal ones.
        **timm_options: Passed on to timm, such as `layers` and `channels` for a narrow network.

    Raises:
        ValueError: timm has no such model.
    """

    def __init__(
        self,
        name: str,
        pretrained: bool,
        output_stride: int,
        stages: Sequence[int] = (4,),
        stem_pool: bool = True,
        **timm_options: Any,
    ) -> None:
        super().__init__()
        if not timm.is_model(name.partition(".")[0]):
            raise ValueError(
                f"timm {timm.__version__} has no model {name!r}: timm.list_models('*resnet*') names those it has"
            )
        if not stages or list(stages) != sorted(set(stages) & {1, 2, 3, 4}):
            raise ValueError(f"stages must be numbers from 1 to 4 in rising order, got {list(stages)}")
        self.body = timm.create_model(
            name,
            pretrained=pretrained,
            features_only=True,
            out_indices=tuple(stages),
            output_stride=output_stride,
            zero_init_last=False,  # else the last layer has no gradient at step 0
            **timm_options,
        )
        self.channels = list(self.body.feature_info.channels())
        self.strides = list(self.body.feature_info.reduction())
        if not stem_pool:
            self.body["maxpool"] = nn.Identity()
            self.strides = [stride // 2 for stride in self.strides]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Maps [B, channels[i], H / strides[i], W / strides[i]] of the stages asked for, sizes rounded up."""
        return self.body(image)

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last convolution on the residual path of the deepest stage."""
        block = list(self.body.values())[-1][-1]
        return (block.conv3 if hasattr(block, "conv3") else block.conv2).weight
