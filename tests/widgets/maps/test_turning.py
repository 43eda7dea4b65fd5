import numpy as np
import pytest

from tsne_widget.widgets.maps.turning import best_turn, turned


@pytest.fixture
def plate() -> np.ndarray:
    return np.random.default_rng(0).uniform((-4, -3), (4, 3), (500, 2)).astype(np.float32)


@pytest.mark.parametrize("degrees", [-40, 30, 50, 130])
def test_a_tilted_map_is_turned_to_where_its_longer_side_is_shortest(plate, degrees):
    tilted = turned(plate, degrees)
    straight = turned(tilted, best_turn(tilted))
    width, height = np.ptp(straight, axis=0)
    assert width == pytest.approx(np.ptp(plate[:, 0]), rel=0.02)
    assert height < width
    distances = [np.linalg.norm(xy[0] - xy[1:], axis=1) for xy in (plate, straight)]
    assert np.allclose(*distances, rtol=1e-4)


def test_a_map_that_gains_little_is_not_turned(plate):
    assert best_turn(plate) == 0
    circle = np.column_stack([np.cos(np.arange(400)), np.sin(np.arange(400))]).astype(np.float32)
    assert best_turn(circle) == 0
    assert best_turn(np.zeros((5, 2), dtype=np.float32)) == 0
