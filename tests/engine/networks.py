"""Small networks in float64 that cover the difficult cases of the gradient engine."""

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    """Convolutions and BatchNorm in training mode; returns one map or three."""

    def __init__(self, several: bool, width: int = 6) -> None:
        super().__init__()
        self.several = several
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.middle = nn.Sequential(nn.Conv2d(width, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.last = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        stem = self.stem(image)
        middle = self.middle(stem)
        last = torch.relu(self.last(middle))
        return [stem, middle, last] if self.several else last


class Head(nn.Module):
    """Pools every map and mixes them."""

    def __init__(self, num_maps: int, width: int = 6) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(num_maps))
        self.norm = nn.BatchNorm2d(width)
        self.out = nn.Linear(width, 2)

    def forward(self, maps: Tensor | list[Tensor]) -> Tensor:
        maps = [maps] if isinstance(maps, Tensor) else maps
        pooled = sum(torch.tanh(self.norm(c(m))).mean((2, 3)) for c, m in zip(self.convolutions, maps, strict=True))
        return self.out(pooled)


class Network(nn.Module):
    """T heads on one encoder.

    Args:
        several: Whether the encoder returns a list of maps.
        behind: What tasks share behind the cut: "nothing", "refinement" (parameters used once per task) or
            "exchange" (each task reads the features of the next) or "decoder" (all read one message that is made of
            all tasks' features).
    """

    def __init__(self, num_tasks: int = 4, several: bool = False, behind: str = "nothing") -> None:
        super().__init__()
        self.behind = behind
        self.encoder = Encoder(several)
        self.heads = nn.ModuleList(Head(3 if several else 1) for _ in range(num_tasks))
        self.refinement = nn.Conv2d(6, 6, 1) if behind != "nothing" else None
        self.double()

    def decode(self, features) -> list[Tensor]:
        """One scalar loss per task; their scales differ by a factor of 1000."""
        losses = []
        tops = [maps if isinstance(maps, Tensor) else maps[-1] for maps in features]
        message = torch.tanh(self.refinement(sum(tops))) if self.behind == "decoder" else None
        for task, head in enumerate(self.heads):
            maps = features[task]
            if self.behind != "nothing":
                several = not isinstance(maps, Tensor)
                maps = list(maps) if several else [maps]
                other = features[(task + 1) % len(self.heads)] if self.behind == "exchange" else features[task]
                other = other[-1] if several else other
                maps[-1] = maps[-1] + (torch.sigmoid(self.refinement(other)) if message is None else message)
                maps = maps if several else maps[0]
            losses.append(10.0 ** (task - 2) * (head(maps) - task).square().mean())
        return losses


def network(**options) -> tuple[Network, Tensor]:
    """A network and a batch, the same on every call."""
    torch.manual_seed(0)
    model = Network(**options)
    return model, torch.randn(3, 3, 8, 10, dtype=torch.float64)
