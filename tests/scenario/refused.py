"""refused NUMBER COMMAND…: run a command with one system call refused (EPERM), as a container
profile does it: a classic BPF filter of seccomp(2), which execve hands on."""

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


def step(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


def refuse(number):
    steps = (step(LOAD_WORD, 0)  # the number of the call
             + step(JUMP_IF_EQUAL, number, 0, 1)
             + step(RETURN, SECCOMP_RET_ERRNO | errno.EPERM)
             + step(RETURN, SECCOMP_RET_ALLOW))
    held = ctypes.create_string_buffer(steps, len(steps))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(steps) // 8, ctypes.addressof(held)))
    libc = ctypes.CDLL(None, use_errno=True)
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0):
        sys.exit(f"refused: prctl: {os.strerror(ctypes.get_errno())}")


refuse(int(sys.argv[1]))
os.execvp(sys.argv[2], sys.argv[2:])
