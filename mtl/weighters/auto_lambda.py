"""Auto-Lambda: raise the weights of the tasks whose gradients lower the loss on other images.

Liu et al., Auto-Lambda: Disentangling Dynamic Task Relationships, TMLR 2022.
https://arxiv.org/abs/2202.03091, Algorithm 1.
"""

from typing import Annotated, ClassVar

import torch
from torch import Tensor

from mtl.weighters.base import LearnedWeighter, Needs, Update, mask
from mtl.weighters.limits import Gt


class AutoLambda(LearnedWeighter):
    """Learns weights lambda with which a step of the network lowers the loss on held-out images most.

    With theta' = theta - lr (sum_t lambda_t grad l_t + momentum + weight decay) a trial step on the training batch,
    v = grad sum_t p_t l_t(theta') on held-out images, and p_t 1 for primary tasks and 0 for others,

        d/d lambda_t sum_s p_s l_s(theta') = -lr <grad l_t(theta), v>

    lambda takes a step of Adam along it, and then weights the ordinary step. The product is a finite difference of the
    losses of the training batch at theta +- 0.01 v / |v|, so no gradients of single tasks are needed.

    Cost: 5 forward and 3 backward passes in place of one of each, as many images again to load, and two copies of the
    parameters. `mtl.backward` alone leaves lambda as it is: the trial step is made by `mtl.engine.lookahead`.

    Args:
        num_tasks: Number of tasks T.
        init: lambda before the first step.
        lr: Learning rate of lambda.

    Raises:
        ValueError: `init` or `lr` is not above 0.

    Deviations from the paper:

    - As in the authors' code, lambda is not limited: it may become negative (`weighter/negative` in gradients.csv
      counts the tasks), and the sum of the weights is not fixed. It starts at T / 10.
    - As there, the trial step is one of SGD with the optimizer's present learning rate and weight decay, and with its
      momentum if it has a momentum buffer, so with Adam it is not the step that follows.
    - As there, held-out images are by default those of the training split, in another order (`held_out: 0`).
    - The passes at other weights do not update running statistics, and draw the same random numbers (dropout); in
      theirs the two losses of the difference differ by these numbers, too. The weights are restored bit for bit.
    - The two losses are in full precision with any `recipe.precision`: half precision does not resolve their
      difference.
    - If v is zero or not finite, lambda does not change in this step; neither does that of a task without labels.
    """

    needs: ClassVar[Needs] = Needs.LOSSES
    native: ClassVar = "own"
    constant: ClassVar[bool] = True
    looks_ahead: ClassVar[bool] = True

    def __init__(self, num_tasks: int, init: Annotated[float, Gt(0)], lr: Annotated[float, Gt(0)]) -> None:
        super().__init__(num_tasks, init, lr)
        if not init > 0:
            raise ValueError(f"AutoLambda: init must be above 0, got {init}")

    def learn(self, slopes: Tensor) -> None:
        """One step of lambda; see `Weighter.learn`."""
        slopes = slopes.to(self.task_weights)
        counted = torch.isfinite(slopes)
        self.task_weights = torch.where(counted, self.descend(slopes, counted), self.task_weights)

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """The present lambda."""
        return Update(weights=mask(self.task_weights, active).to(losses))

    def diagnostics(self) -> dict[str, float]:
        """Number of negative weights."""
        return {"negative": int((self.task_weights < 0).sum())}
