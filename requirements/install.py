"""Install a layer of this project into ``.venv``: ``python3 requirements/install.py scan``.

The layers are ``scan``, ``workflow`` and ``dev``; each holds those before it, and they share one
environment, which grows. What can be mended is one line on standard error, and the exit code 2.
Only the standard library is used, and a syntax that Python 3.6 reads, so that an older Python can
say that it is too old.
"""

import os
import shutil
import subprocess
import sys
import time

LAYERS = ("scan", "workflow", "dev")
SUPPORTED = ("3.11", "3.12", "3.13")
SPACE_GB = {"scan": 1, "workflow": 6, "dev": 6}  # a third is for what the package client keeps
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENVIRONMENT = os.path.join(ROOT, ".venv")
INTERPRETER = os.path.join(ENVIRONMENT, "bin", "python")
UNFINISHED = os.path.join(ENVIRONMENT, ".unfinished")  # there while packages are being unpacked
_SILENT_S = 5  # a step that takes longer is told of
_OFFLINE = (
    *("error sending request", "dns error", "Could not connect", "connection", "Connection"),
    *("name resolution", "timed out", "unreachable", "ProxyError", "SSLError"),
)


class InstallError(Exception):
    """What keeps the layer from being installed, and what to do, in one line."""


def install(layer):
    """Install a layer, unless something keeps it from being installed.

    Args:
        layer: One of ``LAYERS``.

    Raises:
        InstallError: The Python, the folder, the disk or the network does not allow it.
    """
    _check_python()
    _check_folder()
    if not os.path.exists(_stamp(layer)):
        _check_space(layer)
    if os.path.lexists(ENVIRONMENT) and not _usable():
        print("install: .venv was left unfinished, so it is made anew", flush=True)
        shutil.rmtree(ENVIRONMENT)
    client = _client()
    os.makedirs(ENVIRONMENT, exist_ok=True)
    _touch(UNFINISHED)
    if not os.path.exists(INTERPRETER):
        bare = ["--without-pip"] if client[0] == "uv" else []
        _step("the environment", [sys.executable, "-m", "venv", *bare, ENVIRONMENT])
    lock = os.path.join(ROOT, "requirements", layer + ".lock")
    hashed = ["--no-deps", "--require-hashes", "-r", lock]
    _step(f"the packages of the layer {layer}", [*client[1], *hashed])
    _step("dfd itself", [*client[1], "--no-deps", "--no-build-isolation", "-e", ROOT])
    os.unlink(UNFINISHED)
    for held in LAYERS[: LAYERS.index(layer) + 1]:
        _touch(_stamp(held))


def _check_python():
    version = "{}.{}".format(*sys.version_info[:2])
    if version not in SUPPORTED:
        found = [name for name in map("python{}".format, SUPPORTED) if _runs(name)]
        advice = "run it with PYTHON={}" if found else "install one, and name it: PYTHON={}"
        raise InstallError(
            "this is Python {}, and dfd needs {} or {}; {}".format(
                version, ", ".join(SUPPORTED[:-1]), SUPPORTED[-1], advice
            ).format(found[-1] if found else "python" + SUPPORTED[-1])
        )


def _runs(python):
    try:
        return not subprocess.call([python, "-c", ""], stderr=subprocess.DEVNULL)
    except OSError:
        return False


def _check_folder():
    folder = ENVIRONMENT if os.path.isdir(ENVIRONMENT) else ROOT
    if not os.access(folder, os.W_OK):
        raise InstallError(f"{folder}: cannot be written; clone into a folder of yours")


def _check_space(layer):
    free, needed = shutil.disk_usage(ROOT).free / 1e9, SPACE_GB[layer]
    if free < needed:
        raise InstallError(
            f"{ROOT}: {free:.1f} GB free, and the layer {layer} needs {needed} GB; make room"
        )


def _usable():
    """Return whether the environment was left whole, and its Python is still there."""
    return not os.path.exists(UNFINISHED) and os.path.exists(INTERPRETER)


def _client():
    """Return the name of the fastest package client present, and its command to install."""
    if shutil.which("uv"):
        return "uv", ["uv", "pip", "install", "--quiet", "--python", INTERPRETER]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    # Python compiles what it imports at first use, which is less than all that is installed.
    return "pip", [INTERPRETER, "-m", "pip", "install", *quiet, "--no-compile"]


def _step(what, command):
    """Run a command, and tell of it in one line with its seconds if it takes long."""
    began = time.time()
    environment = dict(os.environ)
    if "PIP_INDEX_URL" in environment:  # uv does not read pip's settings
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    try:
        output = process.communicate(timeout=_SILENT_S)[0]
    except subprocess.TimeoutExpired:
        print(f"install: {what} … ", end="", flush=True)
        output = process.communicate()[0]
        print(f"{time.time() - began:.0f} s", flush=True)
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        raise _failure(what, output)


def _failure(what, output):
    """Return the error that a client's output tells of."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no message"]
    if "ensurepip" in output:
        version = "{}.{}".format(*sys.version_info[:2])
        return InstallError(
            f"{sys.executable} cannot make environments; install its module venv "
            f"(Debian: apt install python{version}-venv)"
        )
    if any(word in output for word in _OFFLINE):
        os.unlink(UNFINISHED)  # clients fetch all packages before they unpack the first
        return InstallError(
            "no answer from the package index; check the network, or name another index in "
            "PIP_INDEX_URL, and run again"
        )
    if "No space left" in output:
        return InstallError(f"{ENVIRONMENT}: the disk is full; make room, and run again")
    return InstallError(f"{what} cannot be installed ({lines[-1][:300]}); run again")


def _stamp(layer):
    return os.path.join(ENVIRONMENT, "." + layer)


def _touch(path):
    with open(path, "a"):
        os.utime(path)


def main():
    """Install the layer that the command line names."""
    if sys.argv[1:] not in [[layer] for layer in LAYERS]:
        sys.exit("install: name one of the layers {}".format(", ".join(LAYERS)))
    if os.path.realpath(sys.prefix) == os.path.realpath(ENVIRONMENT):
        # The environment may have to be made anew, which this process must not run from.
        os.execv(sys._base_executable, [sys._base_executable, *sys.argv])
    try:
        install(sys.argv[1])
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(
            f"install: {error.filename}: {error.strerror}; mend that, and run again",
            file=sys.stderr,
        )
        sys.exit(2)
    except KeyboardInterrupt:
        print("install: interrupted; run again, and it is made anew", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
