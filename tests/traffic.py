"""What a process and its children send over the network, and which files they leave, by strace."""

import ipaddress
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dfd.faces.detectors.mobilenet_weights import mobilenet_path, mobilenet_weights

_STRACE = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg")
_CALL = re.compile(r"^(?:\d+ +)?(connect|sendto|sendmsg|sendmmsg)\(")
_ADDRESS = re.compile(
    r"sa_family=AF_INET6?, sin6?_port=htons\((\d+)\)"
    r'.*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"'
)
# Files by which the telemetry of ONNX Runtime, MLflow, Prefect or DVC would know this user again.
_IDENTITY = re.compile(r"onnxruntime|device_?id|user_id|telemetry|analytics|(^|/)\.ses$")


@dataclass(frozen=True)
class Contact:
    """A system call that names an internet address."""

    call: str
    address: str
    port: int

    @property
    def leaves_the_machine(self) -> bool:
        """Whether the address is another machine's, or a local name server's, which asks others."""
        address = ipaddress.ip_address(self.address)
        address = getattr(address, "ipv4_mapped", None) or address
        return self.port == 53 or not address.is_loopback


def contacts(log: str) -> list[Contact]:
    """Return the system calls in strace's log that name an internet address, in their order."""
    return [
        Contact(call[1], address, int(port))
        for line in log.splitlines()
        if (call := _CALL.match(line))
        for port, address in _ADDRESS.findall(line)
    ]


def can_trace() -> bool:
    """Return whether strace is installed and may trace a process here."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run([*_STRACE, "true"], capture_output=True, check=False).returncode == 0


class Newcomer:
    """A user with empty folders, in whose environment nothing is said about telemetry.

    Only the weights of the face detector are there, because their download is wanted traffic.
    """

    def __init__(self, folder: Path) -> None:
        """Make the user's folders in ``folder``, or go on in those that are there."""
        self._folders = [folder / name for name in ("home", "cache", "tmp")]
        self._logs = folder / "logs"
        for path in (*self._folders, self._logs):
            path.mkdir(parents=True, exist_ok=True)
        home, cache, temporary = map(str, self._folders)
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "HOME": home,
            "XDG_CACHE_HOME": cache,
            "TMPDIR": temporary,
            # These choose the code for this processor, on which the last digit of a figure depends.
            **{name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")},
        }
        weights = Path(cache, "dfd", mobilenet_path().name)
        weights.parent.mkdir(exist_ok=True)
        weights.write_bytes(mobilenet_weights())

    def start(self, folder: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``python`` with ``command`` in a folder, as the traced child of the result."""
        log = self._logs / f"{len(list(self._logs.iterdir()))}.log"
        log.touch()
        return subprocess.Popen(
            [*_STRACE, "-o", str(log), sys.executable, *command],
            cwd=folder,
            env={**self._environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, *command: str, **environment: str) -> str:
        """Run ``python`` with ``command`` in a folder, traced, and return its output."""
        with self.start(folder, *command, **environment) as process:
            output, errors = process.communicate()
        assert process.returncode == 0, output + errors
        return output

    def sent(self) -> set[Contact]:
        """Return the calls of all processes so far that leave this machine."""
        logs = [log.read_text() for log in self._logs.iterdir()]
        return {contact for log in logs for contact in contacts(log) if contact.leaves_the_machine}

    def identities(self) -> set[str]:
        """Return the files in the user's folders by which a telemetry would know the user again."""
        files = {
            path.relative_to(folder).as_posix()
            for folder in self._folders
            for path in folder.rglob("*")
            if path.is_file()
        }
        return {file for file in files if _IDENTITY.search(file)}
