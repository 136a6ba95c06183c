"""The parts of ``benchmarks/compiled.py``: rows, programs, peers, and the processes they run in."""
