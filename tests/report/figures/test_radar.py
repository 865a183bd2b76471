import pytest
from fake_figures import result_lines, results_frame

from mtl.report.figures.architectures import draw_architectures
from mtl.report.figures.initialization import draw_initializations
from mtl.report.figures.radar import polygon
from mtl.report.figures.sources import MissingRunsError, read_sources
from mtl.report.names import Setting

PLAIN = Setting("rooms", "ResNet-18", "Vanilla")
MTAN = PLAIN._replace(architecture="MTAN")
SAM, IN1K = (Setting("rooms", "ViT-B", "Vanilla", name) for name in ("SAM", "ImageNet-1K"))


def single(setting, values, seed=0):
    return [line for task in values for line in result_lines(setting, "Single-task", {task: values[task]}, seed=seed)]


def polygons(axes):
    """Label -> gains of the polygons of a radar, without the grid."""
    lines = [line for line in axes.lines if not line.get_label().startswith("_")]
    return {line.get_label(): pytest.approx(line.get_ydata().tolist()) for line in lines}


@pytest.fixture
def ours():
    """MTAN and vanilla networks at two seeds; vanilla single-task networks score 40 and 0.5."""
    networks = []
    for seed in (0, 1):
        networks.append(single(PLAIN, {"semseg": 40, "depth": 0.5}, seed))
        networks.append(single(MTAN, {"semseg": 44, "depth": 0.5}, seed))
        networks.append(result_lines(PLAIN, "Uniform", {"semseg": 38, "depth": 0.55}, seed=seed))
        networks.append(result_lines(MTAN, "Uniform", {"semseg": 42 + 2 * seed, "depth": 0.5}, seed=seed))
    return networks


def test_architectures_are_drawn_over_vanilla_single_task_networks(make_sources, ours):
    figure = draw_architectures(make_sources(ours=results_frame(*ours)), ["rooms"])
    radar, *others = figure.axes
    assert radar.get_title() == "ResNet-18 / MTAN\nrooms, ours"
    assert polygons(radar) == {
        "Vanilla, Single-task  0": [0, 0, 0],
        "Vanilla, Uniform  −7.50 ± 0.00": [-5, -10, -5],
        "MTAN, Single-task  +5.00 ± 0.00": [10, 0, 10],
        "MTAN, Uniform  +3.75 ± 1.77": [7.5, 0, 7.5],
    }
    assert figure.get_supxlabel().replace("\n", " ").endswith(" ±: standard deviation over seeds 0, 1.")
    assert [[text.get_text() for text in axes.texts] for axes in others] == [["no runs"], ["no runs"]]


def test_radar_of_one_seed_has_no_deviation(make_sources, ours):
    figure = draw_architectures(make_sources(ours=results_frame(*ours[:4])), ["rooms"])
    assert "MTAN, Uniform  +2.50" in polygons(figure.axes[0])
    assert "±" not in figure.get_supxlabel()


def test_network_with_fewer_tasks_is_a_different_network(ours):
    part = result_lines(PLAIN, "Uniform", {"semseg": 80})
    results = results_frame(part, *ours)
    assert polygon("U", results, PLAIN, "Uniform", {}).gains.to_dict() == pytest.approx({"semseg": -5, "depth": -10})


def test_changed_hyper_parameters_are_left_out(ours):
    changed = result_lines(PLAIN, "CAGrad", {"semseg": 40, "depth": 0.5}, variant="c 0.2")
    assert polygon("CAGrad", results_frame(*ours, changed), PLAIN, "CAGrad", {}) is None


def test_seed_without_all_gains_is_left_out(ours):
    results = results_frame(*(ours[1:]))  # no vanilla single-task networks at seed 0
    assert polygon("U", results, PLAIN, "Uniform", {}).deltas.index.get_level_values("seed").tolist() == [1]


def test_initializations_are_drawn_over_single_task_from_imagenet_1k(make_sources):
    networks = [single(IN1K, {"semseg": 40, "depth": 0.5}), single(SAM, {"semseg": 80, "depth": 0.1})]
    networks += [result_lines(setting, "Uniform", {"semseg": 44, "depth": 0.45}) for setting in (SAM, IN1K)]
    figure = draw_initializations(make_sources(ours=results_frame(*networks)), ["rooms"])
    assert polygons(figure.axes[0]) == {
        "ImageNet-1K, single-task  0": [0, 0, 0],
        "ImageNet-1K  +10.00": [10, 10, 10],
        "SAM  +10.00": [10, 10, 10],
    }


@pytest.mark.parametrize(("draw", "target"), [(draw_initializations, "table4"), (draw_architectures, "figure4-runs")])
def test_without_networks_there_is_nothing_to_draw(make_sources, draw, target):
    with pytest.raises(MissingRunsError, match=f"make {target} DATASET=rooms"):
        draw(make_sources(), ["rooms"])


@pytest.fixture(scope="module")
def paper(pytestconfig):
    return read_sources(pytestconfig.rootpath / "results")


def test_papers_initializations_have_their_printed_delta(paper):
    figure = draw_initializations(paper, ["NYUD-v2", "PASCAL-Context"])
    nyud, pascal = ([text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes[:2])
    assert figure.axes[0].get_title() == "NYUD-v2, paper"
    assert nyud[1:] == [
        "ImageNet-1K  −3.66",
        "ImageNet-21K  +3.26",
        "ImageNet-22K  +4.35",
        "CLIP  +7.72",
        "SAM  +6.52",
        "DINO  +1.31",
        "DINO-v2  +17.56",
    ]
    assert len(pascal) == 8


def test_papers_architectures_are_drawn_from_its_table_and_quoted_from_its_text(paper):
    figure = draw_architectures(paper, ["NYUD-v2"])
    resnet, hrnet, vit = figure.axes[:3]
    drawn = resnet.get_legend().get_texts()[1].get_text(), resnet.lines[-4].get_ydata().tolist()
    assert drawn == ("Vanilla, Uniform  −2.93", pytest.approx([0.81, 1.33, -6.52, -7.32, 0.81], abs=0.05))
    assert hrnet.texts[0].get_text().endswith("MTI-Net modules, Single-task\nΔm vs vanilla single-task\n+3.45 %")
    assert "−6.77 % points" in vit.texts[0].get_text()
