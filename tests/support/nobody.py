"""Importing this makes root nobody: what a test deletes, links and is refused is then what a user could."""
import os

if os.geteuid() == 0:
    NOBODY = 65534
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.environ.pop("HOME", None)
