from types import SimpleNamespace

from tsne_widget.widgets.shells import keep_shell


def comm_of_kernel(subshells: list[str]) -> SimpleNamespace:
    manager = SimpleNamespace(list_subshell=lambda: subshells)
    return SimpleNamespace(
        kernel=SimpleNamespace(shell_channel_thread=SimpleNamespace(manager=manager))
    )


def test_the_shell_that_the_page_names_handles_a_message_while_it_exists():
    subshells = ["a", "b"]
    comm = comm_of_kernel(subshells)
    keep_shell(comm)
    assert comm._reply_subshell_for({}, "a") == "a"
    assert comm._reply_subshell_for({}, None) is None  # the main shell
    subshells.remove("a")
    assert comm._reply_subshell_for({}, "a") is None
    assert comm._reply_subshell_for({}, "b") == "b"
