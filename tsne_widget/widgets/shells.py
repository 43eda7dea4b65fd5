"""Which shell of the kernel handles the messages of a widget."""

from __future__ import annotations

from typing import Any


def keep_shell(comm: Any) -> None:
    """Let ipykernel hand a message to the shell that the page has named.

    ipykernel 7.4 hands it to the shell that the comm spoke from last, main or subshell, so later
    messages overtake earlier ones. JupyterLab 4.6 may delete a subshell that it still names, if the
    last widget closes while another opens: then the main shell answers.

    Parameters
    ----------
    comm : ipykernel.comm.BaseComm
        Other comms have no such choice.
    """

    def shell_of(_data: object, named: str | None) -> str | None:
        known = comm.kernel.shell_channel_thread.manager.list_subshell()
        return named if named in known else None

    comm._reply_subshell_for = shell_of
