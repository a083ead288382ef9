"""`python -m accounts api|consume|relay|work|all|migrate|openapi`."""

from accounts.app import SERVICE
from chassis.run import main

if __name__ == "__main__":
    main(SERVICE)
