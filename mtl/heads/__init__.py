from mtl.heads.deeplab import DeepLabHead
from mtl.heads.hrnet import HRNetHead
from mtl.heads.vit import LastTapHead, MultiTapHead

__all__ = ["DeepLabHead", "HRNetHead", "LastTapHead", "MultiTapHead"]
