"""The one gate of an application through which all secrets go that are checked or hashed."""

from typing import Annotated, cast

from fastapi import Depends, Request

from accounts.partner.hashing import HashingGate, create_gate
from accounts.settings import AccountsSettings
from chassis.runtime import Live


async def get_gate(request: Request, runtime: Live) -> HashingGate:
    """The application's one gate, made at its first use."""
    state = request.app.state
    if not hasattr(state, "hashing_gate"):
        state.hashing_gate = create_gate(cast(AccountsSettings, runtime.settings))
    return cast(HashingGate, state.hashing_gate)


Gate = Annotated[HashingGate, Depends(get_gate)]
