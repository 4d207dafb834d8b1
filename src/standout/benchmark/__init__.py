"""Measures what models cost on this machine: size, milliseconds, start-up and memory, each in a process of its own.

    trials.py    models, runtimes, devices, threads -> what is to be measured, and what cannot be measured
    rounds.py    trials -> readings, with the trials taking turns
    process.py   a trial in a new process -> a reading
    facts.py     model file -> encoder, parameters, multiply-adds, MB
    report.py    facts and readings -> text, Markdown, JSON

This file imports nothing, because the processes that are measured load it.
"""
