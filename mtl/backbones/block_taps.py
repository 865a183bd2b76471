"""Maps from inside a residual network: before and after the last block of each stage."""

from typing import Any

from torch import Tensor, nn

from mtl.backbones.base import Backbone

STAGES = (1, 2, 3, 4)


class BlockTaps(Backbone):
    """Returns two maps per stage of a residual network, for decoders that follow the encoder stage by stage.

    The maps, in order: stage 1 without its last block, all of stage 1, stage 2 without its last block, and so on.
    Parameters and last layer are those of the network.

    Args:
        network: A `Pyramid` with a timm residual network of four stages.

    Raises:
        ValueError: The network has no such stages, or a stage with a single block.
    """

    network: Any  # a `Pyramid` with a `body` of residual stages

    def __init__(self, network: Backbone) -> None:
        super().__init__()
        body: Any = getattr(network, "body", None)
        stages: list[Any] = [getattr(body, f"layer{stage}", None) for stage in STAGES]
        if None in stages:
            raise ValueError(
                f"{type(network).__name__} does not have the four residual stages that model=mtan needs: "
                "use backbone=resnet18 or resnet50"
            )
        if min(len(stage) for stage in stages) < 2:
            raise ValueError(
                "a residual stage of one block has no map before its last block: give every stage two or more blocks, "
                "such as backbone.encoder.layers=[2,2,2,2]"
            )
        self.network = network
        self.multiple = network.multiple
        info = body.feature_info
        pooled = info.reduction()[-1] // network.strides[-1]  # 2 where the stem does not pool
        self.channels = [channels for channels in info.channels(STAGES) for _ in range(2)]
        self.strides = [stride // pooled for stride in info.reduction(STAGES) for _ in range(2)]

    def forward(self, image: Tensor) -> list[Tensor]:
        """Maps [B, channels[i], H / strides[i], W / strides[i]], two per stage, sizes rounded up."""
        x, maps = image, []
        for name, module in self.network.body.items():
            if name.startswith("layer"):
                *blocks, last = module
                for block in blocks:
                    x = block(x)
                maps.append(x)
                x = last(x)
                maps.append(x)
            else:
                x = module(x)
        return maps

    def regions(self) -> list[nn.Module]:
        """The blocks of all stages."""
        return [block for name, stage in self.network.body.items() if name.startswith("layer") for block in stage]

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the network's last layer."""
        return self.network.last_layer
