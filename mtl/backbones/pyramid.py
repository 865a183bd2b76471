"""Convolutional encoders from timm that return the maps of selected stages.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016. https://arxiv.org/abs/1512.03385
Yu et al., Dilated Residual Networks, CVPR 2017. https://arxiv.org/abs/1705.09914
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Unpack

import timm
from annotated_types import Interval, MinLen
from torch import Tensor, nn

from mtl.backbones.base import Backbone
from mtl.backbones.pretrained import TimmOptions, create


class Pyramid(Backbone):
    """A residual network whose last stages are dilated instead of strided, which keeps fine detail.

    Nothing after the last returned stage is kept (later stages, pooling, classifier), so every parameter is used.
    The stages of inverted residual networks (MobileNet, EfficientNet) are those that timm numbers 1 to 4, by stride.

    Args:
        name: timm name of a residual network, with the tag of its weights.
        pretrained: Load the weights; needs an internet connection once.
        output_stride: Stride from which timm dilates instead of striding: 8, 16 or 32.
        stages: Stages whose maps are returned, from 1 to 4 in ascending order.
        stem_pool: Keep the max-pooling of the stem; without it all strides are half of the nominal ones.
        checkpoint: File with the weights; None: download them by name.
        **timm_options: Passed on to timm, such as `layers` and `channels` for a narrow network.

    Raises:
        ValueError: timm has no such model, or it has no such stages, or the weights do not fit it.
    """

    body: Any  # a network of timm

    def __init__(
        self,
        name: str,
        pretrained: bool,
        output_stride: Literal[8, 16, 32],
        stages: Annotated[Sequence[Annotated[int, Interval(ge=1, le=4)]], MinLen(1)] = (4,),
        stem_pool: bool = True,
        checkpoint: str | Path | None = None,
        **timm_options: Unpack[TimmOptions],
    ) -> None:
        super().__init__()
        if not stages or list(stages) != sorted(set(stages) & {1, 2, 3, 4}):
            raise ValueError(f"stages must be numbers from 1 to 4 in ascending order, got {list(stages)}")
        view = {"features_only": True, "out_indices": tuple(stages)}
        if name.partition(".")[0] in timm.list_models(module="resnet"):
            view["zero_init_last"] = False  # with zeros, the last layer would have no gradient at step 0
        try:
            self.body = create(
                name,
                pretrained=pretrained,
                checkpoint=checkpoint,
                view=view,
                output_stride=output_stride,
                **timm_options,
            )
            if hasattr(self.body, "blocks"):  # of inverted residual networks timm keeps them all
                last = max(stage["stage"] for stage in self.body.feature_info.get_dicts())
                self.body.blocks = self.body.blocks[:last]
            _ = self.last_layer
        except (AttributeError, LookupError, TypeError) as error:
            raise ValueError(
                f"{name} cannot be cut into these stages ({error}): use a ResNet, MobileNet or EfficientNet"
            ) from error
        self.channels = list(self.body.feature_info.channels())
        self.strides = list(self.body.feature_info.reduction())
        if not stem_pool:
            self.body["maxpool"] = nn.Identity()
            self.strides = [stride // 2 for stride in self.strides]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Maps [B, channels[i], H / strides[i], W / strides[i]] of the selected stages, sizes rounded up."""
        return self.body(image)

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last convolution on the residual path of the deepest stage."""
        layers = (getattr(layer, "conv", layer) for layer in self._stages()[-1][-1].children())
        convolutions: list[Any] = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
        return convolutions[-1].weight

    def regions(self) -> list[nn.Module]:
        """The stages, and each block of the last one."""
        *stages, last = (stage for stage in self._stages() if isinstance(stage, nn.Sequential))
        return [*stages, *last]

    def _stages(self) -> list[Any]:
        """The layers of the stem and the stages."""
        return list(self.body.values() if isinstance(self.body, nn.ModuleDict) else self.body.blocks)
