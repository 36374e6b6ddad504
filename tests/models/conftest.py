import keras
import pytest


@pytest.fixture(autouse=True)
def seed():
    """Makes weights and dropout the same in every run and every order of the tests."""
    keras.utils.set_random_seed(1)
