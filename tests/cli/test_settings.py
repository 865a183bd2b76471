import pytest

from mtl.cli.settings import likeness


@pytest.mark.parametrize(
    ("key", "near", "far"),
    [
        ("recipe.learning_rate", "recipe.optimizer.lr", "recipe.evaluate"),
        ("batch_size", "recipe.batch_size", "dataset.seed"),
        ("recipe.bs", "recipe.batch_size", "recipe.steps"),
        ("recip.clip", "recipe.clip", "recipe.power"),
        ("recipe.epochs", "dataset.epochs", "recipe.steps"),
    ],
)
def test_misspelt_shortened_or_misplaced_key_is_most_like_the_one_that_is_meant(key, near, far):
    assert likeness(key, near) > max(0.6, likeness(key, far))
