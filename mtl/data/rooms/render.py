"""One view of one room: the image and all its labels."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mtl.data.rooms.camera import camera_for, pixel_rays
from mtl.data.rooms.labels import edge_map, saliency_map
from mtl.data.rooms.layout import build_scene
from mtl.data.rooms.lighting import light, shading
from mtl.data.rooms.raycast import nearest
from mtl.data.rooms.sensor import expose
from mtl.data.rooms.spec import Spec
from mtl.data.rooms.streams import Purpose, stream
from mtl.data.rooms.surface import surface_at

# Neighbouring images mostly show the same room.
_scene = lru_cache(maxsize=1)(build_scene)


def render(spec: Spec, scene: int, scan: int, view: int) -> dict[str, NDArray]:
    """Render view `view` of scan `scan` of scene `scene`.

    Returns:
        `image` uint8 [3, H, W]; `semseg`, `human_parts`, `saliency`, `edge` uint8 [1, H, W]; `depth` float32
        [1, H, W] in metres; `normals` float32 [3, H, W] in the camera frame; `reshading` float32 [1, H, W], 0 to 1;
        `instance` int64 [1, H, W].
    """
    room = _scene(spec, scene)
    camera = camera_for(spec, room, (scene, scan, view))
    rays = pixel_rays(spec)
    world = (camera.rotation.T[:, :, None] * rays).sum(1)
    depth, shape = nearest(room.shapes, room.size, camera.position, world)
    surface = surface_at(room.shapes, shape, camera.position, world, depth)
    normals = (camera.rotation[:, :, None] * surface.normal).sum(1)
    size = (spec.height, spec.width)
    instance = room.shapes.instance[shape].reshape(size)
    linear = light(spec, room, surface).T.reshape(*size, 3)
    return {
        "image": expose(stream(Purpose.SENSOR, spec, scene, scan, view), linear),
        "semseg": room.labels[instance][None],
        "human_parts": room.shapes.part[shape].astype(np.uint8).reshape(1, *size),
        "depth": depth.reshape(1, *size),
        "normals": normals.reshape(3, *size),
        "saliency": saliency_map(instance, room.labels)[None],
        "edge": edge_map(instance)[None],
        "reshading": shading(room, surface).reshape(1, *size),
        "instance": instance[None],
    }
