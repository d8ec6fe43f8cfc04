"""`python -m eigenlorax`, and the command `eigenlorax`."""

import sys


def main() -> None:
    """Run the command line; a package that is not there is named in one line."""
    try:
        from eigenlorax.cli import app
    except ImportError as error:
        sys.exit(f"eigenlorax: {error.name or error} is missing: run  pip install -r requirements.txt")
    app(prog_name="eigenlorax")


if __name__ == "__main__":
    main()
