"""Fakes of wandb and mlflow that keep what they receive and reject what the real packages reject."""

from types import ModuleType, SimpleNamespace


class Service:
    """State of a service: runs by id, with their name, config, status and rows."""

    def __init__(self):
        self.runs = {}

    def rows(self, key: str) -> list[tuple[int, float]]:
        """Step and value of every entry of the key in the only run."""
        (run,) = self.runs.values()
        return [(step, values[key]) for step, values in run.rows if key in values]

    def open(self, run_id: str | None, **about) -> SimpleNamespace:
        """Starts a run."""
        run_id = run_id or f"run{len(self.runs)}"
        run = SimpleNamespace(**{"id": run_id, "rows": [], "params": {}} | about)
        self.runs.setdefault(run_id, run).status = "running"
        return self.runs[run_id]


class FakeWandb(ModuleType):
    """Like wandb, drops an entry whose step does not rise."""

    class Error(Exception):
        pass

    def __init__(self, service: Service, environment: str = "online"):
        super().__init__("wandb")
        self.service, self.refuses = service, environment == "no login"

    def init(self, *, project, group, name, config, dir, id, resume):
        assert (project, resume) == ("mtl", "allow")
        if self.refuses:
            raise self.Error("No API key configured.\nUse `wandb login`.")
        run = self.service.open(id, name=name, group=group, params=config, last=-1)
        return SimpleNamespace(
            id=run.id,
            log=lambda row, step, commit: self._log(run, dict(row), step, commit),
            define_metric=lambda name, step_metric: None,
            finish=lambda exit_code: setattr(run, "status", "failed" if exit_code else "finished"),
        )

    def _log(self, run, row, step, commit):
        assert commit
        if step > run.last:
            run.last = step
            run.rows.append((row.pop("step"), row))


class FakeMLflow(ModuleType):
    """Like MLflow, accepts at most 100 parameters per call, and duplicates of a step of a metric."""

    class MlflowException(Exception):  # noqa: N818  MLflow's name
        pass

    def __init__(self, service: Service, environment: str = "online"):
        super().__init__("mlflow")
        self.service, self.refuses, self.experiments = service, environment == "no login", {}
        self.entities = SimpleNamespace(
            Param=lambda key, value: SimpleNamespace(key=key, value=value),
            Metric=lambda key, value, timestamp, step: SimpleNamespace(key=key, value=value, step=step),
        )

    def MlflowClient(self, uri):
        assert uri.startswith("sqlite:///")
        return self

    def get_experiment_by_name(self, name):
        if self.refuses:
            raise self.MlflowException("API request failed.\nConnection refused")
        return self.experiments.get(name)

    def create_experiment(self, name):
        if self.refuses or name in self.experiments:
            raise self.MlflowException(f"Experiment {name} already exists.")
        self.experiments[name] = SimpleNamespace(experiment_id="1")
        return "1"

    def create_run(self, experiment_id, run_name):
        assert experiment_id == "1"
        return SimpleNamespace(info=SimpleNamespace(run_id=self.service.open(None, name=run_name).id))

    def update_run(self, run_id, status):
        self.service.runs[run_id].status = status.lower()

    def log_batch(self, run_id, metrics=(), params=()):
        assert len(params) <= 100
        run = self.service.runs[run_id]
        for param in params:
            assert len(param.value) <= 6000
            assert run.params.setdefault(param.key, param.value) == param.value
        run.rows += [(metric.step, {metric.key: float(metric.value)}) for metric in metrics]

    def set_terminated(self, run_id, status):
        self.service.runs[run_id].status = {"FINISHED": "finished", "KILLED": "failed"}[status]
