"""`python -m eigenlorax`, and the command `eigenlorax`."""

import sys


def main() -> None:
    """Run the command line; packages that are not there are named, with what to do."""
    try:
        from eigenlorax.cli import app

        app(prog_name="eigenlorax")
    except ImportError as error:
        from eigenlorax.doctor.packages import missing

        names = ", ".join(missing()) or error.name or str(error)
        sys.exit(f"eigenlorax: {names} is missing: run  pip install -r requirements.txt")


if __name__ == "__main__":
    main()
