"""Who grounds the batches of a plan: this process, or the workers of a Ray cluster."""

from .job import Executor, Job
from .local import LocalExecutor

__all__ = ["Executor", "Job", "LocalExecutor"]
