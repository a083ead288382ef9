"""A category tree for a gift shop, and the words that put an article into it.

The rules are tried from top to bottom and the first that fits wins, so what an article is for
(Christmas, a party) stands above what it is (a candle), and that above what it is made of.
"""

import re
from dataclasses import dataclass

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the tree; `parent` is None for a root."""

    key: str
    name: str
    parent: str | None = None


_TREE: dict[tuple[str, str], dict[str, str]] = {
    ("home", "Home"): {
        "candles": "Candles & holders",
        "lighting": "Lighting",
        "textiles": "Cushions & textiles",
        "signs": "Signs & letters",
        "clocks-frames": "Clocks, mirrors & frames",
        "storage": "Furniture & storage",
        "hooks": "Hooks, knobs & doormats",
        "ornaments": "Ornaments & decorations",
    },
    ("kitchen", "Kitchen & dining"): {
        "mugs": "Mugs & glasses",
        "tea": "Tea & coffee",
        "baking": "Baking",
        "tableware": "Tableware",
        "kitchenware": "Kitchenware",
        "lunch-boxes": "Lunch boxes & picnic",
    },
    ("garden", "Garden"): {
        "plants-birds": "Plants & birds",
        "outdoors": "Outdoors",
    },
    ("christmas", "Christmas"): {
        "christmas-decorations": "Christmas decorations",
        "christmas-lights": "Christmas lights & candles",
        "christmas-paper": "Christmas cards & wrap",
    },
    ("party", "Party"): {
        "party-tableware": "Party tableware",
        "party-decorations": "Bunting & party decorations",
    },
    ("stationery", "Stationery & craft"): {
        "cards": "Greeting cards",
        "wrapping": "Gift wrap & ribbons",
        "drawing": "Pens, pencils & drawing",
        "craft": "Sewing & craft",
        "notebooks": "Notebooks, stickers & desk",
    },
    ("jewellery", "Jewellery & accessories"): {
        "necklaces": "Necklaces",
        "bracelets": "Bracelets & rings",
        "earrings": "Earrings",
        "key-rings": "Key rings & charms",
        "accessories": "Scarves, hair & umbrellas",
    },
    ("bags", "Bags & travel"): {
        "shopping-bags": "Shopping & storage bags",
        "lunch-bags": "Lunch bags",
        "purses": "Handbags & purses",
        "travel": "Travel",
    },
    ("toys", "Toys & games"): {
        "games": "Games & puzzles",
        "dolls": "Dolls & toys",
    },
    ("bath", "Bath & wellbeing"): {
        "bathroom": "Bathroom",
        "wellbeing": "Warmth & fragrance",
    },
    (OTHER, "Other gifts"): {},
}

# Words without their plural s. `a_b`: one after the other; `a+b`: both, wherever they stand.
_RULES: tuple[tuple[str, str], ...] = (
    (
        "christmas-paper",
        "christmas+card christmas+wrap christmas+tag christmas+sack christmas+paper "
        "christmas+ribbon christmas+tape christmas+sticker christmas+tissue christmas+napkin "
        "christmas+pudding+cup advent",
    ),
    (
        "christmas-lights",
        "christmas+light christmas+candle christmas+lantern christmas+t_light angel+candle "
        "tree+light santa+light",
    ),
    (
        "christmas-decorations",
        "christmas bauble santa reindeer snowmen snowflake sleigh noel tinsel holly gingerbread "
        "stocking angel_decoration icicle tree_decoration jingle wreath pinecone robin yuletide "
        "snow",
    ),
    ("tableware", "napkin_ring napkin_charm"),
    ("lighting", "light_string light+string string_light"),
    ("games", "magic_drawing magic_slate magic_trick"),
    ("craft", "patche felt_craft feltcraft+kit craft_kit make_your_own"),
    ("kitchenware", "oven peg_bag washing_up"),
    ("hooks", "doormat door_mat door_hanger hook knob drawerknob"),
    (
        "party-tableware",
        "paper_plate paper_cup napkin cocktail straw party_bag cake_case popcorn doilie doily "
        "party_food cupcake_case petit_four",
    ),
    (
        "party-decorations",
        "bunting balloon party garland confetti honeycomb halloween pumpkin candle+cake "
        "birthday+candle parasol+drink paper_chain easter pennant paper_ball celebration",
    ),
    ("cards", "card postcard invite notelet"),
    (
        "wrapping",
        "wrap gift_bag ribbon tissue+paper gift_tape tag twine gift_box gift_boxe wrapping present",
    ),
    ("lunch-boxes", "lunch_box lunch+box snack_box snack sandwich flask beaker picnic"),
    ("lunch-bags", "lunch_bag charlotte_bag"),
    ("shopping-bags", "jumbo_bag shopper shopping tote jumbo storage_bag cotton_bag"),
    (
        "travel",
        "luggage passport travel traveling backpack weekend_bag washbag wash_bag overnight",
    ),
    (
        "purses",
        "purse handbag cosmetic cardholder shoulder_bag drawstring glasse_case bag",
    ),
    ("necklaces", "necklace pendant lariat neckl"),
    (
        "bracelets",
        "bracelet bangle diamante_ring expandable_ring rosebud_ring gum_ring boudicca_ring",
    ),
    ("earrings", "earring"),
    ("key-rings", "key_ring keyring key_fob phone_charm bag_charm phone+charm charm fob"),
    (
        "accessories",
        "brooch hair hairband hairclip hairslide tiara scarf glove mitten hat shoe slipper sock "
        "poncho umbrella badge cap rain_mac fan sombrero mac muff shirt",
    ),
    (
        "candles",
        "candle t_light tealight votive candlestick candleholder candlepot candelabra "
        "candlestand chocolatecandle baroquecandlestick",
    ),
    (
        "bathroom",
        "bath bathroom soap toothpaste toilet flannel shower sponge wc washroom plaster tissue",
    ),
    (
        "wellbeing",
        "hot_water_bottle hand_warmer hottie hot_water incense oil_burner fragrance scent eau "
        "lip lipstick compact sleeping",
    ),
    ("mugs", "mug cup teacup goblet tumbler wine_glass champagne_glass milkshake cocktail_glass"),
    ("tea", "tea teapot teatime coffee caddy sugar milk_jug cafe"),
    (
        "baking",
        "cake cakestand baking bake cookie cutter biscuit mixing measuring_spoon measuring_cup "
        "measure_spoon pudding recipe pantry bread pizza pannetone cupcake spoon ladle cooking "
        "measuring",
    ),
    (
        "tableware",
        "bowl plate dish jug cutlery placemat coaster tray condiment platter salt toastrack "
        "dinner breakfast tablecloth chopstick egg teaspoon place_setting table_mat bottle jar",
    ),
    (
        "drawing",
        "pencil pen crayon chalk colouring drawing rubber eraser sharpener chalkboard "
        "blackboard stencil stamp ruler paint canva writing modelling",
    ),
    (
        "games",
        "jigsaw game puzzle dominoe skittle ludo bingo tattoo snap croquet marble rounder "
        "skipping glider spinning snake yo ball trick harmonica sporting hoop musical",
    ),
    (
        "dolls",
        "doll teddy puppet soft_toy toy dinosaur soldier playhouse robot babushka rattle ninja "
        "monster inflatable helicopter engine rocket instrument money_box money_bank money bank "
        "piggy princess crawlie spaceball tool_set rabbit fairy",
    ),
    (
        "craft",
        "sewing knitting craft button patch fabric felt wool origami sew feltcraft bead crochet "
        "embroidery needle reel decoupage kit tape sticky scissor",
    ),
    (
        "notebooks",
        "notebook sketchbook journal diary memo memoboard sticker calculator calendar album "
        "bookcover book letter_rack envelope stationery organiser office paperweight magazine "
        "phone headphone radio clip notelet file speaker",
    ),
    (
        "kitchenware",
        "apron kitchen colander frying pan jam cook tin fridge food magnet utensil utility bin "
        "laundry ironing iron peg cheese squeezer lid stopper clothe matche scale washing "
        "popsicle toast microwave sieve towel",
    ),
    (
        "plants-birds",
        "plant pot watering bird_house birdhouse nest herb seed planter grow potting fork spade "
        "trowel cactus cacti secateur rake bird_table jardin birdcage hyacinth",
    ),
    (
        "outdoors",
        "garden parasol windmill chime bucket beach seaside hammock gazebo thermometer gnome "
        "flag deck windsock citronella fishing shed trellis swat umbrella_stand flying",
    ),
    ("lighting", "light lamp lantern lampshade shade torch lightbulb led bulb silicon"),
    ("textiles", "cushion quilt throw blanket curtain bed doorstop pad cover squarecushion"),
    (
        "signs",
        "sign letter doorsign word tile number slate billboard message plaque alphabet art",
    ),
    ("clocks-frames", "clock mirror frame photo picture print collage poster"),
    (
        "storage",
        "box boxe basket chest drawer cabinet shelf storage rack case crate trinket cupboard tub "
        "container tidy shelve sideboard table chair stool seat ladder screen lounge bookend",
    ),
    ("hooks", "hanger coat door bell coathanger"),
    (
        "ornaments",
        "vase ornament decoration heart bird butterfly flower cat dog owl angel star feather "
        "hanging mobile curio ashtray cockerel duck hen chick butterflie daisy dove cornice "
        "mosaic horse elephant frog mouse gecko decorative rose gem crystal shell bouquet bunny "
        "bunnie glitter swallow cluster cherry lily cloche tree dragonfly lace ceramic posy "
        "topiary stand zinc mushroom pear geisha cadet hand droplet wicker posie flock raffia",
    ),
)


def tree() -> list[Category]:
    """All categories, parents first; siblings stand in the order of the shop's menu."""
    roots = [Category(key, name) for key, name in _TREE]
    leaves = [
        Category(key, name, parent)
        for (parent, _), children in _TREE.items()
        for key, name in children.items()
    ]
    return roots + leaves


def category_of(description: str) -> str:
    """The key of the category that an article belongs in by its description."""
    words = re.findall(r"[a-z]+", description.lower().replace("'", ""))
    text = f" {' '.join(map(_singular, words))} "
    for key, phrases in _RULES:
        if any(_fits(phrase, text) for phrase in phrases.split()):
            return key
    return OTHER


def _fits(phrase: str, text: str) -> bool:
    return all(f" {words.replace('_', ' ')} " in text for words in phrase.split("+"))


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "mas")):
        return word[:-1]
    return word
