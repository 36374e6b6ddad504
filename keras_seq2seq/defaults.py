"""Values that the library, the configuration and the help of commands share."""

# google/seq2seq's default of 1e-4 trains too slowly to reach the results of its tutorials.
LEARNING_RATE = 1e-3

# The maximum global norm of the gradients.
CLIP_GRADIENTS = 5.0

# The most shards and processes of prepared records. All shards are open at once.
MAX_SHARDS = 500
MAX_WORKERS = 1_000
