import numpy as np


def weights_of(layer):
    """Returns a layer's weights as float64 arrays by their path below the layer."""
    names = [weight.path.split(f"{layer.name}/", 1)[-1] for weight in layer.weights]
    arrays = [array.astype("float64") for array in layer.get_weights()]
    return dict(zip(names, arrays, strict=True))


def select(weights, prefix):
    """Returns the weights below `prefix`, by the rest of their path."""
    start = f"{prefix}/"
    return {
        name.removeprefix(start): np.asarray(weight)
        for name, weight in weights.items()
        if name.startswith(start)
    }
