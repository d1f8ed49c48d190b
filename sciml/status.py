"""Outcomes: the status of a solve, and the failures that the command line turns into exit codes."""

import enum


class Status(enum.IntEnum):
    """Outcome of a solve, one per sample; the value is what data files store."""

    SUCCESS = 0
    MAX_STEPS = 1
    NON_FINITE = 2
    BREAKDOWN = 3

    @property
    def ok(self) -> bool:
        return self is Status.SUCCESS


class SciMLError(Exception):
    """Base of the failures that a user can act on; the message is one line, `exit_code` is the program's."""

    exit_code = 1


class ConfigError(SciMLError):
    """A mistake in a command, a configuration or a recipe."""

    exit_code = 2


class DataError(SciMLError):
    """A file that is damaged, hostile, of another schema, or that does not hold what was asked for."""

    exit_code = 3


class SolveFailure(SciMLError):
    """A solve or a training that ended without a usable result.

    Args:
        message: what happened and the next thing to try.
        status: the outcome as data.
    """

    exit_code = 4

    def __init__(self, message: str, status: Status = Status.BREAKDOWN) -> None:
        super().__init__(message)
        self.status = status


class ResumeMismatch(SciMLError):
    """A checkpoint or a manifest that belongs to another configuration than the one to be resumed."""

    exit_code = 5


class SampleError(ValueError):
    """A value that is not acceptable, in one sample of a batch.

    Args:
        sample: its position in the batch.
        text: what is wrong there, without the sample.
    """

    def __init__(self, sample: int, text: str) -> None:
        super().__init__(f"sample {sample}: {text}")
        self.sample, self.text = sample, text
