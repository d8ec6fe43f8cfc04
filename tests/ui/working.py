"""Jobs of the page, run to their end by tests."""

from eigenlorax.jobs.job import Facts, State
from eigenlorax.jobs.server import JobServer


def done(jobs: JobServer, kind: str, asked: Facts) -> Facts:
    """The result of a job that has to succeed."""
    job = jobs.wait(jobs.submit(kind, asked, kind), 60.0)
    assert job.state is State.DONE and job.result is not None, job.error
    return job.result
