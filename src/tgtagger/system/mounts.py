"""Tell which file system a file lies on, from Linux's list of mounts.

On other systems it is unknown. Does not know what follows from it.
"""

from __future__ import annotations

import os
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")

_NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs ncpfs afs ceph lustre gfs2 ocfs2 "
    "fuse.sshfs fuse.glusterfs fuse.s3fs fuse.rclone fuse.davfs".split()
)
"""File systems that several machines may use at once: locks and shared memory are unreliable."""


def network_file_system(path: Path) -> str | None:
    """Return the kind of the network file system that a file lies on; None: local, or unknown."""
    try:
        number = path.stat().st_dev
        lines = MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return None
    device = f"{os.major(number)}:{os.minor(number)}"
    for line in lines:
        fields, _, rest = line.partition(" - ")
        if fields.split()[2:3] == [device]:
            kind = rest.split()[0]
            return kind if kind in _NETWORK else None
    return None
