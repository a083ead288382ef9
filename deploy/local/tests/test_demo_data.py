"""The demo shop's articles: what is read from the retail file, and how it is made readable."""

from collections import Counter
from decimal import Decimal

import pytest

from tandem.demo_data.articles import choose_description, collect, read_articles
from tandem.demo_data.categories import category_of, tree
from tandem.demo_data.loading import category_lines, price_lines, product_lines, stock_lines
from tandem.demo_data.names import is_description, tidy


def line(sku="71053", description="WHITE METAL LANTERN", quantity=6, price="3.39"):
    return {
        "StockCode": sku,
        "Description": description,
        "Quantity": str(quantity),
        "UnitPrice": price,
    }


@pytest.fixture(scope="module")
def articles():
    return read_articles()


def test_the_file_has_2009_articles_of_which_15_cannot_be_sold(articles):
    assert len(articles) == 2009
    assert sum(not article.is_published for article in articles) == 15
    assert len({article.sku for article in articles}) == 2009


def test_postage_discounts_and_charges_are_no_articles(articles):
    skus = {article.sku for article in articles}
    assert not skus & {"POST", "DOT", "D", "M", "C2", "BANK CHARGES"}


def test_skus_that_differ_by_case_are_two_articles(articles):
    skus = {article.sku for article in articles}
    assert {"85123A", "85123a"} <= skus
    assert len({sku.lower() for sku in skus}) == len(skus) - 27


def test_the_highest_price_seen_is_the_price():
    (article,) = collect([line(price="2.55"), line(price="4.95"), line(price="0")])
    assert article.price == Decimal("4.95")


def test_only_sales_count_as_sold():
    (article,) = collect([line(quantity=6), line(quantity=-4), line(quantity=10)])
    assert article.sold == 16


def test_without_a_price_or_a_description_nothing_is_published():
    free, nameless = collect([line(price="0.0"), line(sku="99999", description="")])
    assert (free.price, free.is_published) == (None, False)
    assert (nameless.name, nameless.shown_name, nameless.is_published) == (None, "99999", False)


@pytest.mark.parametrize(
    ("descriptions", "chosen"),
    [
        (["amazon", "amazon", "RETROSPOT TEA SET"], "RETROSPOT TEA SET"),
        (["", "", "NEW ENGLAND MUG"], "NEW ENGLAND MUG"),
        (
            ["GLASS BELL JAR LARGE", "GLASS CLOCHE LARGE", "GLASS CLOCHE LARGE"],
            "GLASS CLOCHE LARGE",
        ),
        (["3 COOKIE CUTTERS  SET", "3 BISCUIT CUTTERS SET"], "3 COOKIE CUTTERS SET"),
        (["BAG 125g SWIRLY MARBLES"], "BAG 125g SWIRLY MARBLES"),
        (["Dr. Jam's Arouzer Stress Ball", "check"], "Dr. Jam's Arouzer Stress Ball"),
        (["?", "amazon", "damaged goods", ""], None),
    ],
)
def test_the_most_frequent_description_in_capitals_is_chosen(descriptions, chosen):
    assert choose_description(descriptions) == chosen


def test_notes_of_the_staff_describe_no_article(articles):
    names = {article.shown_name.lower() for article in articles}
    assert not names & {"amazon", "?", ""}


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("WHITE HANGING HEART T-LIGHT HOLDER", "White hanging heart T-light holder"),
        ("  KNITTED UNION FLAG  HOT WATER BOTTLE ", "Knitted Union flag hot water bottle"),
        ("SET/4 RED MINI ROSE CANDLE", "Set of 4 red mini rose candle"),
        ("VINTAGE CHRISTMAS GIFT BAG LARGE", "Vintage Christmas gift bag large"),
        ("NEW ENGLAND MUG W GIFT BOX", "New England mug with gift box"),
        ("CHARLIE+LOLA RED HOT WATER BOTTLE", "Charlie + Lola red hot water bottle"),
        ('LETTER "A" BLING KEY RING', 'Letter "A" bling key ring'),
        ("BREAD BIN, DINER STYLE, IVORY", "Bread bin, diner style, ivory"),
        ("FUNKY,MAGIC GARDEN .", "Funky, magic garden"),
        ("TV DINNER TRAY DOLLY GIRL", "TV dinner tray Dolly girl"),
        ("FAIRY CAKE NOTEBOOK A5 SIZE", "Fairy cake notebook A5 size"),
        ("3D CHRISTMAS STAMPS STICKERS", "3D Christmas stamps stickers"),
        ("PINK/WHITE RIBBED MELAMINE JUG", "Pink/white ribbed melamine jug"),
        ("60 TEATIME FAIRY CAKE CASES", "60 teatime fairy cake cases"),
        ("POLYESTER FILLER PAD 45x45cm", "Polyester filler pad 45x45cm"),
        ("CHILDREN'S SPACEBOY MUG", "Children's Spaceboy mug"),
        ("Dr. Jam's Arouzer Stress Ball", "Dr. Jam's Arouzer Stress Ball"),
    ],
)
def test_descriptions_become_readable(description, name):
    assert tidy(description) == name


def test_all_names_are_readable(articles):
    for article in articles:
        if article.name is not None:
            assert article.name == " ".join(article.name.split())
            assert 3 <= len(article.name) <= 200
            assert article.name[0].isupper() or not article.name[0].isalpha()
            assert not is_description(article.name), article.name


@pytest.mark.parametrize(
    ("description", "category"),
    [
        ("WHITE METAL LANTERN", "lighting"),
        ("WHITE HANGING HEART T-LIGHT HOLDER", "candles"),
        ("RED RETROSPOT MUG", "mugs"),
        ("PACK OF 72 RETROSPOT CAKE CASES", "party-tableware"),
        ("WOODEN TREE CHRISTMAS DECORATION", "christmas-decorations"),
        ("JUMBO BAG RED RETROSPOT", "shopping-bags"),
        ("LUNCH BAG RED RETROSPOT", "lunch-bags"),
        ("GREEN MURANO TWIST BRACELET", "bracelets"),
        ("KNITTED UNION FLAG HOT WATER BOTTLE", "wellbeing"),
        ("VINTAGE SNAKES & LADDERS", "games"),
        ("DOORMAT AIRMAIL", "hooks"),
        ("", "other"),
    ],
)
def test_words_decide_the_category(description, category):
    assert category_of(description) == category


def test_the_tree_has_two_levels_and_parents_come_first():
    seen = set()
    for category in tree():
        assert category.parent is None or category.parent in seen
        assert category.key not in seen
        seen.add(category.key)
    roots = {category.key for category in tree() if category.parent is None}
    assert all(category.parent in roots | {None} for category in tree())


def test_every_leaf_has_articles_and_few_are_left_over(articles):
    counts = Counter(article.category for article in articles)
    parents = {category.parent for category in tree()}
    leaves = {category.key for category in tree() if category.key not in parents}
    assert counts.keys() == leaves
    assert min(counts[leaf] for leaf in leaves) >= 10
    assert counts["other"] < len(articles) // 50


def test_lines_of_the_load_are_what_the_services_take(articles):
    assert len(category_lines()) == len(tree())
    products = product_lines(articles)
    assert [product.key for product in products] == [article.sku for article in articles]
    assert sum(not product.is_published for product in products) == 15
    assert len(price_lines(articles)) == len(stock_lines(articles)) == 1994
    assert min(stock.on_hand for stock in stock_lines(articles)) >= 1000
