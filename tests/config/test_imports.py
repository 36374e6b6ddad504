import subprocess
import sys


def test_configuration_needs_no_tensorflow():
    program = (
        "import sys, keras_seq2seq.config; "
        "print(sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr
