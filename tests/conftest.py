"""One thread for every test: several would wait for each other on a busy machine, and results depend on them."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported; tests of layer 0 don't import it
os.environ["TOKENIZERS_PARALLELISM"] = "false"
