"""Creating or restoring the oracle of a search, and tidying up after each trial."""

from keras_tuner.engine.oracle import Oracle

from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning.oracles import Budget, HyperbandOracle
from keras_seq2seq.tuning.search_directory import completed
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import FAILED


def open_oracle(plan: SearchPlan, budget: Budget, workers_may_live: bool = False) -> Oracle:
    """Creates the oracle of a search and restores the state of earlier starts.

    After each trial, the oracle updates `best/` and removes weights that are no longer needed.

    Args:
        plan: The search.
        budget: The time budget. The time taken by earlier starts is added to it.
        workers_may_live: Boolean, as in `CrashSafe.reload`.

    Returns:
        The oracle.

    Raises:
        UserError: If the saved state is damaged or incomplete.
    """
    oracle = plan.make_oracle(budget, on_end=lambda: tidy(plan, oracle))
    oracle._set_project_dir(plan.directory.path, plan.directory.trials_path.name)
    if plan.directory.oracle_path.exists():
        try:
            oracle.reload(workers_may_live)
        # KerasTuner parses its files without checks, so that damage raises errors of any type.
        except Exception as error:
            raise UserError(
                f"{plan.directory.trials_path}: cannot resume the search, since oracle.json or the "
                f"trial.json of a trial is damaged ({type(error).__name__}: {error}); restore them "
                "from a backup, or start over with --resume never"
            ) from error
    elif plan.directory.has_trials():
        raise UserError(
            f"{plan.directory.oracle_path}: no such file, although there are trials; restore it "
            "from a backup, or start over with --resume never"
        )
    if not workers_may_live:
        plan.directory.stop_running()
    oracle.save()
    return oracle


def tidy(plan: SearchPlan, oracle: Oracle):
    """Updates `best/` and removes the weights of all but the best trials.

    Unfinished trials, and trials that may be promoted to a higher rung, keep their weights.

    Args:
        plan: The search.
        oracle: The oracle of the search.
    """

    def rank(record):
        # On a tie, the earlier trial, which may have been trained for less time.
        return plan.objective.sort_key(record.objective), int(record.trial)

    records = plan.records()
    rated = [record for record in records if record.objective is not None]
    candidates = [
        record for record in rated if record.status != FAILED and plan.directory.has_model(record)
    ]
    plan.directory.update_best(min(candidates, key=rank, default=None))
    # The trial of the higher rung has a copy of the state of a promoted trial.
    promoted = {record.continues for record in completed(records)}
    ended = [record for record in completed(rated) if record.trial not in promoted]
    kept = {record.trial for record in sorted(ended, key=rank)[: plan.keep_trials]}
    for trial in oracle.unfinished_trials():
        kept |= {trial.trial_id, trial.hyperparameters.values.get("tuner/trial_id")}
    if isinstance(oracle, HyperbandOracle):
        kept |= oracle.promotable_trials()
    plan.directory.remove_weights(kept)
