"""`python -m pricing api | consume | relay | work | all | migrate | openapi`."""

from chassis.run import main
from pricing.app import SERVICE

if __name__ == "__main__":
    main(SERVICE)
