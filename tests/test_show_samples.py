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
