"""A hypermodel for KerasTuner's own tuners."""

import tempfile
from dataclasses import replace
from pathlib import Path
from weakref import WeakSet

import keras
import keras_tuner

from keras_seq2seq.building.model import make_learning_rate
from keras_seq2seq.config import Config
from keras_seq2seq.config.optimizer import NEVER
from keras_seq2seq.models import steps_taken
from keras_seq2seq.models.training import inner_optimizer
from keras_seq2seq.training import TrainingPlan, plan_training
from keras_seq2seq.training.plan import compile_model, with_seed
from keras_seq2seq.training.run_data import dev_batches, train_batches
from keras_seq2seq.tuning.search_space import SearchSpace


class Seq2SeqHyperModel(keras_tuner.HyperModel):
    """A hypermodel built from a configuration and a search space, for use with KerasTuner.

    The search space may include any option of the configuration, such as the batch size and the
    buckets. The tuner manages epochs, checkpoints and directories, as for any hypermodel, whereas
    `run_search` trains each trial in a model directory. A cosine decay of the learning rate ends
    with the last epoch. If a trial is run several times (`executions_per_trial`), each run has its
    own initial weights and order of the data, and all runs have the same tokenizers and dev data.

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
        # The trial of the latest `build`: its values, its plan, and how often it has been trained.
        self._values: dict | None = None
        self._plan: TrainingPlan | None = None
        self._runs = 0
        self._optimizers = WeakSet()

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
        if hp.values != self._values:
            plan = self._plan_trial(hp)
            self._values, self._runs = dict(hp.values), 0
        else:
            plan = with_seed(self._plan, (self.config.seed + self._runs) % 2**32)
        compile_model(plan)
        self._optimizers.add(inner_optimizer(plan.model.optimizer))
        # Without the model, which the tuner frees before it builds the next one.
        self._plan = replace(plan, model=None)
        return plan.model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, **kwargs):
        """Trains the model of a trial on the data of the configuration.

        Args:
            hp: The hyperparameters of the trial.
            model: The model from `build`.
            **kwargs: Arguments of `keras.Model.fit`, such as `epochs` and `callbacks`.

        Returns:
            The Keras `History`.

        Raises:
            UserError: If a cosine decay of the learning rate would start after the last epoch.
        """
        if hp.values != self._values:
            self.build(hp)
        self._runs += 1
        plan = self._plan
        steps = plan.batching.steps_per_epoch(plan.train_summary.lengths)
        first_step = kwargs.get("initial_epoch", 0) * steps
        self._set_learning_rate(model, first_step, kwargs.get("epochs", 1) * steps)
        return model.fit(
            train_batches(plan, first_step),
            validation_data=dev_batches(plan),
            steps_per_epoch=steps,
            shuffle=False,  # the dataset is shuffled already
            **kwargs,
        )

    def _set_learning_rate(self, model: keras.Model, first_step: int, last_step: int):
        """Lets the learning rate decay until the end of training, if it does so in `train`."""
        optimizer = inner_optimizer(model.optimizer)
        is_cosine = self._plan.config.hparams.optimizer.lr_decay_type == "cosine"
        # The tuner may have replaced the optimizer.
        if is_cosine and optimizer in self._optimizers:
            optimizer.learning_rate = make_learning_rate(self._plan.config, last_step)
            # Hyperband loads the state of the best epoch, not of the last one.
            steps_taken(optimizer).assign(first_step)
            model.train_function = None  # It contains the schedule.

    def _plan_trial(self, hp: keras_tuner.HyperParameters) -> TrainingPlan:
        # Only `fit` knows the number of epochs.
        length = {"train_epochs": None, "train_steps": NEVER}
        config = self.config_for(hp).model_copy(update=length)
        # Planning requires a directory, but nothing is written to it.
        return plan_training(config, Path(tempfile.gettempdir()) / "keras-seq2seq-unused")
