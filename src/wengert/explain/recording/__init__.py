"""One run of a function, written down: operations with their values, where they stand, and how the run ended."""
