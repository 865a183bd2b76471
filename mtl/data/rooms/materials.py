"""Materials: two colours and a pattern, only loosely related to the class of the object."""

from colorsys import hsv_to_rgb
from dataclasses import dataclass, replace
from enum import IntEnum

from numpy.random import Generator

RGB = tuple[float, float, float]


class Pattern(IntEnum):
    """How the two colours of a material are laid out."""

    PLAIN = 0
    CHECKER = 1
    STRIPES = 2
    NOISE = 3
    TILES = 4
    WOOD = 5
    PATCHES = 6


@dataclass(frozen=True)
class Material:
    """Two linear colours, a pattern repeated every `period` metres, highlights and emitted light."""

    first: RGB
    second: RGB
    pattern: Pattern
    period: float
    gloss: float = 0.0
    glow: float = 0.0


def colour(rng: Generator, saturation: tuple[float, float], value: tuple[float, float]) -> RGB:
    """Draw a colour of any hue. Ranges are those of HSV."""
    return hsv_to_rgb(rng.uniform(), rng.uniform(*saturation), rng.uniform(*value))


def shade(first: RGB, factor: float) -> RGB:
    """Brighten or darken a colour."""
    red, green, blue = (min(channel * factor, 1.0) for channel in first)
    return red, green, blue


def timber(rng: Generator) -> Material:
    """Wood of any stain."""
    first = hsv_to_rgb(rng.uniform(0.04, 0.12), rng.uniform(0.2, 0.65), rng.uniform(0.15, 0.6))
    gloss = rng.uniform(0, 0.35)
    return Material(first, shade(first, rng.uniform(0.45, 0.8)), Pattern.WOOD, rng.uniform(0.25, 0.6), gloss)


def cloth(rng: Generator) -> Material:
    """Fabric, clothing or matt paint of any colour and pattern."""
    first = colour(rng, (0.0, 0.8), (0.08, 0.8))
    second = shade(first, rng.uniform(0.4, 1.6)) if rng.uniform() < 0.5 else colour(rng, (0, 0.8), (0.08, 0.8))
    pattern = Pattern(rng.choice((0, 0, 1, 1, 2, 2, 3, 6, 6)))
    return Material(first, second, pattern, rng.uniform(0.12, 0.5))


def any_surface(rng: Generator) -> Material:
    """A material for furniture and objects: sometimes wood, else anything, sometimes glossy."""
    if rng.uniform() < 0.3:
        return timber(rng)
    return replace(cloth(rng), gloss=float(rng.choice((0.0, 0.0, 0.3, 0.6))))


def wall_paint(rng: Generator) -> Material:
    """Wallpaper or paint: mostly light, of any hue, sometimes patterned."""
    first = colour(rng, (0.0, 0.45), (0.35, 0.85))
    second = shade(first, rng.uniform(0.3, 0.8)) if rng.uniform() < 0.6 else colour(rng, (0.0, 0.6), (0.2, 0.85))
    pattern = Pattern(rng.choice((0, 1, 2, 2, 4, 6, 6, 6)))
    return Material(first, second, pattern, rng.uniform(0.3, 1.0))


def flooring(rng: Generator) -> Material:
    """Boards, tiles or carpet."""
    if rng.uniform() < 0.45:
        return timber(rng)
    first = colour(rng, (0.0, 0.5), (0.12, 0.7))
    pattern = Pattern(rng.choice((1, 1, 4, 4, 6)))
    second = shade(first, rng.uniform(0.25, 0.7))
    return Material(first, second, pattern, rng.uniform(0.3, 0.9), float(rng.choice((0.0, 0.4))))


def ceiling_paint(rng: Generator) -> Material:
    """White or nearly white."""
    first = colour(rng, (0.0, 0.12), (0.65, 0.9))
    return Material(first, shade(first, 0.93), Pattern.PLAIN, 0.5)


def plain(first: RGB, gloss: float = 0.0, glow: float = 0.0) -> Material:
    """One colour with a barely visible grain."""
    return Material(first, shade(first, 0.85), Pattern.PLAIN, 0.3, gloss, glow)


def skin(rng: Generator) -> Material:
    """Skin from light to dark."""
    return plain(hsv_to_rgb(rng.uniform(0.03, 0.08), rng.uniform(0.35, 0.65), rng.uniform(0.2, 0.85)))


def sky(rng: Generator) -> Material:
    """The view through a window pane: bright, bluish, cloudy."""
    first = hsv_to_rgb(rng.uniform(0.5, 0.65), rng.uniform(0.05, 0.4), rng.uniform(0.7, 1.0))
    return Material(first, shade(first, rng.uniform(0.6, 0.9)), Pattern.NOISE, 1.2, 0.0, rng.uniform(0.7, 1.4))
