"""scikit-learn's common checks of estimators."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from tsne_widget.projection import TSNE


@parametrize_with_checks(
    [TSNE(random_state=0, max_iter=20), TSNE(random_state=0, max_iter=20, landmarks=12)]
)
def test_scikit_learns_common_checks_pass(estimator, check):
    check(estimator)
