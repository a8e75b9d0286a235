"""How much a sandbox's start costs."""

import os
import subprocess
import sys

import pytest

LONGEST_START_SECONDS = 1.0
STARTS = 3


@pytest.mark.parametrize("program", ["mock_metronome", "mock_stripe"])
def test_a_sandbox_is_up_after_less_than_a_second_of_computing(program: str) -> None:
    """Of the processor's time, however busy it is; the best of a few, for a first start compiles."""
    assert min(start_seconds(program) for _ in range(STARTS)) < LONGEST_START_SECONDS


def start_seconds(program: str) -> float:
    """Up to the line that says where it listens."""
    with subprocess.Popen([sys.executable, "-m", program, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"{program}: http://127.0.0.1:")
        process.kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime
