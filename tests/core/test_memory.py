"""The garbage collector's pause while functions are staged and compiled."""

import gc
import os
import threading

import numpy as np
import pytest

import wengert
from wengert.core.memory import collections_paused


def test_it_is_off_inside_and_as_it_was_afterwards():
    assert gc.isenabled()
    with collections_paused(), collections_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with collections_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_errors_and_other_threads_leave_it_on():
    inside, done = threading.Event(), threading.Event()

    def other():
        with collections_paused():
            inside.set()
            done.wait()

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait()
    with pytest.raises(ZeroDivisionError), collections_paused():
        raise ZeroDivisionError
    assert not gc.isenabled()  # for the other one
    done.set()
    thread.join()
    assert gc.isenabled()


def test_staging_is_without_collections():
    seen = []

    def f(x):
        seen.append(gc.isenabled())
        return np.sin(x)

    wengert.jit(f)(1.0)
    assert seen == [False] and gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_child_collects():
    with collections_paused():
        child = os.fork()
        if not child:
            os._exit(0 if gc.isenabled() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert gc.isenabled()
