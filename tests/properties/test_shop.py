"""The shop does what a plain model of it says, whatever guests and a partner do.

`make test` plays the same few examples every time. `TANDEM_TEST_EXAMPLES` plays so many others,
chosen by `TANDEM_TEST_SEED` or by chance; what fails names the seed and the shortest steps.
"""

import os
import random
from typing import cast

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.properties.judge import Judged
from tests.properties.live import Live
from tests.properties.partner import Partner
from tests.properties.placing import Placing

EXAMPLES = 25
STEPS = 40
SEED = 1


def test_shop_does_what_the_model_says(live: Live) -> None:
    asked = os.environ.get("TANDEM_TEST_EXAMPLES")
    chance = random.randrange(2**32) if asked else SEED
    examples, number = int(asked or EXAMPLES), int(os.environ.get("TANDEM_TEST_SEED", chance))

    @seed(number)
    class Shop(Partner, Placing, Judged):
        pass

    Shop.live = live
    try:
        run_state_machine_as_test(
            cast(type[RuleBasedStateMachine], Shop),
            settings=settings(
                max_examples=examples,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except BaseException as failure:
        failure.add_note(f"Again: TANDEM_TEST_EXAMPLES={examples} TANDEM_TEST_SEED={number}")
        raise
