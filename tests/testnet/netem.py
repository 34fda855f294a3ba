"""Real packet loss where the kernel and our rights allow it: the whole run in a network namespace of its own.

The loopback device of the namespace loses packets by `tc netem`, so every connection, relays and RPC included, meets
retransmission by the real TCP. Where that is not possible the run says why, and relays stall streams instead.
"""

import ctypes
import os
import shutil
import subprocess

from tests.testnet.manifest import Manifest

CLONE_NEWNET = 0x4000_0000
"""A network namespace, from the kernel's sched.h; Python names it from 3.12 on."""


def enter_lossy_network(manifest: Manifest) -> tuple[bool, str]:
    """Put this process into a lossy network if the manifest wants one, and return whether it did and a note for people.

    Must be called before any thread or socket exists. Source: netns(7), tc-netem(8).
    """
    if not manifest.netem:
        return False, f"netem not asked for; relays stall {manifest.loss_percent} % of pieces"
    if os.geteuid() != 0:
        return False, "netem asked for and not possible: not root; relays stall streams instead"
    for program in ("ip", "tc", "unshare"):
        if shutil.which(program) is None:
            return False, f"netem asked for and not possible: no program {program}; relays stall streams instead"
    add = ["tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", f"{manifest.loss_percent}%"]
    # Tried in a namespace that vanishes first: this process must not end up in one that loses nothing.
    tried = subprocess.run(["unshare", "-n", *add], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return False, f"netem asked for and not possible: {tried.stderr.strip()}; relays stall streams instead"
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        reason = os.strerror(ctypes.get_errno())
        return False, f"netem asked for and not possible: {reason}; relays stall streams instead"
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(add, check=True)
    return True, f"packets are lost for real: {manifest.loss_percent} % on every connection"
