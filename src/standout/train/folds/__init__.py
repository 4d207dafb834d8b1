"""Cross-validation: every training photo is answered by a model that has not seen it, and the folds make one model.

run.py            the whole way, and what the folder of the folds holds
fold.py           one fold: its run, and the answers for the photos it left out
beside.py         folds in processes of their own, several at a time
together.py       the model that the folds make together, compared with single folds
record.py         folds.csv and folds.json: what is divided how, and what came out
"""

from standout.train.folds.run import train_folds

__all__ = ["train_folds"]
