"""Morphological thinning of many nested maps at once, one bit per map.

Guo and Hall, Parallel Thinning with Two-Subiteration Algorithms, CACM 1989.
https://doi.org/10.1145/62065.62074, algorithm A1 (bwmorph(map, 'thin', inf) in MATLAB).
"""

from typing import NamedTuple

import numpy as np

from mtl.metrics.boundary.compiled.kernel import kernel

WORD = 64  # bits per word, and so maps thinned by one integer operation
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
NEXT = np.uint64(1)


class Steps(NamedTuple):
    """The pixels that leave and enter from map k + 1 to map k, which has the lower threshold.

    Attributes:
        order: Indices of pixels, int32. Shape [E].
        ends: order[ends[k, 0]:ends[k, 1]] leave, order[ends[k, 1]:ends[k + 1, 0]] enter. Shape [K + 1, 2].
    """

    order: np.ndarray
    ends: np.ndarray


def thin(
    pixels: np.ndarray, levels: np.ndarray, shape: tuple[int, int], num_maps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Thin nested maps to convergence; map k contains the pixels whose level exceeds k.

    Args:
        pixels: Flat positions of the pixels that may be in a map. Shape [M].
        levels: Number of maps each of them belongs to, int. Shape [M].
        shape: H, W.
        num_maps: Number of maps, K.

    Returns:
        Flat positions of the pixels that are in any thinned map, shape [N], and the maps of each pixel as bits, the
        lowest bit of the first word being map 0, uint64. Shape [ceil(K / 64), N].
    """
    height, width = shape
    inner = pixels + 2 * (pixels // width) + width + 3  # positions in an image with a rim of one pixel
    words = np.empty((-(-num_maps // WORD), len(pixels)), np.uint64)
    image = np.zeros((height + 2) * (width + 2), np.uint64)
    for number in range(len(words)):
        _fill(image, inner, levels - WORD * number)
        thin_words(image, width + 2, inner)
        words[number] = image[inner]
    there = words.any(axis=0)
    return pixels[there], words[:, there]


def thin_map(lines: np.ndarray) -> np.ndarray:
    """Thin one map to convergence; returns bool. Shape [H, W].

    Args:
        lines: The map, bool. Shape [H, W].
    """
    image = np.pad(lines, 1).astype(np.uint64)
    thin_words(image.ravel(), image.shape[1], np.flatnonzero(image))
    return image[1:-1, 1:-1] != 0


def steps(words: np.ndarray, num_maps: int) -> Steps:
    """Compare every map with the next, from the words of `thin`. Shape [ceil(K / 64), N]."""
    sizes = _changes(words, np.zeros((num_maps, 2), np.int64), np.empty(0, np.int32))
    ends = np.zeros((num_maps + 1, 2), np.int64)
    ends.ravel()[1:-1] = sizes.ravel().cumsum()
    ends[-1, 1] = ends[-1, 0]
    order = np.empty(ends[-1, 0], np.int32)
    _changes(words, ends[:-1].copy(), order)
    return Steps(order, ends)


def unpack(words: np.ndarray, num_maps: int) -> np.ndarray:
    """The bits of the words as bool, map index first. Shape [words, N] to [num_maps, N]."""
    octets = np.ascontiguousarray(words.T.astype("<u8")).view(np.uint8)  # [N, 8 * words]
    return np.unpackbits(octets, axis=1, count=num_maps, bitorder="little").T.view(bool)


@kernel
def _fill(image, pixels, levels):
    """Give each pixel as many of the lowest bits as its level says, from none to all."""
    for index in range(len(pixels)):
        bits = min(max(levels[index], 0), WORD)
        image[pixels[index]] = ALL >> np.uint64(WORD - bits) if bits else np.uint64(0)


@kernel
def thin_words(image, width, pixels):
    """Thin every bit of an image of words in place.

    Whether a pixel can be deleted is a Boolean function of its eight neighbours, so bitwise operations on the words
    decide it for 64 maps at once. A sub-iteration visits only pixels with a neighbour that has changed since its last
    visit. Thinning ends after two sub-iterations in a row without a change.

    Args:
        image: Flat image with an empty rim of one pixel, uint64. Shape [H * width].
        width: Width of the image, with its rim.
        pixels: Positions that are not empty. Shape [N].
    """
    width = np.uint64(width)  # unsigned throughout: a signed index costs a test whether it counts from the end
    ring = np.array([NEXT, NEXT - width, -width, -width - NEXT, -NEXT, width - NEXT, width, width + NEXT])
    stale = np.zeros(len(image), np.uint8)  # bit 0: to visit in the next sub-iteration 0, bit 1: in the next 1
    queues, sizes = np.empty((2, len(pixels)), np.uint32), np.zeros(2, np.int64)
    places, bits = np.empty(len(pixels), np.uint32), np.empty(len(pixels), np.uint64)  # what is deleted
    for pixel in pixels:
        _visit_again(np.uint64(pixel), stale, queues, sizes)
    turn, idle = 0, 0
    while idle < 2:
        deleted = 0
        for index in range(sizes[turn]):
            pixel = np.uint64(queues[turn, index])
            stale[pixel] &= ~np.uint8(1 << turn)
            if image[pixel]:
                places[deleted], bits[deleted] = pixel, _deletable(image, pixel, width, turn)
                deleted += bits[deleted] != 0
        sizes[turn] = 0
        for index in range(deleted):
            image[places[index]] ^= bits[index]
        for index in range(deleted):
            for step in ring:
                pixel = np.uint64(places[index]) + step
                if image[pixel]:
                    _visit_again(pixel, stale, queues, sizes)
        idle = 0 if deleted else idle + 1
        turn = 1 - turn


@kernel
def _visit_again(pixel, stale, queues, sizes):
    for turn in range(2):
        if not stale[pixel] & np.uint8(1 << turn):
            queues[turn, sizes[turn]] = pixel
            sizes[turn] += 1
    stale[pixel] = 3


@kernel
def _deletable(image, pixel, width, turn):
    """The bits of a pixel that the three conditions of Guo and Hall delete.

    The ring of neighbours starts in the east and runs counter-clockwise:    x4 x3 x2
                                                                             x5  .  x1
                                                                             x6 x7 x8
    """
    bits = image[pixel]
    x1, x3, x5, x7 = image[pixel + NEXT], image[pixel - width], image[pixel - NEXT], image[pixel + width]
    if bits & ~(x1 & x3 & x5 & x7) == 0:  # inside
        return np.uint64(0)
    x2, x4 = image[pixel + NEXT - width], image[pixel - NEXT - width]
    x6, x8 = image[pixel - NEXT + width], image[pixel + NEXT + width]
    before1, before2, before3, before4 = x1 | x2, x3 | x4, x5 | x6, x7 | x8
    after1, after2, after3, after4 = x2 | x3, x4 | x5, x6 | x7, x8 | x1
    # one crossing from background to foreground along the ring
    cross1, cross2, cross3, cross4 = ~x1 & after1, ~x3 & after2, ~x5 & after3, ~x7 & after4
    odd, even = cross1 | cross3, cross2 | cross4
    one_crossing = (odd | even) & ~((cross1 & cross3) | (cross2 & cross4) | (odd & even))
    # two or three of the four pairs of neighbours, in either pairing
    odd_before, even_before = before1 & before3, before2 & before4
    odd_after, even_after = after1 & after3, after2 & after4
    two_before = odd_before | even_before | ((before1 | before3) & (before2 | before4))
    two_after = odd_after | even_after | ((after1 | after3) & (after2 | after4))
    all_eight = odd_before & even_before & odd_after & even_after
    # the first sub-iteration removes pixels from the north and east, the second from the south and west
    protected = (after1 | ~x8) & x1 if turn == 0 else (after3 | ~x4) & x5
    return bits & one_crossing & two_before & two_after & ~all_eight & ~protected


@kernel
def _changes(words, next_free, order):
    """Count the pixels that leave and enter each map, or write them to `order` if it has room. Shape [K, 2]."""
    for number in range(len(words)):
        for pixel in range(words.shape[1]):
            here = words[number, pixel]
            above = here >> np.uint64(1)
            if number + 1 < len(words):
                above |= words[number + 1, pixel] << np.uint64(WORD - 1)
            changed = here ^ above
            while changed:
                lowest = changed & (~changed + np.uint64(1))
                index, enters = WORD * number + _place(lowest), np.int64(here & lowest != 0)
                if len(order):
                    order[next_free[index, enters]] = pixel
                next_free[index, enters] += 1
                changed ^= lowest
    return next_free


@kernel
def _place(bit):
    """Position of the only bit that is set."""
    place = 0
    for half in (32, 16, 8, 4, 2, 1):
        if bit >> np.uint64(half):
            bit >>= np.uint64(half)
            place += half
    return place
