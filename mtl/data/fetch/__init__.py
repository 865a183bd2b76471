from mtl.data.fetch.tar import extract
from mtl.data.fetch.web import UnavailableError, download

__all__ = ["UnavailableError", "download", "extract"]
