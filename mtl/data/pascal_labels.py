"""Decoding of PASCAL-Context labels: edges between its 459 classes, human parts, and where normals are valid.

Mottaghi et al., The Role of Context for Object Detection and Semantic Segmentation in the Wild, CVPR 2014; Chen et al.,
Detect What You Can, CVPR 2014 (parts); Maninis et al., Attentive Single-Tasking of Multiple Tasks, CVPR 2019
(https://arxiv.org/abs/1904.08918: six groups of parts, distilled normals and saliency).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtl.data.stored import DamagedFileError, Stored, check_size
from mtl.data.stored.arrays import read_mat
from mtl.tasks import IGNORE
from mtl.tasks.families.classes import check_classes

CONTEXT = 459  # classes
PERSON = 15  # of the 20 classes of VOC
ABSENT = -1  # class of an object whose mask is empty

GROUPS = {  # number in the label map: names of parts in the files; l and r are left and right
    1: "hair head lear rear lebrow rebrow leye reye mouth nose",
    2: "neck torso",
    3: "luarm ruarm",
    4: "llarm rlarm lhand rhand",
    5: "luleg ruleg",
    6: "llleg rlleg lfoot rfoot",
}
PARTS = {name: group for group, names in GROUPS.items() for name in names.split()}

# Context classes that are also among the 894 classes of NYUD-v2, on which the network behind the distilled normals was
# trained, and tvmonitor: normals are valid on these classes only.
NUMBERS = """
3 4 6 9 10 11 13 15 17 18 22 23 29 30 33 34 36 37 38 39 41 43 46 49 50 51 53 55 56 59 61 62 65 66 68 69 72 73 78 83 84
85 87 88 95 96 101 104 105 107 111 113 115 122 124 135 141 142 143 146 150 154 157 158 159 165 172 174 181 183 184 191
193 195 197 199 202 213 215 216 219 220 223 225 228 230 232 233 238 239 242 243 246 250 251 252 255 260 261 263 269
272 273 275 281 283 284 285 286 287 288 290 291 292 293 295 304 307 309 310 314 315 319 323 329 330 331 336 342 345
349 350 351 352 355 357 368 370 371 374 379 380 383 384 397 401 403 405 407 408 411 412 413 414 417 419 421 423 427
429 430 432 440 441 442 443 444 446 454 457
"""
WITH_NORMALS = np.zeros(CONTEXT + 1, bool)
WITH_NORMALS[[int(number) for number in NUMBERS.split()]] = True


class Annotated(NamedTuple):
    """An object of the part annotations; masks are bool, shape [H, W]."""

    category: int  # of VOC, 1 to 20
    mask: NDArray[np.bool_]
    parts: list[tuple[str, NDArray[np.bool_]]]


def read_context(path: Path) -> NDArray[np.uint16]:
    """Context class of every pixel, 1 to 459. Shape [H, W]."""
    stored = Stored(path, read_mat(path, "LabelMap"))
    labels = stored.numbers
    if labels.dtype.kind not in "ui" or labels.ndim != 2 or labels.min(initial=0) < 0:
        raise stored.damaged(f"LabelMap holds {labels.dtype} of shape {labels.shape}, not a map of classes")
    check_classes(stored, labels, range(CONTEXT + 1), f"0 to {CONTEXT}")
    return labels.astype(np.uint16)


def read_objects(path: Path) -> Iterator[Annotated]:
    """The objects in a file of part annotations."""
    annotation = read_mat(path, "anno")
    try:
        for entry in annotation[0, 0][1].ravel():  # name of the image, objects
            _, category, mask, parts = list(entry)[:4]
            named = [(str(part[0].item()), part[1].astype(bool)) for part in parts.ravel()]
            yield Annotated(int(category.item()), mask.astype(bool), named)
    except (IndexError, ValueError, TypeError, AttributeError) as error:
        raise DamagedFileError(f"{path}: holds no objects with parts ({error})") from error


def human_parts(files: Sequence[Path], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Part group of every pixel, 0 for background; 255 everywhere if no person has parts. Shape [H, W].

    Args:
        files: The file of part annotations, empty for images without persons. Later objects and parts cover earlier.
        size: Height and width of the image.
    """
    groups = np.zeros(size, np.uint8)
    for path in files:
        for thing in read_objects(path):
            for name, mask in thing.parts if thing.category == PERSON else ():
                if name not in PARTS:
                    raise DamagedFileError(f"{path}: unknown part {name!r} of a person; parts are {', '.join(PARTS)}")
                check_size(path, mask, size)
                groups[mask] = PARTS[name]
    return groups if groups.any() else np.full_like(groups, IGNORE)


def categories(path: Path) -> list[int]:
    """VOC class of each object, -1 if its mask is empty."""
    return [thing.category if thing.mask.any() else ABSENT for thing in read_objects(path)]
