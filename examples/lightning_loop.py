"""Lightning with manual optimisation: `mtl.backward` takes the place of `manual_backward`."""

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import mtl
from mtl.weighters import AvgNorm


class Network(lightning.LightningModule):
    """Encoder, two heads and a weighter."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.encoder, self.heads = nn.Conv2d(3, 8, 3), nn.ModuleList(nn.Conv2d(8, 1, 1) for _ in range(2))
        self.weighter = AvgNorm(num_tasks=2)  # a module: checkpoints hold its state

    def training_step(self, batch: list[torch.Tensor], _: int) -> None:
        """One update."""
        (image,) = batch
        optimizer = self.optimizers()
        optimizer.zero_grad()
        features = mtl.cut(self.encoder(image), num_tasks=2)
        losses = [head(features[t]).square().mean() for t, head in enumerate(self.heads)]
        self.result = mtl.backward(losses, features, self.weighter, scope="features")
        optimizer.step()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam for all parameters."""
        return torch.optim.Adam(self.parameters(), lr=0.01)


network = Network()
quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", devices=1, **quiet)
trainer.fit(network, DataLoader(TensorDataset(torch.rand(4, 3, 16, 16)), batch_size=2))
result = network.result
