from mtl.heads.deeplab import DeepLabHead

__all__ = ["DeepLabHead"]
