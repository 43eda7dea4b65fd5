"""scikit-learn's own tests of TSNE, run with our class in place of theirs.

    python -m benchmarks.scikit_learn_tests [arguments of pytest]

The file of tests is read from the installed scikit-learn; only the name TSNE in it is replaced.
benchmarks/README.md explains each test that fails.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
from sklearn.manifold.tests import test_t_sne

from tsne_widget import TSNE


class OurTSNE:
    """A plugin of pytest that puts our class in place of scikit-learn's."""

    def pytest_collection_finish(self, session: Any) -> None:
        """Replace the class in the module of tests that pytest has imported."""
        for module in {item.module for item in session.items}:
            module.TSNE = TSNE


if __name__ == "__main__":
    file = test_t_sne.__file__
    options = ["-q", "-c", "/dev/null", "-p", "no:cacheprovider", "--rootdir", "/", "--tb=line"]
    sys.exit(pytest.main([*options, *sys.argv[1:], file], plugins=[OurTSNE()]))
