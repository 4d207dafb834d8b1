"""What models cost on this machine: size, milliseconds, start-up and memory, each figure from a process of its own.

    trials.py    models, runtimes, devices, threads -> what is to be measured, and what cannot be
    rounds.py    trials -> readings, the trials taking turns
    process.py   one trial in a fresh process -> one reading
    facts.py     model file -> encoder, parameters, multiply-adds, MB
    report.py    facts and readings -> text, Markdown, JSON

Nothing is imported here: the processes that are measured pass through this file.
"""
