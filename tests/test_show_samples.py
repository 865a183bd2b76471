import runpy
import sys
from pathlib import Path

from PIL import Image
from tiny import SIZE

SCRIPT = Path(__file__).parent.parent / "scripts/show_samples.py"


def test_sheet_has_a_row_a_sample_and_a_column_a_task(tmp_path, monkeypatch):
    sizes = []
    for count, subset in ((1, "depth"), (3, "[semseg,human_parts,depth,normals,saliency,edge]")):
        out = tmp_path / f"{count}.png"
        words = [*SIZE, f"data={tmp_path}/data", f"subset={subset}", f"--count={count}", f"--out={out}"]
        monkeypatch.setattr(sys, "argv", ["show_samples.py", *words])
        runpy.run_path(str(SCRIPT), run_name="__main__")
        with Image.open(out) as sheet:
            sizes.append(sheet.size)
    assert sizes[1][0] == round(3.5 * sizes[0][0])
    assert sizes[1][1] == 3 * sizes[0][1]
