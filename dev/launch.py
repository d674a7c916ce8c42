"""How a process is bound to its parent, and how a server that refuses to run as root is run by root all the same.

Called by `processes` and `postgres`. Rests on `setpriv` of util-linux; where there is none (macOS), commands are
returned as they are: the supervisor still stops its processes, unless it is itself killed with SIGKILL.
"""

import os
import shutil
import signal
import sys
from collections.abc import Sequence


def bound_to_parent(
    command: Sequence[str], *, with_signal: signal.Signals = signal.SIGKILL, user: int | None = None
) -> tuple[str, ...]:
    """`command`, so that the kernel sends it `with_signal` when its parent ends, however the parent ends.

    The parent is the *thread* that starts it: start it from one that lives as long as the process should.
    With `user` it runs under that user id, yet still reads and enters what root may (see `unprivileged_user`).
    """
    tool = _setpriv()
    if tool is None:
        return tuple(command)
    prefix = [tool, f"--pdeathsig={with_signal.name.removeprefix('SIG')}"]
    if user is not None:
        prefix += [
            f"--reuid={user}",
            "--keep-groups",
            # Without this the right does not count in access(2), by which PostgreSQL looks for its own files.
            "--securebits=+no_setuid_fixup",
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
        ]
    return (*prefix, "--", *command)


def unprivileged_user() -> int | None:
    """The user id for a server that refuses root: None (ourselves) unless we are root, then `nobody`.

    A checkout in /root is closed to everyone else. Rather than opening folders of the user's, the server keeps one
    right of root's: to pass file permissions.
    """
    if os.geteuid() != 0 or _setpriv() is None:
        return None
    import pwd  # late: there is no such module on Windows

    return pwd.getpwnam("nobody").pw_uid


def _setpriv() -> str | None:
    return shutil.which("setpriv") if sys.platform == "linux" else None
