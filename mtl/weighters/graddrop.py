"""GradDrop: at each coordinate, keep either the positive or the negative task gradients, at random.

Chen et al., Just Pick a Sign: Optimizing Deep Multitask Models with Gradient Sign Dropout, NeurIPS 2020.
https://arxiv.org/abs/2010.06808, Algorithm 1.
"""

from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import Needs, RandomWeighter, Scope, Update, mask
from mtl.weighters.limits import Ge, Interval

PIECE = 2**18  # coordinates at a time


class GradDrop(RandomWeighter):
    """Draws a sign at each coordinate, with a bias towards the prevailing one, and drops gradients of the other sign.

    At a coordinate where the task gradients are g_t, with U uniform on [0, 1),

        p = (1 + sum_t g_t / sum_t |g_t|) / 2        purity: the positive part of all the gradient
        update = leak sum_t g_t + (1 - leak) (sum of the positive g_t if p > U, else of the negative g_t)

    If p is 0 or 1 the result is deterministic; if all gradients are 0, so is the update. The heads train on their own
    unweighted losses.

    All processes draw the same numbers; at scope `features` each applies them to its own images.

    Args:
        num_tasks: Number of tasks T.
        leak: Fraction of the gradient that is never dropped, from 0 to 1, the same for every task.
        seed: Seed of the draws.

    Raises:
        ValueError: The leak is not in [0, 1].

    Deviations from the paper: the gradients are not multiplied by the sign of their features, nor summed over the
    batch; at scope `shared` they are gradients of parameters.
    """

    needs: ClassVar[Needs] = Needs.GRADIENTS
    native: ClassVar = "sum"
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.FEATURES, Scope.SHARED)  # a layer's signs do not determine the others
    leak: Tensor

    def __init__(
        self, num_tasks: int, leak: Annotated[float, Interval(ge=0, le=1)], seed: Annotated[int, Ge(0)] = 0
    ) -> None:
        super().__init__(num_tasks, seed)
        if not 0 <= leak <= 1:
            raise ValueError(f"GradDrop: leak must be from 0 to 1, got {leak}")
        self.register_buffer("leak", torch.tensor(leak, dtype=torch.float64), persistent=False)

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """The direction from the task gradients [T, P], piece by piece, to avoid a second tensor of that size."""
        assert gradients is not None
        coins = self.draw_mask(gradients.shape[1]).to(gradients.device)  # [P]
        leak, direction = self.leak.to(gradients), torch.empty_like(gradients[0])  # [P]
        pieces = zip(gradients.split(PIECE, 1), coins.split(PIECE), direction.split(PIECE), strict=True)
        for piece, coin, update in pieces:
            positive, negative = piece.clamp(min=0).sum(0), piece.clamp(max=0).sum(0)
            keep_positive = positive > coin * (positive - negative)  # p > U
            kept = torch.where(keep_positive, positive, negative)
            update.copy_(kept + leak * torch.where(keep_positive, negative, positive))
        return Update(weights=mask(gradients.new_ones(len(gradients)), active), direction=direction)

    def draw_mask(self, size: int) -> Tensor:
        """Uniform numbers of one step, drawn on the weighter's device with a seed from its generator. Shape [P]."""
        seed = int(torch.randint(2**63 - 1, (), generator=self.generator))
        generator = torch.Generator(self.leak.device).manual_seed(seed)
        return torch.rand(size, generator=generator, device=self.leak.device)
