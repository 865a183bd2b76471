import pytest

from mtl.cli.ending import as_list


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("logger=csv,wandb", "logger=[csv,wandb]"),
        ("+logger=wandb, mlflow", "+logger=[wandb,mlflow]"),
        ("logger=[csv],[csv,wandb]", "logger=[csv,csv,wandb]"),
        ("logger=choice(csv,wandb)", "logger=[choice,csv,wandb]"),  # no such logger
        ("logger=glob(*)", "logger=[glob,*]"),  # likewise
        *(
            (word, word)
            for word in ("logger=wandb", "logger=[csv,wandb]", "logger=[]", "weighter=uniform,avgnorm", "-m")
        ),
        ("logger.wandb.project=a,b", "logger.wandb.project=a,b"),
    ],
)
def test_loggers_are_a_list_and_never_a_sweep(word, wanted):
    assert as_list(word) == wanted
