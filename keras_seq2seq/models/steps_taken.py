"""The count of training steps."""


def steps_taken(optimizer):
    """Returns the number of batches that an optimizer has seen, an integer variable.

    `optimizer.iterations` are the updates of the weights, of which there are fewer where the
    gradients of several steps are accumulated.
    """
    return optimizer._iterations
