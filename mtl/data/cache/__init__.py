from mtl.data.cache.cached import Cached

__all__ = ["Cached"]
