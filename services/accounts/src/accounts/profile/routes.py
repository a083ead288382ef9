"""Profiles and revocations over HTTP: for the services of this shop only."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path

from accounts.errors import MemberUnknown
from accounts.profile import queries
from accounts.profile.commands import KEPT
from chassis.auth import NeedsService
from chassis.clock import Now
from chassis.db import Reader
from chassis.settings import SERVICES
from contracts.buyers import BuyerProfile, Revocations

router = APIRouter(prefix="/v1", tags=["buyer profiles"], dependencies=[NeedsService(*SERVICES)])

MemberId = Annotated[
    UUID, Path(description="The member's id.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"])
]


@router.get("/buyer-profiles/{member_id}", summary="Read a buyer's profile")
async def get_buyer_profile(member_id: MemberId, reader: Reader) -> BuyerProfile:
    """What decides assortment, price and approval for a member, as it is now; also of one whose
    access was taken away, who is told as not active.
    """
    profile = await queries.find_profile(reader, member_id)
    if profile is None:
        raise MemberUnknown(str(member_id))
    return profile


@router.get("/revocations", summary="List access that was taken away")
async def list_revocations(reader: Reader, now: Now) -> Revocations:
    """What a process asks for that starts or may have missed a broadcast: revocations of twice the
    life of a token.
    """
    return Revocations(items=await queries.list_revocations(reader, since=now - KEPT))
