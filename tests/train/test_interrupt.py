"""Ctrl-C while a network is trained."""

import os
import signal

import pytest

from standout.train.callbacks import Interrupt


def test_ctrl_c_is_heard_until_the_end() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        interrupt.on_train_batch_end()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.on_train_batch_end()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_switched_off_stays_so() -> None:
    """As by nohup, or in a script's background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
            interrupt.on_train_batch_end()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="other signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_between_two_batches_where_they_are_answered(number: int) -> None:
    def answer(*_: object) -> None:
        raise AssertionError("not in the midst of a batch")

    before = signal.signal(number, answer)
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), number)
            assert interrupt.pressed and interrupt.number == number
            with pytest.raises(KeyboardInterrupt):
                interrupt.on_train_batch_end()
        assert signal.getsignal(number) is answer
        signal.signal(number, signal.SIG_DFL)
        with Interrupt():
            assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
