import builtins

import numpy as np
import pytest
from sklearn import datasets

from wengert import data
from wengert.errors import DataError


def test_digits_are_scikit_learns():
    x, y = data.digits().arrays()
    bunch = datasets.load_digits()
    np.testing.assert_array_equal(x, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


def test_breast_cancer_is_scikit_learns():
    x, y = data.breast_cancer().arrays()
    bunch = datasets.load_breast_cancer()
    np.testing.assert_array_equal(x, bunch.data)
    np.testing.assert_array_equal(y == "benign", bunch.target == 1)


def test_diabetes_is_scikit_learns():
    x, y = data.diabetes().arrays()
    bunch = datasets.load_diabetes(scaled=False)
    np.testing.assert_array_equal(x, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


def test_without_scikit_learn_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "sklearn":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(DataError, match=r'"digits" needs scikit-learn, .*pip install \'wengert\[sklearn\]\''):
        data.digits()
