"""Morphological thinning of many nested maps at once, one bit per map.

Guo and Hall, Parallel Thinning with Two-Subiteration Algorithms, CACM 1989.
https://doi.org/10.1145/62065.62074, algorithm A1 (bwmorph(map, 'thin', inf) in MATLAB).
"""

import numpy as np

WORD = 64  # bits per word, and so maps thinned by one integer operation


def pack(levels: np.ndarray, num_maps: int) -> np.ndarray:
    """Pack nested maps into bits; map k contains the pixels whose level exceeds k.

    Args:
        levels: Number of maps each pixel belongs to. Shape [H, W].
        num_maps: Number of maps.

    Returns:
        Words of 64 maps, uint64, with an empty rim of one pixel. Shape [ceil(num_maps / 64), H + 2, W + 2].
    """
    num_words = -(-num_maps // WORD)
    ones = np.arange(num_maps + 1)[:, None] > np.arange(num_words * WORD)
    table = np.packbits(ones, axis=1, bitorder="little").view("<u8").astype(np.uint64)  # [num_maps + 1, words]
    height, width = levels.shape
    words = np.zeros((num_words, height + 2, width + 2), np.uint64)
    rows, columns = levels.nonzero()
    words[:, rows + 1, columns + 1] = table[levels[rows, columns]].T
    return words


def unpack(words: np.ndarray, num_maps: int) -> np.ndarray:
    """Unpack the bits of the words to bool, map index first. Shape [num_maps, N].

    Args:
        words: Words of 64 maps, uint64. Shape [words, N].
        num_maps: Number of maps.
    """
    octets = np.ascontiguousarray(words.T.astype("<u8")).view(np.uint8)  # [N, 8 * words]
    return np.unpackbits(octets, axis=1, count=num_maps, bitorder="little").T.view(bool)


def thin(words: np.ndarray) -> np.ndarray:
    """Thin every map to convergence.

    Whether a pixel can be deleted is a Boolean function of its eight neighbours, so bitwise operations on the words
    decide it for 64 maps at once. A sub-iteration visits only pixels with a neighbour that has changed since its last
    visit. Thinning ends after two sub-iterations in a row without a change.

    Args:
        words: Words of 64 maps, uint64, with an empty rim of one pixel. Shape [words, H, W].

    Returns:
        The thinned maps in the same form. Shape [words, H, W].
    """
    width = words.shape[2]
    # neighbours x1 .. x8, then x1 again:    x4 x3 x2
    # the ring starts in the east and runs   x5  .  x1
    # counter-clockwise                      x6 x7 x8
    ring = np.array([1, 1 - width, -width, -width - 1, -1, width - 1, width, width + 1, 1])
    flat = words.ravel().copy()
    stale = [flat != 0, flat != 0]
    turn, idle = 0, 0
    while idle < 2:
        pixels = np.flatnonzero(stale[turn])
        stale[turn][pixels] = False
        removed = flat[pixels] & _deletable(flat[pixels + ring[:, None]], turn)
        changed = removed.nonzero()[0]
        pixels = pixels[changed]
        flat[pixels] ^= removed[changed]
        touched = pixels + ring[:8, None]
        touched = touched[flat[touched] != 0]
        stale[0][touched] = True
        stale[1][touched] = True
        idle = 0 if len(pixels) else idle + 1
        turn = 1 - turn
    return flat.reshape(words.shape)


def thin_map(lines: np.ndarray) -> np.ndarray:
    """Thin one map to convergence; returns bool. Shape [H, W].

    Args:
        lines: The map, bool. Shape [H, W].
    """
    words = thin(pack(lines.astype(int), 1))
    return unpack(words[:, 1:-1, 1:-1].reshape(1, -1), 1).reshape(lines.shape)


def _deletable(ring: np.ndarray, turn: int) -> np.ndarray:
    """Evaluate the three conditions of Guo and Hall bitwise on neighbours x1 .. x8, x1. Shape [9, N] to [N]."""
    sides, corners, next_sides = ring[0:8:2], ring[1:8:2], ring[2::2]
    before = sides | corners  # pairs (x1 x2) (x3 x4) (x5 x6) (x7 x8)
    after = corners | next_sides  # pairs (x2 x3) (x4 x5) (x6 x7) (x8 x1)
    crossings = ~sides & after  # steps along the ring from background to foreground
    terms = np.stack([before, after, crossings])  # [3, 4, N]
    both, either = terms[:, :2] & terms[:, 2:], terms[:, :2] | terms[:, 2:]
    two = both[:, 0] | both[:, 1] | (either[:, 0] & either[:, 1])  # at least two of the four
    one_crossing = (either[2, 0] | either[2, 1]) & ~two[2]
    all_eight = both[0, 0] & both[0, 1] & both[1, 0] & both[1, 1]
    # the first sub-iteration removes pixels from the north and east, the second from the south and west
    far = 4 * turn
    protected = (after[2 * turn] | ~ring[7 - far]) & ring[far]
    return one_crossing & two[0] & two[1] & ~all_eight & ~protected
