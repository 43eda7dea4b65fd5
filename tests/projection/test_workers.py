"""A pool of threads: results, failures, and threads that are late or absent."""

from __future__ import annotations

import threading

import pytest

from tsne_widget.projection.workers import Workers


def test_results_are_in_the_order_of_the_items():
    with Workers(3) as workers:
        assert workers.map(lambda item: item * item, range(100)) == [i * i for i in range(100)]


def test_the_calling_thread_and_the_others_share_the_work():
    together = threading.Barrier(3, timeout=60)

    def work(item: int) -> int:
        together.wait()  # only three threads at once get past this
        return threading.get_ident()

    with Workers(3) as workers:
        idents = workers.map(work, range(3))
    assert len(set(idents)) == 3
    assert threading.get_ident() in idents


def test_work_ends_while_the_other_threads_are_busy_elsewhere():
    started, release = threading.Event(), threading.Event()

    def hold(item: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            started.set()
            release.wait(60)

    with Workers(2) as workers:
        holder = threading.Thread(target=workers.map, args=(hold, range(2)))
        holder.start()
        started.wait(60)
        try:
            assert workers.map(abs, [-1, -2, -3]) == [1, 2, 3]
        finally:
            release.set()
            holder.join()


def test_the_first_failure_is_raised_and_the_rest_is_not_begun():
    begun = []

    def fail(item: int) -> None:
        begun.append(item)
        raise ValueError(f"item {item}")

    with Workers(2) as workers:
        with pytest.raises(ValueError, match=r"item [01]"):
            workers.map(fail, range(1000))
        assert len(begun) <= 2
        assert workers.map(abs, [-5, 6]) == [5, 6]


def test_an_interrupt_in_the_calling_thread_is_raised_once_the_others_are_done():
    done = []

    def work(item: int) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        done.append(item)

    with Workers(2) as workers, pytest.raises(KeyboardInterrupt):
        workers.map(work, range(50))
    assert len(done) <= 50
