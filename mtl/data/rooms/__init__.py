from mtl.data.rooms.dataset import Rooms

__all__ = ["Rooms"]
