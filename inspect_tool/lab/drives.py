"""Whether a folder lies on this computer: a database of SQLite on a network drive is damaged when two computers write.

WAL shares memory between the processes that use it, which two computers do not have (sqlite.org/wal.html).
"""

import os
import re
import subprocess
import sys
from pathlib import Path, PureWindowsPath

_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|afs|afpfs|ncp\w*|coda|ceph|lustre|gpfs|beegfs|pvfs2|orangefs|ocfs2|gfs2|webdav|davfs\d?"
    r"|9p|virtiofs|vboxsf|prl_fs|vmhgfs"  # folders that a virtual machine shares with its host
    r"|fuse|macfuse|osxfuse|fuse\..+"
)
_LOCAL_FUSE = re.compile(r"fuse\.(ntfs.*|exfat.*|ext\d|fuse-ext2|zfs.*|mergerfs|bindfs|gocryptfs|encfs|cryfs|securefs)")
_OCTAL = re.compile(r"\\([0-7]{3})")
_REMOTE = 4  # DRIVE_REMOTE of GetDriveTypeW


def network_drive(folder: Path) -> str:
    """Kind of network drive that a folder lies on, or would once made; empty: a drive of this computer."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if sys.platform == "win32":
        return _of_windows(place)
    if sys.platform == "darwin":
        mounts = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False).stdout
        kind = of_mounts(place.resolve(), macos_mounts(mounts))
    else:
        try:
            kind = of_mounts(place.resolve(), linux_mounts(Path("/proc/self/mountinfo").read_text(errors="replace")))
        except OSError:  # a system without /proc tells nothing
            return ""
    return kind if _NETWORK.fullmatch(kind) and not _LOCAL_FUSE.fullmatch(kind) else ""


def of_mounts(place: Path, mounts: list[tuple[str, str]]) -> str:
    """File system of a path by a list of places and file systems, of which a later one covers an earlier one.

    >>> of_mounts(Path("/lab/a"), [("/", "ext4"), ("/lab", "nfs4"), ("/lab/a/b", "ext4")])
    'nfs4'
    """
    found, depth = "", -1
    for at, kind in mounts:
        if place.is_relative_to(at) and len(Path(at).parts) >= depth:
            found, depth = kind, len(Path(at).parts)
    return found


def linux_mounts(mountinfo: str) -> list[tuple[str, str]]:
    r"""Read places and file systems of ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)).

    >>> linux_mounts(r"36 35 98:0 /mnt1 /mnt/my\040lab rw,noatime master:1 - cifs //server/lab rw")
    [('/mnt/my lab', 'cifs')]
    """
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        parts = before.split()
        if len(parts) > 4 and after:
            found.append((_OCTAL.sub(lambda match: chr(int(match[1], 8)), parts[4]), after.split()[0]))
    return found


def macos_mounts(listing: str) -> list[tuple[str, str]]:
    """Read places and file systems that ``mount`` lists on macOS.

    >>> macos_mounts("//lab@server/data on /Volumes/data (smbfs, nodev, nosuid, mounted by lab)")
    [('/Volumes/data', 'smbfs')]
    """
    return re.findall(r"^.* on (/.*) \((\w+)[,)]", listing, re.MULTILINE)


def is_unc(path: str) -> bool:
    r"""Whether a path of Windows names a server.

    >>> is_unc(r"\\server\share\lab"), is_unc(r"\\?\UNC\server\share"), is_unc(r"\\?\C:\lab"), is_unc(r"C:\lab")
    (True, True, False, False)
    """
    drive = PureWindowsPath(path).drive
    if drive.upper().startswith("\\\\?\\UNC\\"):
        return True
    return drive.startswith("\\\\") and not drive.startswith(("\\\\?\\", "\\\\.\\"))


def _of_windows(place: Path) -> str:
    found = os.path.realpath(place)  # a letter of a network drive becomes its server
    if is_unc(found):
        return "server"
    if sys.platform == "win32":
        import ctypes

        if ctypes.windll.kernel32.GetDriveTypeW(PureWindowsPath(found).drive + "\\") == _REMOTE:
            return "network drive"
    return ""
