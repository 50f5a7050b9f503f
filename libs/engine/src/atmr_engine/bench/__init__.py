"""Layer 9: the engine and its peers on published instances, side by side in one run.

`python -m atmr_engine.bench --help` explains; docs/benchmarks/README.md says how to read it.
"""
