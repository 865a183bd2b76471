from torch import nn


def without_dropout(model: nn.Module) -> None:
    """Turns off what draws random numbers in a network: the draws differ between devices and compilers."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "drop_prob"):
            module.drop_prob = 0.0
