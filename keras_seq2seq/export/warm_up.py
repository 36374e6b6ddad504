"""The requests that TensorFlow Serving runs before it answers others."""

import os
from pathlib import Path

import tensorflow as tf

# Where TensorFlow Serving looks for the requests in a SavedModel.
PATH = Path("assets.extra", "tf_serving_warmup_requests")


def write_warm_up(path: Path, name: str, lines: list[str]):
    """Writes one request for each signature.

    The file contains records of the message `PredictionLog` from the package
    tensorflow-serving-api, which depends on TensorFlow. Only these fields are needed:

    ```
    PredictionLog {PredictLog predict_log = 6}
    PredictLog {PredictRequest request = 1}
    PredictRequest {ModelSpec model_spec = 1; map<string, TensorProto> inputs = 2}
    ModelSpec {string name = 1; string signature_name = 3}
    ```

    Args:
        path: The directory of the SavedModel.
        name: The name of the model.
        lines: The text to translate.
    """
    tensor = tf.make_tensor_proto(lines, tf.string, shape=[len(lines)]).SerializeToString()
    # An entry of a map is a message with a key and a value.
    text = _field(1, b"text") + _field(2, tensor)
    file = path / PATH
    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature in ("serving_default", "details"):
            specification = _field(1, os.fsencode(name)) + _field(3, signature.encode())
            request = _field(1, specification) + _field(2, text)
            writer.write(_field(6, _field(1, request)))


def _field(number: int, content: bytes) -> bytes:
    """Encodes a field of type string, bytes or message as Protocol Buffers do."""
    kind = 2  # Preceded by its length.
    return _varint(number << 3 | kind) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Encodes an integer as a varint: groups of 7 bits, lowest first, each but the last flagged."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
