import pytest

from keras_seq2seq.errors import UserError
from keras_seq2seq.tuning.distributed import Role


@pytest.fixture
def set_environment(monkeypatch):
    def set_variables(worker="", ip="", port=""):
        monkeypatch.setenv("KERASTUNER_TUNER_ID", worker)
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", ip)
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", port)

    return set_variables


def test_without_the_variables_a_process_is_alone(set_environment):
    set_environment()
    role = Role.from_environment()
    assert (role.address, role.is_chief, role.is_worker) == (None, False, False)


def test_the_name_tells_chief_and_worker_apart(set_environment):
    set_environment("chief", "10.0.0.1", "8000")
    assert Role.from_environment().address == "10.0.0.1:8000"
    assert Role.from_environment().is_chief and not Role.from_environment().is_worker
    set_environment("tuner3", "10.0.0.1", "8000")
    assert Role.from_environment().is_worker and not Role.from_environment().is_chief


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (("chief", "10.0.0.1", ""), "KERASTUNER_ORACLE_PORT not set"),
        (("", "10.0.0.1", "8000"), "KERASTUNER_TUNER_ID not set"),
        (("chief", "10.0.0.1", "http"), 'expected a port such as 8000, got "http"'),
        (("chief", "10.0.0.1", "70000"), 'got "70000"'),
    ],
)
def test_half_an_address_is_an_error(set_environment, variables, message):
    set_environment(*variables)
    with pytest.raises(UserError, match=message):
        Role.from_environment()
