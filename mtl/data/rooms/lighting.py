"""Lighting: ambient light with darker corners, lamps with exact shadows and highlights, and glowing surfaces."""

import cv2
import numpy as np

from mtl.data.rooms.raycast import occluded
from mtl.data.rooms.scene import Scene
from mtl.data.rooms.shapes import Array
from mtl.data.rooms.spec import Spec
from mtl.data.rooms.surface import Surface
from mtl.data.rooms.textures import albedo

AMBIENT = 0.35
SHININESS = 24


def shading(scene: Scene, surface: Surface) -> Array:
    """Brightness (0 to 1) of each visible point of an all-white scene lit from the camera. Shape [H * W].

        A * corners + (1 - A) * cos(angle between the normal and the direction to the camera)

    with the ambient light A and its darker corners as in `light`. Colours, gloss and the lamps of the room are
    ignored. A light at the camera casts no visible shadows. It does not fade with distance, so the values do not
    change when the image is zoomed, as for normals.
    """
    view = -surface.ray / np.sqrt((surface.ray**2).sum(0))
    facing = np.maximum((surface.normal * view).sum(0), 0)
    return AMBIENT * _corners(scene, surface) + (1 - AMBIENT) * facing


def light(spec: Spec, scene: Scene, surface: Surface) -> Array:
    """Linear colour of the light from each visible point to the camera. Shape [3, H * W]."""
    material = scene.shapes.material[surface.shape]
    gloss = np.array([m.gloss for m in scene.materials], np.float32)[material]
    glow = np.array([m.glow for m in scene.materials], np.float32)[material]
    view = -surface.ray / np.sqrt((surface.ray**2).sum(0))
    diffuse = AMBIENT * _corners(scene, surface)
    highlight = np.zeros_like(diffuse)
    for position, brightness in scene.lamps:
        lamp = np.array(position, np.float32)
        reach = surface.point - lamp[:, None]
        square = (reach**2).sum(0)
        towards = -reach / np.sqrt(square)
        facing = (surface.normal * towards).sum(0)
        arriving = np.float32(brightness) / (1 + square) * _unshadowed(spec, scene, lamp, reach, facing)
        half = towards + view
        half /= np.sqrt((half**2).sum(0)) + np.float32(1e-6)
        diffuse += arriving * np.maximum(facing, 0)
        highlight += arriving * gloss * np.maximum((surface.normal * half).sum(0), 0) ** SHININESS
    colour = albedo(scene.materials, material, surface.uv)
    return colour * (diffuse + glow) + highlight


def _corners(scene: Scene, surface: Surface) -> Array:
    """Share of ambient light, lower near the planes of the room."""
    probe = surface.point + np.float32(0.25) * surface.normal
    size = scene.size[:, None]
    distance = np.maximum(np.minimum(probe, size - probe), 0)
    return np.prod(1 - np.float32(0.45) * np.exp(-3 * distance), axis=0)


def _unshadowed(spec: Spec, scene: Scene, lamp: Array, reach: Array, facing: Array) -> Array:
    lit = facing > 0
    rays = np.flatnonzero(lit)
    lit[rays] = ~occluded(scene.shapes, lamp, np.ascontiguousarray(reach[:, rays]))
    # Real lamps are not points, so their shadows have soft borders.
    mask = lit.astype(np.float32).reshape(spec.height, spec.width)
    return cv2.GaussianBlur(mask, (0, 0), 0.6 * spec.width / 128).ravel()
