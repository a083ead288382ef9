"""Whom an assortment is for, and what its rules name."""

from datetime import UTC, datetime, timedelta

from catalog.assortment.domain import Clause, Named, Side, Target, clauses_of, targets_of
from contracts.buyers import AgreementFacts, BuyerProfile
from contracts.catalog import AssortmentRule, BuyerLevel
from contracts.ids import new_id

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def buyer(**values):
    return BuyerProfile.model_validate(
        {
            "member_id": new_id(),
            "sequence": 1,
            "is_active": True,
            "company": "acme",
            "units": ["shop", "root"],
            "roles": [],
            "groups": ["volume", "new"],
            "agreements": [],
            "country": "GB",
            "currency": "EUR",
            **values,
        }
    )


def test_a_buyer_is_of_their_groups_company_and_units_upward():
    assert targets_of(buyer(), now=NOW) == [
        Target(BuyerLevel.GROUP, "", "volume"),
        Target(BuyerLevel.GROUP, "", "new"),
        Target(BuyerLevel.COMPANY, "", "acme"),
        Target(BuyerLevel.UNIT, "acme", "shop"),
        Target(BuyerLevel.UNIT, "acme", "root"),
    ]


def test_only_agreements_in_force_count():
    agreements = [
        AgreementFacts(key="always", priority=0),
        AgreementFacts(key="begins", priority=0, valid_from=NOW),
        AgreementFacts(key="ends", priority=0, valid_to=NOW),
        AgreementFacts(key="soon", priority=0, valid_from=NOW + SECOND),
        AgreementFacts(key="still", priority=0, valid_to=NOW + SECOND),
    ]
    targets = targets_of(buyer(agreements=agreements), now=NOW)
    in_force = [one.key for one in targets if one.level is BuyerLevel.AGREEMENT]
    assert in_force == ["always", "begins", "still"]


def test_rules_name_each_thing_once():
    include = AssortmentRule(categories=["b", "a", "b"], skus=["1"])
    exclude = AssortmentRule(products=["p"])
    assert clauses_of(include, exclude) == [
        Clause(Side.INCLUDE, Named.CATEGORY, "a"),
        Clause(Side.INCLUDE, Named.CATEGORY, "b"),
        Clause(Side.INCLUDE, Named.SKU, "1"),
        Clause(Side.EXCLUDE, Named.PRODUCT, "p"),
    ]
    assert clauses_of(None, None) == []
