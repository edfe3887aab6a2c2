"""The script that another interpreter runs: `start.py PACKAGE SOCKET LIFELINE`.

It makes this installation's own package importable there as `groundcxr`, and nothing else of this installation, and
answers what comes over the socket. It is written for any Python, so that one that is too old can say so.
"""

import os
import signal
import sys


def main(package, socket_number, lifeline):
    """Guard the process, find the package, serve.

    Args:
        package: The package's folder, whatever it is called.
        socket_number: The file descriptor of our end of the socket pair.
        lifeline: That of a pipe which closes when the host ends.
    """
    for number in (socket_number, lifeline):
        os.set_inheritable(number, False)
    guard(lifeline, socket_number)
    os.close(lifeline)
    # This script's own folder is no place to import from; the interpreter may have left it out already.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(  # pyright: ignore[reportAttributeAccessIssue]
            encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        sys.exit("NumPy cannot be imported here (%s); install it: %s -m pip install numpy" % (error, sys.executable))
    import_package(package)
    from groundcxr.methods.isolated.serving import serve  # pyright: ignore[reportMissingImports]

    serve(socket_number)


def guard(lifeline, socket_number):
    """Leave a small process that ends this one, and what it has started, when the host is gone.

    A watch within this process would wait for the method's native code, and ask nothing of what that has started. It is
    nobody's child, so that a method that waits for its own children does not wait for it.
    """
    if os.fork() != 0:
        os.wait()
        return
    if os.fork() != 0:
        os._exit(0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2, socket_number):
        os.dup2(nowhere, number)
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def import_package(folder):
    """Import a folder as the package `groundcxr`; others in its parent folder are not found by that."""
    import importlib.util

    place = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location("groundcxr", place, submodule_search_locations=[folder])
    module = importlib.util.module_from_spec(spec)  # pyright: ignore[reportArgumentType]
    sys.modules["groundcxr"] = module
    spec.loader.exec_module(module)  # pyright: ignore[reportOptionalMemberAccess]


if __name__ == "__main__":
    if sys.version_info < (3, 8):
        sys.exit("it is Python %s; a method's environment needs Python 3.8 or later" % sys.version.split()[0])
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
