"""Every invalid call gets one line that says what to do."""

import pytest
import torch
from networks import network

import mtl
from mtl.weighters import UW, AvgNorm, Fixed, Needs, Uniform, Update, Weighter

ACTIVE = torch.tensor([True, False, True, True])
MISSING = r"such as output\.sum\(\) \* 0, and set its entry of active to False"


def call(change=list, weighter=None, **options):
    """One backward pass of four losses, modified by `change`."""
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    return mtl.backward(change(model.decode(features)), features, weighter or Uniform(4), **options)


def second(value):
    """Replaces the second loss."""
    return lambda losses: [losses[0], value(losses[1]) if callable(value) else value, *losses[2:]]


@pytest.mark.parametrize("active", [None, ACTIVE])
@pytest.mark.parametrize("value", [None, 0.0, torch.tensor(0.0), torch.tensor(0)], ids=repr)
def test_missing_label_says_what_to_give_instead(value, active):
    with pytest.raises(ValueError, match=rf"^losses\[1\] .*{MISSING}$"):
        call(second(value), active=active)
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        with pytest.raises(ValueError, match=rf"^losses\[1\] .*{MISSING}$"):
            call(lambda losses: torch.stack(second(value.double())(losses)), active=active)


def test_what_the_line_says_to_give_for_a_missing_label_works():
    result = call(second(lambda loss: loss * 0), AvgNorm(4), active=ACTIVE, scope="features")
    assert result.active.tolist() == ACTIVE.tolist()
    assert not result.broken.any()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda losses: [loss[None] for loss in losses], r"^losses\[0\] has shape \[1\]: reduce it to a scalar"),
        (second(lambda loss: loss.expand(3, 2)), r"^losses\[1\] has shape \[3, 2\]: reduce"),
        (lambda losses: dict(zip("abcd", losses, strict=True)), r"^losses is a dict: give a list"),
        (lambda losses: (loss for loss in losses), "list of 4 scalars, one per task, got generator"),
        (sum, r"one tensor of shape \[\]: give a list of 4 scalars"),
        (lambda losses: torch.stack(losses)[:, None], r"one tensor of shape \[4, 1\]: give a list"),
        (lambda losses: torch.stack(losses).detach(), r"not a torch\.stack of scalars: give the list of losses"),
        (lambda losses: losses[:3], "3 losses, but the features were cut for 4 tasks"),
        (second(lambda loss: loss.to("meta")), "losses are on cpu and meta: move them to one"),
        (second(lambda loss: loss * torch.tensor(1j)), "complex128: a loss must be a real number"),
    ],
)
def test_losses_that_are_not_scalars_are_refused(change, line):
    with pytest.raises(ValueError, match=line):
        call(change)


def test_losses_of_different_dtypes_are_welcome():
    assert call(second(lambda loss: loss.float()), AvgNorm(4), scope="features").weights.isfinite().all()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"active": [True] * 4}, r"bool tensor of shape \[4\] on cpu, got list"),
        ({"active": torch.ones(4)}, r"bool tensor of shape \[4\] on cpu, got torch.float32"),
        ({"active": ACTIVE[:3]}, r"got torch.bool of shape \[3\]"),
        ({"active": ACTIVE.to("meta")}, "on cpu, got torch.bool .* on meta"),
        ({"scope": "layer"}, "^scope='layer': use features, last_layer, shared"),
        ({"statistics": "layer"}, "^statistics='layer': use features"),
        ({"scale": "mean"}, "^scale='mean': use sum or native"),
        ({"heads": "Raw"}, "^heads='Raw': use weighted or raw"),
        ({"loss_scale": 0.0}, "positive scalar, such as scaler.get_scale"),
        ({"loss_scale": torch.ones(1)}, "positive scalar"),
        ({"loss_scale": torch.amp.GradScaler("cpu")}, "positive scalar"),
        ({"shared": torch.nn.Linear(1, 1)}, r"shared=list\(module.parameters\(\)\), got Linear"),
        ({"shared": torch.nn.Linear(1, 1).weight}, r"list of parameters.* got Parameter"),
        ({"shared": torch.nn.Linear(1, 1).named_parameters()}, r"list of parameters.* of tuple"),
        ({"weighter": Uniform}, r"an object such as Uniform\(num_tasks=\.\.\.\)"),
        ({"weighter": "avgnorm"}, "weighter must be an object"),
        ({"weighter": AvgNorm(4), "scope": "last_layer"}, "last_layer=: the weight"),
        (
            {"weighter": AvgNorm(4), "scope": "last_layer", "last_layer": torch.nn.Linear(1, 1)},
            r"such as layer\.weight",
        ),
        ({"statistics": "last_layer", "last_layer": torch.ones(1)}, "last_layer is not a parameter of the encoder"),
    ],
)
def test_options_are_checked(options, line):
    with pytest.raises(ValueError, match=line):
        call(**options)


@pytest.mark.parametrize("weighter", [Uniform(3), UW(5, 0.0), AvgNorm(3), Fixed(2, [1, 2])], ids=lambda w: str(w)[:-2])
def test_weighter_of_another_number_of_tasks_is_refused(weighter):
    with pytest.raises(ValueError, match=f"built for {weighter.num_tasks} tasks.*num_tasks=4"):
        call(weighter=weighter, scope="features")


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("tasks", [[0, 1, 2, 3], [2]])
def test_head_on_uncut_features_is_refused(tasks, several):
    model, image = network(several=several)
    maps = model.encoder(image)
    features = mtl.cut(maps, 4)
    read = [maps if task in tasks else features[task] for task in range(4)]
    with pytest.raises(
        ValueError, match=rf"losses\[{tasks[0]}\] reads the encoder's output uncut.*features\[{tasks[0]}\]"
    ):
        mtl.backward(model.decode(read), features, Uniform(4))


def test_skip_connection_around_the_cut_is_refused():
    model, image = network()
    inner = model.encoder.stem(image)
    features = mtl.cut(model.encoder.last(model.encoder.middle(inner)), 4)
    losses = model.decode(features)
    losses[3] = losses[3] + inner.square().mean()
    with pytest.raises(ValueError, match=r"losses\[3\] reads the encoder's output uncut.*cut every map"):
        mtl.backward(losses, features, Uniform(4))


@pytest.mark.parametrize("again", ["encoder", "cut"])
@pytest.mark.parametrize("tasks", [[0, 1, 2, 3], [2]])
def test_features_of_another_call_are_refused(tasks, again):
    model, image = network()
    maps = model.encoder(image)
    old, new = mtl.cut(maps, 4), mtl.cut(model.encoder(image) if again == "encoder" else maps, 4)
    losses = model.decode([old[task] if task in tasks else new[task] for task in range(4)])
    del old
    with pytest.raises(ValueError, match=rf"losses\[{tasks[0]}\] comes from the features of another mtl\.cut"):
        mtl.backward(losses, new, Uniform(4))


def test_losses_that_depend_on_no_features_are_refused():
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    with pytest.raises(ValueError, match=r"no loss depends on the features.*cut maps\.detach\(\)"):
        mtl.backward(model.decode([model.encoder(image)] * 4), features, Uniform(4))
    with pytest.raises(ValueError, match=r"features must be what mtl\.cut.*got Tensor"):
        mtl.backward(model.decode(features), model.encoder(image), Uniform(4))
    mtl.backward(model.decode(features), features, Uniform(4))  # a refused call leaves the graph intact


@pytest.mark.parametrize("weighter", [Uniform(4), AvgNorm(4)], ids=lambda w: type(w).__name__)
def test_second_backward_of_the_same_features_is_refused(weighter):
    model, image = network()
    features = mtl.cut(model.encoder(image), 4)
    losses = model.decode(features)
    mtl.backward(losses, features, weighter, scope="features")
    for again in (losses, model.decode(features)):
        with pytest.raises(ValueError, match=r"differentiated already: run the encoder, mtl\.cut and the heads again"):
            mtl.backward(again, features, weighter, scope="features")


def test_features_of_a_frozen_encoder_serve_again_and_again():
    model, image = network()
    features = mtl.cut(model.encoder(image).detach(), 4)
    for _ in range(2):
        mtl.backward(model.decode(features), features, Uniform(4))


def test_features_without_gradients_are_refused():
    model, image = network()
    with torch.no_grad():
        features = mtl.cut(model.encoder(image), 4)
    with pytest.raises(ValueError, match=r"cut under torch\.no_grad\(\)"):
        mtl.backward(model.decode(features), features, Uniform(4))


@pytest.mark.parametrize(
    "maps", [{"c5": torch.ones(1)}, [], None, [torch.ones(1), None], torch.ones(1).long()], ids=str
)
def test_cut_of_something_else_than_maps_is_refused(maps):
    with pytest.raises(ValueError, match=r"such as list\(maps\.values\(\)\), in floating point; got"):
        mtl.cut(maps, 4)


@pytest.mark.parametrize("num_tasks", [0, -1, 2.0, "3"])
def test_cut_for_no_number_of_tasks_is_refused(num_tasks):
    with pytest.raises(ValueError, match="num_tasks must be a whole number, 1 or more"):
        mtl.cut(torch.ones(1), num_tasks)


def test_accumulation_makes_one_update():
    model, image = network()

    def add(accumulation):
        features = mtl.cut(model.encoder(image), 4)
        accumulation.add(model.decode(features), features)

    accumulation = mtl.Accumulation(AvgNorm(4), 2)
    add(accumulation)
    with pytest.raises(ValueError, match="1 of 2 micro-batches added"):
        accumulation.finish()
    add(accumulation)
    with pytest.raises(
        ValueError, match="all 2 micro-batches have been added: create an Accumulation for every update"
    ):
        add(accumulation)
    accumulation.finish()
    with pytest.raises(ValueError, match="finish has already made the update: create an Accumulation"):
        accumulation.finish()
    for parts, mode, line in ((0, "exact", "parts must be a whole number"), (2, "frist", "mode='frist': use exact or")):
        with pytest.raises(ValueError, match=line):
            mtl.Accumulation(Uniform(4), parts, mode)


@pytest.mark.parametrize(
    ("update", "line"),
    [
        (torch.ones(4), "must return an Update, got Tensor"),
        (Update(weights=torch.ones(3)), r"must return weights of shape \[4\], got \[3\]"),
        (Update(weights=[1.0] * 4), r"must return weights of shape \[4\], got list"),
        (Update(weights=torch.ones(4), shared_weights=torch.ones(1)), r"must return shared_weights .*, got \[1\]"),
    ],
)
def test_what_a_weighter_returns_is_checked(update, line):
    class Own(Weighter):
        needs = Needs.LOSSES
        native = "sum"

        def forward(self, losses, gradients=None, active=None):
            return update

    with pytest.raises(ValueError, match=rf"^Own\.forward {line}"):
        call(weighter=Own(4))
