"""`python -m shelf`, for the tests of commands and signals."""

from chassis.run import main

from .app import SERVICE

main(SERVICE)
