import numpy as np
from PIL import Image
from tiny import SIZE


def test_image_has_a_row_per_sample_and_a_column_per_task(run_script, tmp_path):
    sizes = []
    for count, subset in ((1, "depth"), (3, "[semseg,human_parts,depth,normals,saliency,edge]")):
        out = tmp_path / f"{count}.png"
        words = [*SIZE, f"data={tmp_path}/data", f"subset={subset}", f"count={count}", f"out={out}"]
        assert run_script("show_samples", *words)[:2] == (0, f"{out}\n")
        with Image.open(out) as sheet:
            sizes.append(sheet.size)
    assert sizes[1][0] == round(3.5 * sizes[0][0])
    assert sizes[1][1] == 3 * sizes[0][1]


def test_labels_without_noise_are_drawn_next_to_those_with_noise(run_script, tmp_path):
    words = [*SIZE, f"data={tmp_path}/data", "subset=[semseg,depth]", "count=1", f"out={tmp_path}/a.png"]
    assert run_script("show_samples", *words, "dataset.noise=pixel", "clean=yes")[0] == 0
    with Image.open(tmp_path / "a.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    columns = np.array_split(pixels, 5, axis=1)[1:]
    colours = [len(np.unique(column.reshape(-1, 3), axis=0)) for column in columns]
    assert colours[1] > 1.2 * colours[0]  # of classes
    assert run_script("show_samples", *words, "clean=maybe")[0] == 1
