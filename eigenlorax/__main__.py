"""`python -m eigenlorax`."""

from eigenlorax.cli import app

if __name__ == "__main__":
    app()
