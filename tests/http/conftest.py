"""A studio of the tiny model with two styles behind its HTTP interface."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from eigenlorax.http.access import Access
from eigenlorax.http.app import http_app
from eigenlorax.jobs.opening import open_jobs
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio

LOCAL = "http://127.0.0.1:7860"
SMALL = {"width": 64, "height": 64, "steps": 2, "seed": 7}


@pytest.fixture(scope="module")
def jobs(styled_studio: Studio) -> Iterator[JobServer]:
    with open_jobs(styled_studio) as server:
        yield server


@pytest.fixture(scope="module")
def app(styled_studio: Studio, jobs: JobServer) -> FastAPI:
    return http_app(styled_studio, jobs, Access())


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=LOCAL) as found:
        yield found
