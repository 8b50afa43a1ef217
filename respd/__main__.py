"""`python -m respd`: the server."""

from respd.cli import main

if __name__ == "__main__":
    main()
