"""Features that crash other engines, thread counts and signals, in separate processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytestmark = pytest.mark.slow

PROLOGUE = """
import hashlib
import numpy as np
from tsne_widget.errors import InvalidInputError
from tsne_widget.projection import TSNE

def refused(X, **parameters):
    try:
        TSNE(max_iter=20, **parameters).fit(X)
    except InvalidInputError as error:
        print(" ".join(str(error).split()))
    else:
        raise SystemExit("not refused")

X = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
"""


# Runs scripts that it reads, and writes the output and the error of each.
LOOP = """
import contextlib, io, json, sys, traceback
for line in sys.stdin:
    output, error = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(output):
            exec(json.loads(line), {"__name__": "__main__"})
    except BaseException:
        error = traceback.format_exc()
    print(json.dumps([output.getvalue(), error]), flush=True)
"""


class Survivor:
    """A process that runs scripts one after the other, so that it loads the package once."""

    def __init__(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, "-c", LOOP], **pipes)

    def run(self, script: str) -> str:
        """Output of a script; an error in it or a crash of the process fails the test."""
        self._process.stdin.write(json.dumps(PROLOGUE + textwrap.dedent(script)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the process ended with status {self._process.wait()}"
        output, error = json.loads(answer)
        assert not error, error
        return output

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def has_died(self) -> bool:
        return self._process.poll() is not None


@pytest.fixture(scope="module")
def survivors() -> Iterator[list[Survivor]]:
    """Processes that have run scripts; all but the last have died."""
    started: list[Survivor] = []
    yield started
    for one in started[-1:]:
        one.close()


@pytest.fixture
def run(survivors) -> Callable[[str], str]:
    if not survivors or survivors[-1].has_died():
        survivors.append(Survivor())
    return survivors[-1].run


def run_alone(script: str, **environment: str) -> str:
    """Output of a script in a process of its own, with further environment variables."""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


REFUSED = {
    "np.zeros((60, 8))": "constant over 60 samples (dead layer?)",
    "np.full((60, 8), 1e-40, np.float32)": "constant over 60 samples",
    "np.full((60, 8), 0.1)": "constant over 60 samples",
    "np.full((60, 8), np.nan)": "60 of 60 rows",
    "np.where(np.eye(60, 8) > 0, np.inf, X)": "8 of 60 rows",
    "np.full((60, 8), -np.inf)": "60 of 60 rows",
    "np.empty((0, 8))": "0 sample(s)",
    "np.empty((60, 0))": "0 feature(s)",
    "X[:, 0]": "Expected 2D array",
    "X + 1j": "Complex data not supported",
    "np.array([['a', 'b']] * 9)": "dtype",
}


@pytest.mark.parametrize("features", REFUSED)
def test_features_that_cannot_be_mapped_are_refused_and_never_crash(run, features):
    assert REFUSED[features] in run(f"refused({features})")


def test_scale_of_float32_features_does_not_change_the_map_quality(run):
    run(
        """
        from tests.projection.measures import trustworthiness
        for scale in 10.0 ** np.arange(-38, 39, 7):
            y = TSNE(random_state=0, max_iter=400).fit_transform(X * np.float32(scale / 8))
            assert np.isfinite(y).all(), scale
            assert trustworthiness(X, y, k=5) > 0.75, scale
        for scale in (1e-300, 1e-310, 1e300):
            y = TSNE(random_state=0, max_iter=400).fit_transform(X.astype(float) * scale)
            assert np.isfinite(y).all() and np.ptp(y) > 1, scale
        """
    )


def test_nearly_constant_and_denormal_features_are_mapped_or_refused(run):
    run(
        """
        for base in (0, 1, 1e30):
            for step in (1e-45, 1e-38, 1e-7, 1e-3):
                Y = np.full((60, 4), base, np.float32)
                Y[::2, 1] += np.float32(step)
                try:
                    assert np.isfinite(TSNE(random_state=0, max_iter=300).fit_transform(Y)).all()
                except InvalidInputError as error:
                    assert "constant" in str(error)
        """
    )


def test_few_samples_and_columns_of_any_number_are_mapped_or_refused(run):
    run(
        """
        random = np.random.default_rng(0)
        for n in range(1, 41):
            for d in (1, 3):
                try:
                    y = TSNE(random_state=0, max_iter=30).fit_transform(random.normal(size=(n, d)))
                    assert n >= 4 and np.isfinite(y).all()
                except InvalidInputError as error:
                    assert n < 4 and f"n_samples={n}" in str(error)
        """
    )


def digest_with(threads: int) -> str:
    """Digest of two maps computed by a process with this many threads."""
    script = """
        random = np.random.default_rng(0)
        big = random.normal(size=(10_200, 6)).astype(np.float32)
        start = random.normal(scale=30, size=(10_200, 2))
        small = random.normal(size=(2_500, 70)).astype(np.float32)
        digest = hashlib.sha256()
        digest.update(TSNE(random_state=0, max_iter=3, perplexity=5, init=start).fit_transform(big))
        digest.update(TSNE(random_state=0, max_iter=40).fit_transform(small))
        print(digest.hexdigest())
        """
    return run_alone(script, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))


def test_the_same_seed_gives_the_same_bits_in_processes_with_other_thread_counts():
    assert digest_with(3) == digest_with(1)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_ctrl_c_ends_a_fit_within_seconds_and_leaves_a_usable_map():
    script = textwrap.dedent(
        """
        big = np.random.default_rng(0).normal(size=(3000, 20)).astype(np.float32)
        tsne = TSNE(
            random_state=0, max_iter=10**7, callback=lambda i, y, kl: print(i, flush=True)
        )
        try:
            tsne.fit(big)
        except KeyboardInterrupt:
            assert not tsne.complete_ and 0 <= tsne.n_iter_ < 10**7
            assert tsne.embedding_.shape == (3000, 2) and np.isfinite(tsne.embedding_).all()
            print("usable")
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + script], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 40:
            pass
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert rest.splitlines()[-1] == "usable"
    assert time.monotonic() - started < 30
    assert process.returncode == 0


def test_concurrent_fits_in_two_threads_equal_separate_fits(run):
    run(
        """
        from concurrent.futures import ThreadPoolExecutor
        def fit(seed):
            return TSNE(random_state=seed, max_iter=260, n_jobs=2).fit_transform(X)
        alone = [fit(seed) for seed in (0, 1)]
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(fit, (0, 1)))
        assert all(np.array_equal(a, b) for a, b in zip(alone, together))
        """
    )


def test_failed_step_leaves_the_last_complete_iteration(monkeypatch):
    from tsne_widget.projection import TSNE, forces

    X = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    whole = TSNE(random_state=0, max_iter=30).fit_transform(X)
    calls = 0
    evaluate = forces.TorchForces.evaluate

    def failing(self, y):
        nonlocal calls
        calls += 1
        if calls == 31:
            raise MemoryError("no memory for the mesh")
        return evaluate(self, y)

    monkeypatch.setattr(forces, "compiled_loops", lambda: None)
    monkeypatch.setattr(forces.TorchForces, "evaluate", failing)
    tsne = TSNE(random_state=0, max_iter=50)
    with pytest.raises(MemoryError):
        tsne.fit(X)
    assert tsne.n_iter_ == 29
    assert not tsne.complete_
    assert np.allclose(tsne.embedding_, whole, rtol=1e-3, atol=1e-6)
