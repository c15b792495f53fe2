"""Run the command line as `python -m pideai_host`."""

from pideai_host.cli import main

if __name__ == "__main__":
    main()
