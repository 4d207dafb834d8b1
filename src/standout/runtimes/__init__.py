"""Runtimes: what runs a model file. Each is a module with open(path, *, device, threads) -> Session."""
