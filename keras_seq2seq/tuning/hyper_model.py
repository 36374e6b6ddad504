"""A configuration as KerasTuner's hyper-model."""

import tempfile
from pathlib import Path

import keras
import keras_tuner

from keras_seq2seq.config import Config
from keras_seq2seq.training import TrainingPlan, plan_training
from keras_seq2seq.training.batches import dev_batches, train_batches
from keras_seq2seq.training.plan import compile_model
from keras_seq2seq.tuning.search_space import SearchSpace


class Seq2SeqHyperModel(keras_tuner.HyperModel):
    """Models of a configuration and a search space, for KerasTuner's own tuners in scripts.

    All that a configuration holds can be searched, batch size and buckets too. The tuner decides
    on epochs, checkpoints and directories, as with any other hyper-model; `run_search` trains each
    trial in a model directory instead.

    Args:
        config: The configuration with its data files. Its `train_steps` and `train_epochs` have
            no effect: the tuner says how many epochs there are.
        space: The options to search.

    Raises:
        UserError: If the options do not go together.

    Example:
        >>> hyper_model = Seq2SeqHyperModel(config, load_space("space.yaml"))
        >>> objective = keras_tuner.Objective("val_perplexity", "min")
        >>> tuner = keras_tuner.Hyperband(hyper_model, objective, max_epochs=9, directory="search")
        >>> tuner.search()
        >>> hyper_model.config_for(tuner.get_best_hyperparameters()[0]).save("best.yaml")
    """

    def __init__(self, config: Config, space: SearchSpace, name=None, tunable=True):
        super().__init__(name=name, tunable=tunable)
        space.check(config)
        self.config = config
        self.space = space

    def declare_hyperparameters(self, hp: keras_tuner.HyperParameters):
        """Tells the tuner the options, so that no model need be built for it."""
        hp.merge(self.space.to_keras_tuner())

    def config_for(self, hp: keras_tuner.HyperParameters) -> Config:
        """Returns the configuration with the values of a trial, for `train`."""
        return self.space.config_for(self.config, self.space.decode(hp.values))

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Returns the compiled model of a trial."""
        plan = self._plan(hp)
        compile_model(plan)
        return plan.model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, **kwargs):
        """Trains the model of a trial on the data of the configuration.

        Args:
            hp: The values of the trial.
            model: What `build` returned.
            **kwargs: Those of `keras.Model.fit`, such as `epochs` and `callbacks`.

        Returns:
            The history.
        """
        plan = self._plan(hp)
        first_step = kwargs.get("initial_epoch", 0) * plan.steps
        return model.fit(
            train_batches(plan, first_step),
            validation_data=dev_batches(plan),
            steps_per_epoch=plan.steps,
            shuffle=False,  # the data comes shuffled
            **kwargs,
        )

    def _plan(self, hp: keras_tuner.HyperParameters) -> TrainingPlan:
        epoch = {"train_epochs": 1, "train_steps": None}
        config = self.config_for(hp).model_copy(update=epoch)
        # Nothing is written there.
        return plan_training(config, Path(tempfile.gettempdir()) / "keras-seq2seq-unused")
