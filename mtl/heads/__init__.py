from mtl.heads.deeplab import DeepLabHead
from mtl.heads.hrnet import HRNetHead
from mtl.heads.last_tap import LastTapHead
from mtl.heads.multi_tap import MultiTapHead

__all__ = ["DeepLabHead", "HRNetHead", "LastTapHead", "MultiTapHead"]
