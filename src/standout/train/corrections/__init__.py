"""From corrections to a model: collected as pairs, learned in minutes, measured on photos that were not learned.

collect.py    the page's saved corrections, folders of pairs and retouched masks -> one folder of pairs
improve.py    the folds, the model, and what it gains
gain.py       the gain with its interval, as text and as JSON
"""
