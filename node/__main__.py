"""`python -m node`: the same as `sycee-node`."""

from node.cli import main

if __name__ == "__main__":
    main()
