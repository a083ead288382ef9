"""`python -m approvals api|consume|relay|work|all|migrate|openapi`."""

from approvals.app import SERVICE
from chassis.run import main

if __name__ == "__main__":
    main(SERVICE)
