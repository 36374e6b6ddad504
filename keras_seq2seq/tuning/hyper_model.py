"""A hypermodel for KerasTuner's own tuners."""

import tempfile
from pathlib import Path

import keras
import keras_tuner

from keras_seq2seq.config import Config
from keras_seq2seq.training import TrainingPlan, plan_training
from keras_seq2seq.training.plan import compile_model
from keras_seq2seq.training.run_data import dev_batches, train_batches
from keras_seq2seq.tuning.search_space import SearchSpace


class Seq2SeqHyperModel(keras_tuner.HyperModel):
    """A hypermodel built from a configuration and a search space, for use with KerasTuner.

    The search space may include any option of the configuration, such as the batch size and the
    buckets. The tuner manages epochs, checkpoints and directories, as for any hypermodel, whereas
    `run_search` trains each trial in a model directory.

    Args:
        config: The configuration, including the data files. Its `train_steps` and `train_epochs`
            are ignored, as the tuner chooses the number of epochs.
        space: The search space.
        name: String, the name of the hypermodel.
        tunable: Boolean, as in `keras_tuner.HyperModel`.

    Raises:
        UserError: If the options are incompatible.

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
        """Declares the search space, which spares the tuner from building a model for it."""
        hp.merge(self.space.to_keras_tuner())

    def config_for(self, hp: keras_tuner.HyperParameters) -> Config:
        """Returns the configuration of a trial.

        Args:
            hp: The hyperparameters of the trial.
        """
        return self.space.config_for(self.config, self.space.decode(hp.values))

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Builds and compiles the model of a trial.

        Args:
            hp: The hyperparameters of the trial.
        """
        plan = self._plan(hp)
        compile_model(plan)
        return plan.model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, **kwargs):
        """Trains the model of a trial on the data of the configuration.

        Args:
            hp: The hyperparameters of the trial.
            model: The model from `build`.
            **kwargs: Arguments of `keras.Model.fit`, such as `epochs` and `callbacks`.

        Returns:
            The Keras `History`.
        """
        plan = self._plan(hp)
        first_step = kwargs.get("initial_epoch", 0) * plan.steps
        return model.fit(
            train_batches(plan, first_step),
            validation_data=dev_batches(plan),
            steps_per_epoch=plan.steps,
            shuffle=False,  # the dataset is shuffled already
            **kwargs,
        )

    def _plan(self, hp: keras_tuner.HyperParameters) -> TrainingPlan:
        epoch = {"train_epochs": 1, "train_steps": None}
        config = self.config_for(hp).model_copy(update=epoch)
        # Planning requires a directory, but nothing is written to it.
        return plan_training(config, Path(tempfile.gettempdir()) / "keras-seq2seq-unused")
