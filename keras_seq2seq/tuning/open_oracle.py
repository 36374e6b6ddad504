"""Opening the oracle of a search, new or saved."""

from keras_tuner.engine.oracle import Oracle

from keras_seq2seq.tuning.oracles import Budget, HyperbandOracle, make_oracle
from keras_seq2seq.tuning.search_directory import completed
from keras_seq2seq.tuning.search_plan import SearchPlan
from keras_seq2seq.tuning.trial_record import FAILED


def open_oracle(plan: SearchPlan, budget: Budget, workers_may_live: bool = False) -> Oracle:
    """Makes the oracle of a search, in the state in which an earlier start has left it.

    After each trial it brings `best/` up to date and removes weights that nobody needs.

    Args:
        plan: The search.
        budget: Its time; it is set to what earlier starts have taken.
        workers_may_live: As in `CrashSafe.reload`.
    """
    oracle = make_oracle(
        plan.tuner,
        plan.objective.to_keras_tuner(),
        plan.space.to_keras_tuner(),
        budget,
        max_trials=plan.max_trials,
        units=plan.units,
        seed=plan.config.seed,
        on_end=lambda: tidy(plan, oracle),
    )
    oracle._set_project_dir(plan.directory.path, plan.directory.trials_path.name)
    if plan.directory.oracle_path.exists():
        oracle.reload(workers_may_live)
    if not workers_may_live:
        plan.directory.stop_running()
    oracle.save()
    return oracle


def tidy(plan: SearchPlan, oracle: Oracle):
    """Brings `best/` up to date, and removes the weights of all but the best trials.

    Those that are not over, and those that may go on in a higher rung, keep theirs.
    """

    def rank(record):
        # Of equals the one that needed less.
        return plan.objective.sort_key(record.objective), int(record.trial)

    records = plan.directory.records()
    rated = [record for record in records if record.objective is not None]
    candidates = [
        record for record in rated if record.status != FAILED and plan.directory.has_model(record)
    ]
    plan.directory.update_best(min(candidates, key=rank, default=None))
    # Who has gone on in a higher rung has left its weights there.
    gone_on = {record.continues for record in completed(records)}
    ended = [record for record in completed(rated) if record.trial not in gone_on]
    kept = {record.trial for record in sorted(ended, key=rank)[: plan.keep_trials]}
    for trial in oracle.unfinished_trials():
        kept |= {trial.trial_id, trial.hyperparameters.values.get("tuner/trial_id")}
    if isinstance(oracle, HyperbandOracle):
        kept |= oracle.promotable_trials()
    plan.directory.remove_weights(kept)
