"""Miniature archives of the datasets, in the formats of the real ones; written without code from mtl.

Every pixel is drawn from a seed, so a test can compare what is read with what was written: each maker returns the
arrays that it stored, by id and kind.
"""

import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

TRAIN, VAL = ("0003", "0004", "0007"), ("0001", "0002")
PASCAL_TRAIN, PASCAL_VAL = ("2008_000003", "2008_000007", "2010_000101"), ("2008_000002", "2009_000012")
SCENES = {"train": {"apartment_0": 4, "office_1": 3}, "val": {"office_0": 2}, "test": {"room_1": 2}}
CAMVID = {"train": 3, "val": 2, "test": 2}
BSDS = {"train": 2, "val": 1, "test": 2}

Written = dict[str, dict[str, np.ndarray]]


def blocks(rng: np.random.Generator, labels: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """A map of rectangles. Shape [H, W]."""
    rows = np.sort(rng.integers(0, 3, size[0]))
    columns = np.sort(rng.integers(0, 3, size[1]))
    return np.asarray(rng.choice(labels, 9)).reshape(3, 3)[rows][:, columns]


def unit_vectors(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Directions towards the viewer. Shape [H, W, 3]."""
    vectors = rng.normal(size=(*size, 3)) - (0, 0, 2)
    return (vectors / np.linalg.norm(vectors, axis=2, keepdims=True)).astype(np.float32)


def as_bytes(normals: np.ndarray) -> np.ndarray:
    """Normals in 8 bits."""
    return np.round((normals + 1) / 2 * 255).astype(np.uint8)


def save(path: Path, array: np.ndarray) -> None:
    """An array as .npy, .png or .jpg, by the extension."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        Image.fromarray(array).save(path, quality=95) if path.suffix == ".jpg" else Image.fromarray(array).save(path)


def save_palette(path: Path, array: np.ndarray) -> None:
    """A class map as a png with colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    image.putpalette([(7 * index) % 256 for index in range(768)])
    image.save(path)


def save_list(path: Path, ids: Sequence[str]) -> None:
    """Ids, one per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{id}\n" for id in ids))


def nyud(
    folder: Path,
    archive: str = "A",
    train: Sequence[str] = TRAIN,
    val: Sequence[str] = VAL,
    size: tuple[int, int] = (17, 22),
) -> Written:
    """NYUD_MT (A) or NYUDv2 (B) below the folder."""
    root = folder / {"A": "NYUD_MT", "B": "NYUDv2"}[archive]
    save_list(root / "gt_sets/train.txt", train)
    save_list(root / "gt_sets/val.txt", val)
    written = {}
    for id in (*train, *val):
        rng = np.random.default_rng(int(id))
        image = blocks(rng, range(0, 255, 9), size)[..., None].repeat(3, axis=2).astype(np.uint8)
        segmentation = blocks(rng, range(41), size).astype(np.uint8)
        segmentation[0, 0] = 0
        depth = rng.uniform(0.7, 10, size).astype(np.float32)
        depth[1, 1] = 0
        normals = unit_vectors(rng, size)
        normals[2, 3] = 0
        edge = np.zeros(size, np.uint8)
        edge[size[0] // 2], edge[:, size[1] // 2] = 1, 1
        save(root / f"segmentation/{id}.png", segmentation)
        save(root / f"depth/{id}.npy", depth)
        if archive == "A":
            save(root / f"images/{id}.jpg", image)
            save(root / f"normals/{id}.npy", normals)
            save(root / f"edge/{id}.npy", edge.astype(np.float32))
        else:
            save(root / f"images/{id}.png", image)
            save(root / f"normals/{id}.png", as_bytes(normals))
            save(root / f"edge/{id}.png", edge * np.uint8(255))
        kinds = {"image": image, "segmentation": segmentation, "depth": depth, "normals": normals, "edge": edge}
        written[id] = kinds
    return written


def struct(**fields: object) -> np.ndarray:
    """A MATLAB struct with these fields, in this order."""
    entry = np.empty((1, 1), [(name, object) for name in fields])
    for name, value in fields.items():
        entry[0, 0][name] = value
    return entry


def row(entries: Sequence[np.ndarray]) -> np.ndarray:
    """A 1 x N struct array; 0 x 0 without entries, as MATLAB's []."""
    return np.concatenate(entries, axis=1) if entries else np.zeros((0, 0))


def save_parts(path: Path, objects: Sequence[tuple[int, np.ndarray, Mapping[str, np.ndarray]]]) -> None:
    """Part annotations: of each object class, mask and part masks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = []
    for category, mask, parts in objects:
        named = [struct(part_name=name, mask=part.astype(np.uint8)) for name, part in parts.items()]
        about = {"class": f"class{category}", "class_ind": float(category)}
        entries.append(struct(**about, mask=mask.astype(np.uint8), parts=row(named)))
    scipy.io.savemat(path, {"anno": struct(imname=path.stem, objects=row(entries))}, do_compression=True)


def pascal_context(
    folder: Path,
    train: Sequence[str] = PASCAL_TRAIN,
    val: Sequence[str] = PASCAL_VAL,
    size: tuple[int, int] = (16, 20),
    name: str = "PASCAL_MT",
    index: bool = True,
) -> Written:
    """PASCAL_MT below the folder; every second image shows a person, the others a dog."""
    root = folder / name
    written = {}
    for split, ids in {"train": train, "val": val}.items():
        save_list(root / f"ImageSets/Context/{split}.txt", ids)
        classes = {}
        for number, id in enumerate(ids):
            rng = np.random.default_rng(int(id.replace("_", "")))
            image = rng.integers(0, 256, (*size, 3), np.uint8)
            context = blocks(rng, [3, 2, 5, 284, 459, 9], size).astype(np.uint16)
            semseg = blocks(rng, [*range(21), 255], size).astype(np.uint8)
            normals, saliency = unit_vectors(rng, size), blocks(rng, [0, 90, 127, 128, 255], size).astype(np.uint8)
            category = 15 if number % 2 == 0 else 12
            body = np.zeros(size, bool)
            body[4:12, 5:15] = True
            head, hand, foot = (np.zeros(size, bool) for _ in range(3))
            head[4:7, 7:11], hand[6:9, 5:8], foot[10:12, 12:15] = True, True, True
            parts = {"head": head, "lhand": hand, "rfoot": foot} if category == 15 else {"head": head, "tail": hand}
            save(root / f"JPEGImages/{id}.jpg", image)
            save_palette(root / f"semseg/{'VOC12' if number % 3 else 'pascal-context'}/{id}.png", semseg)
            save(root / f"normals_distill/{id}.png", as_bytes(normals))
            save(root / f"sal_distill/{id}.png", saliency)
            save_parts(root / f"human_parts/{id}.mat", [(category, body, parts), (9, ~np.ones(size, bool), {})])
            (root / "pascal-context/trainval").mkdir(parents=True, exist_ok=True)
            scipy.io.savemat(root / f"pascal-context/trainval/{id}.mat", {"LabelMap": context}, do_compression=True)
            classes[id] = [category, -1]
            kinds = {"image": image, "context": context, "semseg": semseg, "normals": normals, "saliency": saliency}
            written[id] = kinds | {"head": head, "hand": hand, "foot": foot}
        if index:
            (root / "ImageSets/Parts").mkdir(parents=True, exist_ok=True)
            (root / f"ImageSets/Parts/{split}.txt").write_text(json.dumps(classes))
    return written


def bsds500(
    folder: Path, splits: Mapping[str, int] = BSDS, size: tuple[int, int] = (24, 32), annotators: int = 3
) -> Written:
    """BSR below the folder; each annotator draws another rectangle."""
    root = folder / "BSR/BSDS500/data"
    written = {}
    for split, count in splits.items():
        (root / "groundTruth" / split).mkdir(parents=True)
        for _ in range(count):
            id = f"{len(written) + 1:06}"
            rng = np.random.default_rng(len(written))
            image = rng.integers(0, 256, (*size, 3), np.uint8)
            people = np.empty((1, annotators), object)
            boundaries = np.zeros((annotators, *size), np.uint8)
            for person in range(annotators):
                low, high = 3 + person, 18 + person
                boundaries[person, low, low:high] = boundaries[person, high, low:high] = 1
                boundaries[person, low:high, low] = boundaries[person, low:high, high] = 1
                people[0, person] = struct(Segmentation=np.ones(size, np.uint16), Boundaries=boundaries[person])
            save(root / f"images/{split}/{id}.jpg", image)
            scipy.io.savemat(root / f"groundTruth/{split}/{id}.mat", {"groundTruth": people}, do_compression=True)
            written[id] = {"image": image, "boundaries": boundaries}
    return written


def camvid(
    folder: Path, splits: Mapping[str, int] = CAMVID, size: tuple[int, int] = (24, 32), name: str = "CamVid"
) -> Written:
    """CamVid of the SegNet tutorial below the folder."""
    written = {}
    for split, count in splits.items():
        for _ in range(count):
            id = f"0001TP_{len(written) + 1:06}"
            rng = np.random.default_rng(len(written))
            image = rng.integers(0, 256, (*size, 3), np.uint8)
            annotation = blocks(rng, range(12), size).astype(np.uint8)
            annotation[0, 0] = 11
            save(folder / name / split / f"{id}.png", image)
            save(folder / name / f"{split}annot" / f"{id}.png", annotation)
            written[id] = {"image": image, "annotation": annotation}
    return written


def replica(
    folder: Path,
    layout: str = "{domain}/replica/{scene}",
    scenes: Mapping[str, Mapping[str, int]] = SCENES,
    size: tuple[int, int] = (16, 16),
) -> Written:
    """The component replica of the Omnidata starter dataset below the folder; two views of each point."""
    written = {}
    for scene, count in [pair for split in scenes.values() for pair in split.items()]:
        for number in range(count):
            point, view = 9 + number // 2, number % 2
            rng = np.random.default_rng([number, *scene.encode()])
            hole = np.zeros(size, bool)
            hole[2:4, 3:5] = True
            rgb = rng.integers(0, 256, (*size, 3), np.uint8)
            semantic = rng.integers(0, 256, (*size, 3), np.uint8)
            semantic[..., 0] = blocks(rng, range(102), size)
            semantic[0, 0], semantic[0, 1, 0], semantic[hole] = 255, 0, 0
            depth = rng.integers(300, 6000, size).astype(np.uint16)
            depth[hole] = 65535
            normals = as_bytes(unit_vectors(rng, size))
            normals[hole] = 127
            kinds = {"rgb": rgb, "semantic": semantic, "depth_zbuffer": depth, "normal": normals}
            kinds["mask_valid"] = np.where(hole, 0, 255).astype(np.uint8)
            for domain, array in kinds.items():
                place = folder / layout.format(domain=domain, scene=scene)
                save(place / f"point_{point}_view_{view}_domain_{domain}.png", array)
            written[f"{scene}/point_{point}_view_{view}"] = kinds | {"hole": hole}
    return written


def pack(folder: Path, archive: Path) -> Path:
    """A tar of the contents of the folder, compressed according to its name."""
    mode = {".tgz": "w:gz", ".gz": "w:gz", ".tar": "w"}[archive.suffix]
    with tarfile.open(archive, mode) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    return archive
