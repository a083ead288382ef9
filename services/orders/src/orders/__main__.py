"""`python -m orders api|consume|relay|work|all|migrate|openapi`."""

from chassis.run import main
from orders.app import SERVICE

if __name__ == "__main__":
    main(SERVICE)
