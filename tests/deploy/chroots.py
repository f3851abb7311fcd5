"""The image without Docker: its stages built in folders, and its programs run from the last one.

Debian's own packages stand in for the base image. Needs root, for chroot and mounts."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.deploy import dockerfile
from tests.deploy.dockerfile import Stage, Step
from tests.source_tree import REPOSITORY
from tests.timescale import packages
from tests.timescale.packages import CannotFetch

BASE = (
    *("python3", "python3-venv", "dash", "coreutils", "sed", "grep", "hostname", "util-linux"),
    *("passwd", "libc-bin", "libstdc++6", "ca-certificates"),
)
# Of the base image alone: there its Python brings a pip, here nothing does.
NOT_HERE = "python3 -m pip uninstall"
# How this machine reaches a registry of packages is not the image's matter.
OF_THE_MACHINE = ("SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "HTTPS_PROXY")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DEVICES = ("null", "zero", "random", "urandom")
# As docker run --read-only does it: nothing but these can be written.
ENTER = """
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"
mount -t proc proc "$1/proc" && mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
mount --bind "$2/models" "$1/var/lib/noctis/models"
mount --bind "$2/backups" "$1/var/lib/noctis/backups"
mount --bind "$2/metrics" "$1/run/noctis"
hostname "$3"; root="$1"; user="$4"; shift 4
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups \
    --bounding-set=-all --no-new-privs -- "$@"
"""


class Image:
    """The last stage's folder, and folders for what a container would have as volumes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.build, self.final = dockerfile.stages((REPOSITORY / "Dockerfile").read_text())
        self.root = folder / "final"
        self.user = self.final.only("USER").text.partition(":")[0]

    def make(self) -> list[str]:
        """Run the steps of both stages; answers those that could not be."""
        packages.need_root()
        base = packages.fetch(self.folder / "base", BASE)
        for name in ("build", "final"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(base, self.folder / name, symlinks=True)
            furnish(self.folder / name)
        left_out: list[str] = []
        for stage in (self.build, self.final):
            for step in stage.steps:
                left_out += self._take(stage, step)
        for name in ("models", "backups", "metrics"):
            shutil.rmtree(self.folder / "volumes" / name, ignore_errors=True)
            (self.folder / "volumes" / name).mkdir(parents=True, mode=0o700)
            os.chown(self.folder / "volumes" / name, int(self.user), int(self.user))
        return left_out

    def _take(self, stage: Stage, step: Step) -> list[str]:
        root = self.folder / stage.name
        if step.word == "WORKDIR":
            (root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif step.word == "COPY" and stage is self.final:
            shutil.copytree(
                self.folder / "build" / "app", root / "app", symlinks=True, dirs_exist_ok=True
            )
        elif step.word == "COPY":
            dockerfile.copy_context(root / "app")
        elif step.word == "RUN" and step.text.startswith(NOT_HERE):
            return [step.text]
        elif step.word == "RUN":
            self._run(root, stage, step.text)
        return []

    def _run(self, root: Path, stage: Stage, command: str) -> None:
        machine = {name: os.environ[name] for name in OF_THE_MACHINE if name in os.environ}
        here = stage.steps.index(Step("RUN", command))
        folders = [step.text for step in stage.steps[:here] if step.word == "WORKDIR"]
        there = f"cd {[*'/', *folders][-1]}; {command}"
        words = ["chroot", str(root), "/bin/sh", "-ec", there]
        environment = {"PATH": dockerfile.PATH, "HOME": "/root"} | machine
        done = subprocess.run(
            words, env=environment | stage.environment(), capture_output=True, text=True
        )
        if done.returncode:
            raise CannotFetch(f"{command}: {(done.stdout + done.stderr).strip()[-400:]}")

    def start(self, name: str, command: list[str], **settings: str) -> subprocess.Popen[str]:
        """As one container: read-only, unprivileged, processes and a host name of its own."""
        environment = self.final.environment() | settings
        unshare = ("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child")
        where = [str(self.root), str(self.folder / "volumes"), name, self.user]
        inside = ["sh", "-ec", 'cd /app; exec "$@"', "sh", *command]
        return subprocess.Popen(
            [*unshare, "sh", "-ec", ENTER, "sh", *where, *inside],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str, **settings: str) -> tuple[int, str]:
        process = self.start("once", list(command), **settings)
        said, _ = process.communicate(timeout=300)
        return process.returncode, said


def stop(process: subprocess.Popen[str], seconds: float = 20) -> int:
    """As docker stop does it: the first process of the container is asked, and waited for."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        process.wait()
        return -signal.SIGKILL
    return process.returncode


def furnish(root: Path) -> None:
    """What unpacked packages lack: places to mount on, devices, users, names, certificates."""
    for name in ("proc", "tmp", "dev/shm", "run", "root", "etc/ssl/certs"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in DEVICES:
        device = Path("/dev", name).stat()
        os.mknod(root / "dev" / name, device.st_mode, device.st_rdev)
        (root / "dev" / name).chmod(0o666)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    for path in (Path("/etc/resolv.conf"), Path("/etc/hosts"), CERTIFICATES):
        if path.exists():
            shutil.copy2(path, root / path.relative_to("/"))
    subprocess.run(["chroot", root, "/sbin/ldconfig"], check=True)
