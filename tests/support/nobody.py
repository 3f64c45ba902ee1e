"""Importing this turns root into the user nobody, so that permissions apply to a test as for a normal user."""
import os

if os.geteuid() == 0:
    NOBODY = 65534
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.environ.pop("HOME", None)
