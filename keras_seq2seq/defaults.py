"""Default values that the library, the configuration and its help share."""

# google/seq2seq's default of 1e-4 trains too slowly to reach the results of its tutorials.
LEARNING_RATE = 1e-3

# The maximum global norm of the gradients.
CLIP_GRADIENTS = 5.0
