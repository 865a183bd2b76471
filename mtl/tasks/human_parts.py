"""Human parts: body part of every pixel; 0 is background."""

from dataclasses import dataclass

from mtl.tasks.families import Classes


@dataclass(frozen=True)
class HumanParts(Classes):
    """Body part of every pixel, 0 for background, 255 where invalid. Shape [1, H, W]."""

    name = "human_parts"
    colour = "#009E73"
    place = 2
    folders = ("parts",)
