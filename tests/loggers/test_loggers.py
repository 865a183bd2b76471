import csv
import math

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mtl.loggers import ConsoleLogger, CSVLogger, TensorBoardLogger


def test_csv_keeps_series_apart_and_leaves_nan_empty(tmp_path):
    logger = CSVLogger(tmp_path, "run", 10, {})
    logger.log("gradients", 1, {"weight/depth": 1.5})
    logger.log("metrics", 5, {"val/depth/rmse": 0.25, "val/delta_m": math.nan})
    logger.log("gradients", 2, {"weight/depth": 2.5})
    on_disk = (tmp_path / "gradients.csv").read_text()
    logger.close()
    assert on_disk.splitlines() == ["step,weight/depth", "1,1.5", "2,2.5"]
    (row,) = csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines())
    assert row == {"step": "5", "val/depth/rmse": "0.25", "val/delta_m": ""}


def test_console_shows_metrics_and_the_time_left(tmp_path, capsys):
    logger = ConsoleLogger(tmp_path, "uniform", 20, {})
    for step in range(1, 21):
        logger.progress(step)
    logger.log("gradients", 20, {"weight/depth": 1.5})
    logger.log("metrics", 20, {"train/mean_loss/depth": 1.0, "val/depth/rmse": 0.25, "val/delta_m": math.nan})
    logger.log("metrics", 20, {"val/depth/rmse": 0.25, "val/depth/abs_rel": 0.1, "val/delta_m": 1.5})
    logger.close()
    lines = capsys.readouterr().err.splitlines()
    assert sum("left" in line for line in lines) == 10
    assert lines[-2:] == ["uniform: step 20: depth/rmse 0.25", "uniform: step 20: depth/rmse 0.25, delta_m 1.5"]


def test_console_prints_a_line_for_every_minute_of_an_evaluation(tmp_path, capsys, monkeypatch):
    logger = ConsoleLogger(tmp_path, "uniform", 20, {})
    for second, done in ((0, 1), (30, 5), (90, 13), (100, 14), (200, 20)):
        monkeypatch.setattr("mtl.loggers.console.time.monotonic", lambda second=second: 1000 + second)
        logger.evaluating(done, 20)
    logger.evaluating(1, 20)
    assert capsys.readouterr().err.splitlines() == ["uniform: evaluates batch 13/20, 0:00:52 left"]
    logger.close()
    logger.evaluating(2, 20)  # of the test split, after training


def test_tensorboard_holds_every_finite_number(tmp_path):
    logger = TensorBoardLogger(tmp_path, "run", 10, {})
    logger.log("metrics", 5, {"val/depth/rmse": 0.25, "val/delta_m": math.nan})
    logger.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["scalars"] == ["val/depth/rmse"]
    assert events.Scalars("val/depth/rmse")[0].step == 5


def test_resumed_log_keeps_text_with_commas_and_drops_rows_that_are_not_whole(tmp_path):
    first = CSVLogger(tmp_path, "a", 9, {})
    for step in (1, 2):
        first.log("metrics", step, {"epoch": 0.5, "presets": "a, b"})
    first.close()
    whole = (tmp_path / "metrics.csv").read_text()
    (tmp_path / "metrics.csv").write_text(whole + "3,0.5\n4,0.")
    again = CSVLogger(tmp_path, "a", 9, {})
    again.resume(5)
    again.close()
    assert (tmp_path / "metrics.csv").read_text() == whole
