"""`python -m testpay api|work|all|migrate|openapi`."""

from chassis.run import main
from testpay.app import SERVICE

if __name__ == "__main__":
    main(SERVICE)
