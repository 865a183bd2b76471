import errno

import pytest
import torch
from hydra.utils import get_class, instantiate

from mtl.cli.explain import explain
from mtl.heads import DeepLabHead


def test_full_disk_is_found_behind_the_error_that_torch_makes_of_it():
    error = RuntimeError("unexpected pos 704 vs 598")
    error.__context__ = OSError(errno.ENOSPC, "No space left on device")
    assert explain(error, []).startswith("No space left on device")


def test_error_of_python_in_a_line_of_ours_is_a_bug():
    head = DeepLabHead(in_channels=[2], out_channels=1, channels=2, dilations=[1], dropout=0.0)
    with pytest.raises(ValueError, match="too many values") as caught:
        head([torch.zeros(1, 2, 4, 4)] * 2, (8, 8))
    assert explain(caught.value, []) is None
    with pytest.raises(ValueError, match="needs one map") as caught:
        DeepLabHead(in_channels=[2, 2], out_channels=1, channels=2, dilations=[1], dropout=0.0)
    assert explain(caught.value, []) == str(caught.value)


@pytest.mark.parametrize("load", [get_class, lambda target: instantiate({"weighter": {"_target_": target}})])
def test_failed_import_is_told_from_a_missing_class(load, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("import nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    lines = {
        "mine.Weighter": "cannot import mine.Weighter: ModuleNotFoundError: No module named 'nowhere'",
        "nobody.Weighter": "cannot import nobody.Weighter: ModuleNotFoundError: No module named 'nobody'",
        "mtl.weighters.Nope": "there is no mtl.weighters.Nope",
        "mtl.weighters.Weighter.Nope": "there is no mtl.weighters.Weighter.Nope",
    }
    for target, line in lines.items():
        with pytest.raises(Exception, match="Error l") as caught:
            load(target)
        assert explain(caught.value, []).endswith(line)


def test_error_like_that_of_a_missing_class_that_names_none_is_shown():
    assert explain(OSError("Error loading a library"), []) == "Error loading a library"


def test_operation_without_a_deterministic_kernel_is_named():
    reason = "histc_cuda does not have a deterministic implementation, but you set 'torch.use_deterministic...'"
    line = "deterministic=true: histc_cuda has no deterministic kernel on this device; use deterministic=false"
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(reason)
    assert explain(caught.value, []) == line
