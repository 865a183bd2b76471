"""Bad input on the command line: one line that names it and the way out, exit code 1, nothing trained."""

import errno
import runpy
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.errors import MissingConfigException
from tiny import SIZE

from mtl import build, files
from mtl.backbones import Pyramid
from mtl.data.rooms import cache

TRAIN = Path(__file__).parent.parent / "train.py"
QUIET = "logger=csv"
BASIC = [word for word in SIZE if word != "experiment=demo"] + ["backbone=resnet_tiny", "recipe.evaluate=end", QUIET]

REFUSED = [
    (["weighter=nonsense"], "weighter=nonsense: there is no such weighter", "avgnorm", "uniform"),
    (["weighter=avgnrom"], "weighter=avgnrom", "did you mean avgnorm?"),
    (["weighter=null"], "weighter=null: there is no such weighter", "uniform"),
    (["dataset=romms"], "dataset=romms: there is no such dataset", "did you mean rooms?"),
    (["model=vanila"], "model=vanila: there is no such model", "did you mean vanilla?"),
    (["backbone=resnet81"], "backbone=resnet81: there is no such backbone", "did you mean resnet18?"),
    (["sharpness=per_tsk"], "sharpness=per_tsk: there is no such sharpness", "did you mean per_task?"),
    (["distil=radoi"], "distil=radoi: there is no such distil", "did you mean radio?"),
    (["distil=radio", "weighter.distil.teachers=[]"], "weighter.distil.teachers=[]: use a list of 1 or more"),
    (["protocol=sek"], "protocol=sek: there is no such protocol", "did you mean sak?"),
    (["protocol.taper=-1"], "protocol.taper=-1: use a whole number, 0 or above"),
    (["protocol.image_list=nowhere.txt"], "protocol.image_list=nowhere.txt: cannot read it"),
    (["backbone=vit_bse_dino"], "there is no such backbone", "did you mean vit_base_dino?"),
    (["recipe=resent"], "recipe=resent: there is no such recipe", "did you mean resnet?"),
    (["experiment=dmo"], "experiment=dmo: there is no such experiment", "did you mean demo?"),
    (["experiment=[demo,smal]"], "experiment=smal: there is no such experiment", "did you mean small?"),
    (["logger=wandbb"], "logger=wandbb: there is no such logger", "did you mean wandb?"),
    (["logger=csv,wandbb"], "logger=wandbb: there is no such logger", "did you mean wandb?"),
    (["-m", "logger=choice(csv,wandb)"], "logger=choice: there is no such logger"),
    (["logger=csv", "+logger=tensorboard"], "logger is chosen twice: name all in one list, logger=[A,B]"),
    (["logger=[csv,tensorboard]", "weighter=null"], "weighter=null: there is no such weighter"),
    (["keep=bset"], "keep=bset: use best or last or both or none; did you mean best?"),
    (["keep=null"], "keep=null: use best or last or both or none"),
    (["processes=0"], "processes=0: use a whole number, 1 or above"),
    (["hydra/launcher=nope"], "hydra/launcher=nope: there is no such", "basic, gpus, joblib"),
    (["weigher=uniform"], "unknown key weigher; did you mean weighter?"),
    (
        ["recipe.optimizer={lr:1,weight_dekay:1}"],
        "unknown key recipe.optimizer.weight_dekay; did you mean",
        "weight_decay",
    ),
    (["model=branched", "model.network.tree={layer9:[[edge]]}"], "unknown key model.network.tree.layer9; did you mean"),
    (["recipe.lerning_rate=1"], "unknown key recipe.lerning_rate; did you mean recipe.optimizer.lr?"),
    (["dataset.hight=64"], "unknown key dataset.hight; did you mean dataset.height?"),
    (["lr=1"], "unknown key lr; did you mean recipe.optimizer.lr?"),
    (["foo=1"], "unknown key foo", "--cfg job shows all keys"),
    (["~logger.tensorbord"], "logger.tensorbord; did you mean logger.tensorboard?"),
    (["logger.wandb.project=x"], "unknown key logger.wandb.project of logger=console,csv", "it belongs to wandb"),
    (["logger.mlflow.ur=x", "+logger=mlflow"], "unknown key logger.mlflow.ur; did you mean logger.mlflow.uri?"),
    (["logger.tensorboard=3"], "logger.tensorboard=3: use a group of settings with a _target_, or null"),
    (["weighter.scope=shared"], "unknown key weighter.scope of weighter=uniform; it belongs to", "avgnorm"),
    (["backbone.encoder.stages=[3,4]"], "Pyramid takes it", "write +backbone.encoder.stages=..."),
    (["+weighter=avgnorm"], "weighter is chosen already", "without a +"),
    (["recipe.steps=[1,2"], "cannot read recipe.steps=[1,2", "write key=value"),
    (["weighter"], "cannot read weighter", "write key=value"),
    (["subset=depth,edge"], "subset=depth,edge: one run takes one value", "add -m", "subset=[depth,edge]"),
    (["seed=range(3)"], "seed=range(3): one run takes one value", "add -m"),
    (["subset=[depth,normls]"], "subset=normls", "did you mean normals?"),
    (["subset=[]"], "subset=[]: rooms has the tasks"),
    (["seed=abc"], "seed=abc: use a whole number, 0 or above"),
    (["seed=-1"], "seed=-1: use a whole number, 0 or above"),
    (["workers=two"], "workers=two: use a whole number, 0 or above, or auto"),
    (["workers=-1"], "workers=-1: use a whole number, 0 or above, or auto"),
    (["seed=[0,1]"], "seed=[0, 1]: use a whole number"),
    (["threads=0"], "threads=0: use a whole number, 1 or above, or null"),
    (["device=cuda:99"], "device=cuda:99, but torch sees", "use device="),
    (["device=gpu"], "device=gpu: use auto, cpu, cuda"),
    (["recipe.batch_size=0"], "recipe.batch_size=0: use a whole number, 1 or above"),
    (["recipe.batch_size=1000"], "8 training images do not fill one batch of 1000", "at most 8"),
    (["recipe.optimizer.lr=-1"], "recipe.optimizer.lr=-1: use a number above 0"),
    (["recipe.clip=inf"], "recipe.clip=inf: use a finite number above 0, or null"),
    (["backbone.head.dropout=2"], "backbone.head.dropout=2: use a number from 0 to below 1"),
    (["weighter=avgnorm", "weighter.scope=feature"], "weighter.scope=feature", "did you mean features?"),
    (["logging.gradient_statistics.scope=shard"], "gradient_statistics.scope=shard", "did you mean shared?"),
    (["backbone=resnet18", "backbone.checkpoint=/nowhere.pth"], "backbone.checkpoint=/nowhere.pth: no such file"),
    (["backbone=resnet18", "backbone.encoder.name=resnet81"], "no model 'resnet81'", "did you mean resnet18"),
    (["backbone=resnet18", "backbone.encoder.name=resnet18.tv_in2k"], "no weights 'resnet18.tv_in2k'", "tv_in1k"),
    (["backbone=vit_tiny", "backbone.encoder.drop_path=1"], "drop_path=1: use a number from 0 to below 1"),
    (["backbone=vit_tiny", "backbone.encoder.taps=[3,13]"], "taps must be blocks from 1 to 12 in ascending order"),
    (["backbone=vit_tiny", "backbone.encoder.name=vit_small_patch14_reg4_dinov2"], "multiples of 14", "to 42 x 56"),
    (["backbone=hrnet18"], "image of 32 x 48", "multiples of 32", "to 32 x 64"),
    (["+backbone.encoder.stages=[3,4]"], "DeepLabHead needs one map, got 2", "single backbone stage"),
    (["+weighter.method.nope=1"], "weighter.method.nope=1: use an argument of Uniform"),
    (["weighter.method._target_=mtl.weighters.Nope"], "weighter.method: there is no mtl.weighters.Nope"),
    (
        ["weighter=grid_search", "weighter.method.weights={edg:3}"],
        "weights.edg=3: use the name of a task",
        "mean edge?",
    ),
    (["weighter=grid_search", "~dataset.grid_weights.edge"], "weighter.method.weights has no number for edge"),
    (["~recipe.steps"], "the config has no recipe.steps"),
    (["recipe.batch_size=${nope}"], "recipe.batch_size=${nope}: Interpolation key 'nope' not found"),
    (["recipe.optimizer=sgd"], "recipe.optimizer=sgd: use a group of settings with a _target_"),
    (["dataset.height=abc"], "dataset.height=abc: use a whole number, 16 or above"),
    (
        ["backbone.head.dilations=3"],
        "dilations=3: use a list of 1 or more, each a whole number, 1 or above",
    ),
    (["weighter=grid_search", "weighter.method.weights.depth=2"], "the config refers to dataset.grid_weights.depth"),
    (["seed=4294967296"], "seed=4294967296: use a whole number from 0 to 4294967295"),
    (["recipe.power=100000000000000000000"], "use a number with a point or an exponent, such as 1e20"),
    (["force=abc"], "force=abc: use true or false"),
    (["+recipe.optimizer.betas=[0.9,2]"], "betas=[0.9, 2]: use a list of 2, each a number from 0 to below 1"),
    (["dataset.num_classes.semseg=256"], "dataset.num_classes.semseg=256: use a whole number from 2 to 255"),
    (["dataset.normalize=null"], "dataset.normalize=null: use a group of settings with a _target_"),
    (["dataset.height=8"], "dataset.height=8: use a whole number, 16 or above"),
    (["dataset.num_classes.semseg=5"], "semseg: label", "in image train_0000_000_000", "5 classes (0 to 4"),
    (["dataset.sampling=half_scan"], "dataset.sampling=half_scan: use full or half_scans", "did you mean half_scans?"),
    (["dataset.sampling=twelve_scans"], "dataset.sampling=twelve_scans: scene 0000 has only 4 scans"),
    (["dataset.cache=yes_please"], "dataset.cache=yes_please: use true or false or auto"),
    (["dataset.noise=pixels"], "dataset.noise=pixels: use none or pixel or category", "did you mean pixel?"),
    (["dataset.noise=pixel"], "no noise is defined for edge", "subset=[semseg,depth,normals]"),
    (["data=/proc/nowhere"], "/proc/nowhere: No such file or directory", "data="),
    (["results=/proc/nowhere"], "/proc/nowhere: No such file or directory", "results="),
    (["-m", "weighter=uniform,nonsense"], "weighter=nonsense: there is no such weighter"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A folder with the rendered rooms of the tiny run."""
    root = tmp_path_factory.mktemp("data")
    cfg = build.compose([*SIZE, f"data={root}"])
    build.build_trainer(cfg, root)
    return root


@pytest.fixture
def command(data, tmp_path, monkeypatch, capsys):
    """Runs `python train.py` in this process on the tiny run; gives exit code, stdout and stderr."""

    def call(*words: str, size=SIZE):
        capsys.readouterr()
        home = [f"data={data}", f"results={tmp_path}/results"]
        home = [word for word in home if not any(w.startswith(word.split("=")[0] + "=") for w in words)]
        monkeypatch.setattr(sys, "argv", ["train.py", *size, *home, *words])
        monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
        code = 0
        try:
            runpy.run_path(str(TRAIN), run_name="__main__")
        except SystemExit as end:
            code = end.code
        return (code, *capsys.readouterr())

    return call


@pytest.fixture
def refused(command, tmp_path):
    """Runs a command that must be refused before anything is trained; gives its line."""

    def call(*words: str, trained=False) -> str:
        code, _, stderr = command(*words)
        assert code == 1
        assert stderr.startswith("error: ")
        assert stderr.count("\n") == 1, stderr
        assert trained or not list(tmp_path.glob("results/runs/*/seed*"))
        return stderr

    return call


@pytest.mark.parametrize(
    ("words", "fragments"), [(r[0], r[1:]) for r in REFUSED], ids=[" ".join(r[0]) for r in REFUSED]
)
def test_bad_input_gives_one_line_that_names_it_and_the_way_out(refused, words, fragments):
    line = refused(*words)
    assert all(fragment in line for fragment in fragments), line


def test_every_group_of_ours_is_in_the_table():
    groups = {path.name for path in build.CONFIGS.iterdir() if path.is_dir()} - {"task", "hydra"}
    asked = {words[0].split("=")[0] for words, *fragments in REFUSED if "there is no such" in fragments[0]}
    assert groups <= asked


def test_gpus_launcher_gives_every_run_of_a_sweep_a_gpu(command, monkeypatch):
    used = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", used.append)
    words = ["-m", "hydra/launcher=gpus", "seed=0,1", "recipe.batch_size=1000"]  # which ends before training
    assert "2 of the runs failed" in command(*words, "device=auto")[2]
    assert used == [0, 0]
    assert "device=cpu: hydra/launcher=gpus gives each run its own GPU" in command(*words, "device=cpu")[2]


def test_run_of_two_processes_ends_as_they_do(command, monkeypatch):
    called = []

    def run_processes(module, words, processes, say):
        called.append((module, words, processes))
        say("step 1")
        return 1, "a batch that does not fit"

    monkeypatch.setattr("mtl.cli.train.run_processes", run_processes)
    code, _, stderr = command("processes=2", "workers=3")
    assert (code, stderr) == (1, "step 1\nerror: a batch that does not fit\n")
    ((module, words, processes),) = called
    assert (module, processes) == ("mtl.cli.start", 2)
    assert words[-3:] == ["processes=2", "workers=3", "workers=3"]


def test_size_that_the_backbone_cannot_take_is_refused(refused, monkeypatch):
    monkeypatch.setattr(Pyramid, "multiple", 64)
    assert "image of 32 x 48: sides must be multiples of 64; pad or crop" in refused()


def test_single_image_per_batch_is_refused_in_the_first_step(refused):
    assert "batch of 1 image in training" in refused("recipe.batch_size=1", trained=True)


def test_damaged_cache_is_named_with_the_folder_to_delete(refused, data, tmp_path):
    shutil.copytree(data, tmp_path / "copy")
    (depth,) = tmp_path.glob("copy/rooms/train*/depth.npy")
    depth.write_bytes(depth.read_bytes()[:-1])
    assert f"{depth} is damaged" in (line := refused(f"data={tmp_path}/copy"))
    assert f"delete the folder {depth.parent}" in line


@pytest.mark.parametrize("workers", [0, 1])
def test_label_out_of_range_is_named_with_its_image(refused, data, tmp_path, workers):
    shutil.copytree(data, tmp_path / "copy")
    (path,) = tmp_path.glob("copy/rooms/train*/semseg.npy")
    np.load(path, mmap_mode="r+")[5, 0, 3, 4] = 200
    line = refused(f"data={tmp_path}/copy", f"workers={workers}", "recipe.batch_size=8", trained=True)
    assert "semseg: label 200 in image train_0001_001_000, but the network has 13 classes" in line


def test_file_in_the_place_of_a_folder_is_named(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert f"{tmp_path}/file" in refused(f"data={tmp_path}/file")
    assert f"{tmp_path}/file" in refused(f"results={tmp_path}/file")


def test_disk_too_small_for_the_rooms_is_named(refused, tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: usage(1 << 20))
    line = refused(f"data={tmp_path}/new", "dataset.train.scenes=100")
    assert f"{tmp_path}/new/rooms/train_32x48" in line
    assert "No space left on device: 9 MiB needed, 1 MiB free" in line
    assert not list(tmp_path.glob("new/rooms/train*/image.npy"))


def test_disk_that_fills_up_in_a_run_is_named(refused, tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    line = refused(trained=True)
    assert f"error: {tmp_path}/results/runs/" in line
    assert "No space left on device; fix this" in line


def test_missing_network_is_told_from_a_bug(refused, monkeypatch):
    def offline(*_: object, **__: object) -> None:
        raise FileNotFoundError("check your connection")

    monkeypatch.setattr("mtl.backbones.pretrained.load_state_dict_from_hf", offline)
    line = refused("backbone=resnet18", "backbone.pretrained=true")
    assert "backbone.encoder: cannot download the weights of resnet18.tv_in1k" in line
    assert "backbone.checkpoint=FILE" in line


def test_debug_shows_the_traceback(command, refused, monkeypatch):
    with pytest.raises(MissingConfigException):
        command("weighter=nonsense", "debug=true")
    with pytest.raises(ValueError, match="subset=nope"):
        command("subset=nope", "debug=true")


def test_bug_keeps_its_traceback(command, monkeypatch):
    monkeypatch.setattr(build, "build_trainer", lambda *_: torch.nn.Dropout(2))
    with pytest.raises(ValueError, match="dropout probability"):
        command()


def test_sweep_goes_on_behind_a_failed_run_and_a_success_takes_its_report_away(command, data, tmp_path):
    (tmp_path / "file").write_text("")
    words = ["-m", "weighter=uniform,grid_search", f"data={tmp_path}/file"]
    code, _, stderr = command(*words, "subset=depth", size=BASIC)
    assert code == 1
    assert "Traceback" not in stderr
    *live, head, first, second = stderr.splitlines()
    assert head.startswith("error: 2 of the runs failed, see error.txt")
    for line, weighter in ((first, "uniform"), (second, "grid_search")):
        folder, reason = line.strip().split(": ", 1)
        assert f"rooms_resnet_tiny_vanilla_{weighter}_depth" in folder
        assert f"{tmp_path}/file/rooms: Not a directory" in reason
        assert f"failed: {folder}: {reason}" in live
        assert (Path(folder) / "error.txt").read_text().startswith("Traceback")

    code, stdout, stderr = command("weighter=uniform", "subset=depth", size=BASIC)
    assert code == 0, stderr
    assert stdout.split()[-1].startswith(f"{tmp_path}/results/runs/rooms_resnet_tiny_vanilla_uniform_depth")
    (left,) = tmp_path.glob("results/runs/*/seed0/error.txt")
    assert "grid_search" in str(left)


def test_bug_in_a_run_of_a_sweep_is_listed_by_its_last_line(command, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "build_trainer", lambda *_: torch.nn.Dropout(2))
    code, _, stderr = command("-m", "seed=0,1", "subset=depth", size=BASIC)
    assert code == 1
    assert stderr.splitlines()[-1].endswith(
        "seed1: ValueError: dropout probability has to be between 0 and 1, but got 2"
    )


def test_parallel_sweep_trains_what_it_can_and_lists_the_rest(command, tmp_path):
    code, _, stderr = command("-m", "subset=depth,nope", QUIET)
    assert code == 1
    assert "Traceback" not in stderr
    head, line = stderr.splitlines()[-2:]
    assert head.startswith("error: 1 of the runs failed")
    assert "subset=nope logger=csv: subset=nope: rooms has the tasks semseg" in line
    assert len(list(tmp_path.glob("results/runs/*/seed0/record.json"))) == 1
