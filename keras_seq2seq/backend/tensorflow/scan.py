"""The loop over time, and its gradient."""

from typing import NamedTuple

import keras
import tensorflow as tf
from keras.tree import flatten, pack_sequence_as

from keras_seq2seq.backend.tensorflow.products import recorder_in_use
from keras_seq2seq.backend.tensorflow.tracing import exporting, weights_are_frozen


def scan(step, states, inputs, keep, constants=(), weights=(), go_backwards=False):
    """Runs `states = step(inputs[t], states, constants)` over the leading axis, time, of inputs.

    TensorFlow's gradient of a loop adds up the gradient of each kernel step by step. Here, the
    gradient is a loop that computes each step again except its `matmul`s, whose results are kept,
    and the gradient of a kernel is one product over all steps, after the loop.

    Args:
        step: Function of one time step of the inputs, `(batch, ...)`, the states and the
            constants, returning the new states. Gradients flow to its arguments and to `weights`,
            and to nothing else that it reads.
        states: Nested structure of tensors `(batch, ...)`, the states before the first step.
        inputs: List of tensors `(time, batch, ...)`.
        keep: Function of the states, returning the nested structure of those to return for every
            step.
        constants: Nested structure of tensors.
        weights: List of the variables that the step reads.
        go_backwards: Boolean, whether to start with the last time step.

    Returns:
        The states after the last step, and the kept ones after each step, `(time, batch, ...)`,
        aligned with the inputs.
    """
    loop = _Loop(step, states, len(inputs), constants, weights, go_backwards)
    arguments = [*flatten(states), *inputs, *flatten(constants), *weights]
    arguments = [tf.convert_to_tensor(argument) for argument in arguments]
    if exporting.value:
        return loop.run_forward(arguments, keep)
    count = len(flatten(states))
    kept = flatten(keep(pack_sequence_as(states, list(range(count)))))

    def run(*arguments):
        final_states, trace, recording = loop.run(arguments)

        def gradient(*upstream):
            if _is_being_saved():
                return loop.run_again_and_back(arguments, kept, upstream)
            d_kept = list(zip(kept, upstream[count:], strict=True))
            return loop.run_back(arguments, trace, recording, upstream[:count], d_kept)

        return [*final_states, *(loop.all_states(trace, place) for place in kept)], gradient

    if weights_are_frozen():
        results, _ = run(*arguments)
    else:
        results = tf.custom_gradient(run)(*arguments)
    final_states = pack_sequence_as(states, results[:count])
    return final_states, pack_sequence_as(keep(states), results[count:])


def _is_being_saved():
    """Returns whether a custom gradient is being traced for a SavedModel.

    Such a gradient must not refer to tensor arrays, which a SavedModel cannot store. TensorFlow
    traces it as a function of its own, which is known only by its name; a test of `model.export`
    fails if that name changes.
    """
    return getattr(tf.compat.v1.get_default_graph(), "name", "").startswith("internal_grad_fn")


class _Trace(NamedTuple):
    """What a loop keeps for its gradient: a tensor array for each state and each product.

    Attributes:
        states: The states before and after each step.
        features: The features of the products of each step.
        results: The products of each step.
    """

    states: dict
    features: dict
    results: dict


class _Loop:
    """The loop as a function of a flat list of tensors: states, inputs, constants and weights.

    The first step is computed before `tf.while_loop`, to find its products; so is the first step of
    the gradient, to find what has a gradient. Dictionaries map the numbers of those that have.
    """

    def __init__(self, step, states, inputs, constants, weights, go_backwards):
        self._step, self._go_backwards = step, go_backwards
        self._states, self._constants, self._weights = states, constants, weights
        self._sizes = [len(flatten(states)), inputs, len(flatten(constants)), len(weights)]

    def run(self, arguments):
        """Returns the states after the last step, the trace, and the recording of one step."""
        states, inputs, constants, weights = self._split(arguments)
        length = tf.shape(inputs[0])[0]

        def advance(index, states, make_recorder):
            time = self._time(index, length)
            now = [tensor[time] for tensor in inputs]
            return self._advance([*states, *now, *constants, *weights], make_recorder)

        def write(index, states, recording, trace):
            place, time = self._place(index + 1, length), self._time(index, length)
            return _Trace(
                _write(trace.states, place, _numbered(states)),
                _write(trace.features, time, _numbered(recording.features)),
                _write(trace.results, time, _numbered(recording.results)),
            )

        def body(index, states, *arrays):
            # Kernels have been cast by the first step.
            states, recording = advance(
                index, states, lambda kernels, _: Recording(kernels, first.tensors)
            )
            return index + 1, states, *write(index, states, recording, _Trace(*arrays))

        new_states, first = advance(0, states, Recording)
        trace = _Trace(
            _arrays(length + 1, _numbered(new_states)),
            _arrays(length, _numbered(first.features)),
            _arrays(length, _numbered(first.results)),
        )
        written = _write(trace.states, self._place(0, length), _numbered(states))
        trace = write(0, new_states, first, trace._replace(states=written))
        _, final_states, *arrays = tf.while_loop(
            lambda index, *_: index < length, body, (1, new_states, *trace)
        )
        return final_states, _Trace(*arrays), first

    def run_forward(self, arguments, keep):
        """Returns what `scan` returns, in a graph without gradients."""
        states, inputs, constants, weights = self._split(arguments)
        # Arrays are written from the start, since converters ignore other orders.
        if self._go_backwards:
            inputs = [tf.reverse(tensor, [0]) for tensor in inputs]
        length = tf.shape(inputs[0])[0]

        def kept(states):
            return _numbered(flatten(keep(pack_sequence_as(self._states, states))))

        def body(index, states, arrays):
            # Faster than a slice in LiteRT.
            now = [tf.gather(tensor, index) for tensor in inputs]
            after, _ = self._advance([*states, *now, *constants, *weights], Recording)
            for new, old in zip(after, states, strict=True):
                new.set_shape(old.shape)
            return index + 1, after, _write(arrays, index, kept(after))

        loop_vars = (0, states, _arrays(length, kept(states)))
        _, final, arrays = tf.while_loop(lambda index, *_: index < length, body, loop_vars)
        stacked = [array.stack() for _, array in sorted(arrays.items())]
        if self._go_backwards:
            stacked = [tf.reverse(tensor, [0]) for tensor in stacked]
        return (
            pack_sequence_as(self._states, final),
            pack_sequence_as(keep(self._states), stacked),
        )

    def all_states(self, trace, number):
        """Returns a state after each step, aligned with the inputs."""
        states = trace.states[number].stack()
        return states[:-1] if self._go_backwards else states[1:]

    def run_back(self, arguments, trace, recording, d_states, d_kept):
        """Returns the gradients of the arguments, those without one `None`.

        Args:
            arguments: The arguments of `run`.
            trace: The trace that it returned.
            recording: The recording that it returned.
            d_states: The gradients of the states after the last step.
            d_kept: Pairs of the number of a state and its gradients after each step.
        """
        states, inputs, constants, weights = self._split(arguments)
        length = tf.shape(inputs[0])[0]
        shared = [*constants, *weights]
        # Once, since a product reads a matrix more slowly by columns.
        transposed = [
            tf.linalg.matrix_transpose(recording.tensors[place]) for place in recording.used
        ]

        def step_back(index, d_states):
            time = self._time(index, length)
            place = self._place(index, length)
            before = [array.read(place) for _, array in sorted(trace.states.items())]
            now = [tensor[time] for tensor in inputs]
            results = [array.read(time) for _, array in sorted(trace.results.items())]
            for number, d_all in d_kept:
                d_states = {**d_states, number: d_states[number] + d_all[time]}
            local = [tf.identity(tensor) for tensor in (*before, *now, *shared)]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([tensor for tensor in local if tensor.dtype.is_floating])
                after, replay = self._advance(
                    local, lambda kernels, _: Replay(kernels, results, transposed)
                )
            gradients = tape.gradient(
                [after[number] for number in d_states], local, list(d_states.values())
            )
            d_before, d_now, *d_shared = self._split(gradients)
            zeros = {number: tf.zeros_like(before[number]) for number in d_states}
            d_before = {**zeros, **_numbered(d_before)}
            return d_before, _numbered(d_now), _numbered(sum(d_shared, [])), replay.gradients

        def body(index, d_states, d_inputs, d_shared, d_results):
            d_states, d_now, d_more, d_results_now = step_back(index, d_states)
            time = self._time(index, length)
            d_inputs = _write(d_inputs, time, d_now)
            d_shared = {number: d + d_more[number] for number, d in d_shared.items()}
            d_results = _write(d_results, time, d_results_now)
            return index - 1, d_states, d_inputs, d_shared, d_results

        d_states = {number: d for number, d in _numbered(d_states).items() if d.dtype.is_floating}
        d_states, d_now, d_shared, d_results = step_back(length - 1, d_states)
        time = self._time(length - 1, length)
        d_inputs = _write(_arrays(length, d_now), time, d_now)
        d_results = _write(_arrays(length, d_results), time, d_results)
        _, d_states, d_inputs, d_shared, d_results = tf.while_loop(
            lambda index, *_: index >= 0,
            body,
            (length - 2, d_states, d_inputs, d_shared, d_results),
        )
        for number, d_result in d_results.items():
            place = recording.used[number]
            d_kernel = kernel_gradient(
                trace.features[number].stack(), d_result.stack(), shared[place].shape.rank
            )
            d_kernel = tf.cast(d_kernel, shared[place].dtype)
            d_shared[place] = d_shared[place] + d_kernel if place in d_shared else d_kernel
        d_inputs = {number: array.stack() for number, array in d_inputs.items()}
        return [
            *map(d_states.get, range(len(states))),
            *map(d_inputs.get, range(len(inputs))),
            *map(d_shared.get, range(len(shared))),
        ]

    def run_again_and_back(self, arguments, kept, upstream):
        """Returns the gradients of the arguments, as TensorFlow differentiates another run.

        Args:
            arguments: The arguments of `run`.
            kept: The numbers of the states that are kept.
            upstream: The gradients of the states after the last step and of the kept states.
        """
        arguments = [tf.identity(tensor) for tensor in arguments]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([tensor for tensor in arguments if tensor.dtype.is_floating])
            states, inputs, constants, weights = self._split(arguments)
            length = tf.shape(inputs[0])[0]

            def body(index, states, arrays):
                time = self._time(index, length)
                now = [tensor[time] for tensor in inputs]
                states, _ = self._advance([*states, *now, *constants, *weights], Recording)
                return index + 1, states, _write(arrays, time, states)

            _, final_states, arrays = tf.while_loop(
                lambda index, *_: index < length,
                body,
                (0, states, _arrays(length, {number: states[number] for number in kept})),
            )
            all_states = [arrays[number].stack() for number in kept]
        return tape.gradient([*final_states, *all_states], arguments, list(upstream))

    def _advance(self, arguments, make_recorder):
        """Computes one step. Returns the new states and the recorder of its products."""
        states, inputs, constants, weights = self._split(arguments)
        recorder = make_recorder([*constants, *self._weights], [*constants, *weights])
        values = list(zip(self._weights, weights, strict=True))
        with keras.StatelessScope(values), recorder_in_use.set_to(recorder):
            states = self._step(
                inputs,
                pack_sequence_as(self._states, states),
                pack_sequence_as(self._constants, constants),
            )
        return flatten(states), recorder

    def _split(self, arguments):
        """Returns states, inputs, constants and weights."""
        parts, begin = [], 0
        for size in self._sizes:
            parts.append(list(arguments[begin : begin + size]))
            begin += size
        return parts

    def _time(self, index, length):
        """Returns the time of the `index`-th step."""
        return length - 1 - index if self._go_backwards else index

    def _place(self, index, length):
        """Returns the position in the trace of the states before the `index`-th step."""
        return length - index if self._go_backwards else index


def _numbered(values):
    return {number: value for number, value in enumerate(values) if value is not None}


def _arrays(size, like):
    return {
        number: tf.TensorArray(
            tensor.dtype, size, element_shape=tensor.shape, clear_after_read=False
        )
        for number, tensor in like.items()
    }


def _write(arrays, place, tensors):
    return {number: array.write(place, tensors[number]) for number, array in arrays.items()}


class Recording:
    """Computes the products of a step, and keeps their operands and results.

    Args:
        kernels: The constants and weights, as the step refers to them.
        tensors: Their values as tensors, or the `tensors` of a recording of the same step.

    Attributes:
        tensors: The tensors; kernels of products are cast to the dtype of the features.
        used: The index of the kernel of each product.
        features: The features of each product.
        results: The products.
    """

    def __init__(self, kernels, tensors):
        self.indices = {id(kernel): place for place, kernel in enumerate(kernels)}
        self.tensors = list(tensors)
        self.used, self.features, self.results = [], [], []

    def multiply(self, features, place):
        self.tensors[place] = tf.cast(self.tensors[place], features.dtype)
        result = tf.matmul(features, self.tensors[place])
        self.used.append(place)
        self.features.append(features)
        self.results.append(result)
        return result


class Replay:
    """Returns the products that a `Recording` of the same step kept, and collects their gradients.

    No gradient flows to the kernels: it is computed from the features and gradients of all steps.

    Args:
        kernels: The constants and weights, as the step refers to them.
        results: The products, in the order of the step.
        transposed: The kernel of each product, transposed.

    Attributes:
        gradients: The gradient of each product that has one, by its number, once a tape has
            computed gradients.
    """

    def __init__(self, kernels, results, transposed):
        self.indices = {id(kernel): place for place, kernel in enumerate(kernels)}
        self._products = iter(enumerate(zip(results, transposed, strict=True)))
        self.gradients = {}

    def multiply(self, features, place):
        number, (result, transposed) = next(self._products)

        @tf.custom_gradient
        def replay(features):
            def gradient(upstream):
                self.gradients[number] = upstream
                return tf.matmul(upstream, transposed)

            return tf.identity(result), gradient

        return replay(features)


def kernel_gradient(features, gradients, rank):
    """Returns the gradient of a kernel from all its products, `(time, ..., rows, size)` each.

    Args:
        features: The features of the products, stacked.
        gradients: The gradients of the products, stacked.
        rank: Integer, the rank of the kernel: 2, or 3 if each sequence has a kernel of its own.
    """
    if rank == 2:
        features = tf.reshape(features, (-1, features.shape[-1]))
        gradients = tf.reshape(gradients, (-1, gradients.shape[-1]))
        return tf.matmul(features, gradients, transpose_a=True)
    return tf.einsum("tbrs,tbrc->bsc", features, gradients)
