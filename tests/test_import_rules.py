"""The house's rules: who may import whom, and which names may not occur.

Each rule holds for the tree as it is, and is seen to fail on a copy in which it was broken.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "contracts": "contracts/src",
    "chassis": "services/chassis/src",
    "catalog": "services/catalog/src",
    "pricing": "services/pricing/src",
    "orders": "services/orders/src",
    "accounts": "services/accounts/src",
    "approvals": "services/approvals/src",
    "gateway": "gateway/src",
    "tandem": "deploy/local/src",
    "testpay": "deploy/testpay/src",
}
SERVICES = ("catalog", "pricing", "orders", "accounts", "approvals")
ROOMS = "domain tables views queries commands process jobs routes consumers".split()
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "services"}
# "order", "store" and "delivery" have a meaning in technique too, so they are left out.
SERVICE_NOUNS = set(
    "catalog pricing accounts approvals product products sku skus variant category categories"
    " price prices cart carts stock warehouse payment payments shipment invoice company assortment"
    " coupon tax".split()
)
# The two places of the chassis that know more: whom a process may call, and for whom buyers act.
KNOW_MORE = ("settings.py", "buyers.py")

STRANGERS = "Services are strangers; all rest on chassis, chassis on contracts"
ROOMS_RULE = "Rooms of a feature"
PURE = "Domain is pure"
SHAPES = "Contracts are only shapes"
GATEWAY = "Gateway has no database"
CYCLES = "Features form no cycle"
APP = "An app needs no database"
BUS = "The bus knows no inbox"

# The contract that breaks, the module that breaks it, what it imports.
PLANTED = [
    (STRANGERS, "orders.stock.planted", "pricing.store"),
    (STRANGERS, "gateway.planted", "catalog.store"),
    (STRANGERS, "chassis.planted", "accounts.token"),
    (STRANGERS, "contracts.planted", "chassis.clock"),
    (STRANGERS, "approvals.planted", "tandem.ports"),
    (ROOMS_RULE, "pricing.tax.domain", "pricing.tax.tables"),
    (ROOMS_RULE, "pricing.tax.tables", "pricing.tax.views"),
    (ROOMS_RULE, "pricing.tax.views", "pricing.tax.queries"),
    (ROOMS_RULE, "pricing.tax.queries", "pricing.tax.process"),
    (ROOMS_RULE, "pricing.tax.process", "pricing.tax.routes"),
    (ROOMS_RULE, "pricing.tax.consumers", "pricing.tax.routes"),
    (ROOMS_RULE, "pricing.tax.jobs", "pricing.tax.consumers"),
    (PURE, "catalog.category.domain", "sqlalchemy"),
    (PURE, "orders.stock.domain", "chassis.clock"),
    (SHAPES, "contracts.money", "fastapi"),
    (GATEWAY, "gateway.settings", "asyncpg"),
    (CYCLES, "catalog.store.commands", "catalog.category.queries"),
    (CYCLES, "catalog.category.queries", "catalog.store.commands"),
    (APP, "chassis.app", "chassis.db"),
    (BUS, "chassis.bus", "chassis.inbox"),
    (BUS, "chassis.broadcast", "chassis.inbox"),
]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """What import-linter says of each contract on a copy with every violation planted."""
    copy = copy_of_tree(tmp_path_factory.mktemp("house"))
    for _, module, imported in PLANTED:
        append(copy, module, f"import {imported}")
        append(copy, imported, "") if imported.split(".")[0] in SOURCES else None
    return lint(copy)


@pytest.mark.parametrize(("contract", "module", "imported"), PLANTED)
def test_planted_violation_breaks_the_intended_contract(verdicts, contract, module, imported):
    state, text = verdicts[contract]
    assert state == "BROKEN"
    chain = "No cycles are allowed in catalog." if contract == CYCLES else f"{module} -> {imported}"
    assert chain in text


def test_every_contract_is_kept_here_and_seen_to_break():
    kept = lint(ROOT)
    assert {name: state for name, (state, _) in kept.items() if state != "KEPT"} == {}
    assert set(kept) == {contract for contract, _, _ in PLANTED}


def test_every_feature_is_listed():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rooms = next(c for c in contracts["contracts"] if c["name"] == ROOMS_RULE)
    assert features(ROOT) <= set(rooms["containers"])


def test_house_has_no_faults():
    assert faults(ROOT) == []


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        ("orders.order.utils", "", "orders/order/utils.py: a name that says nothing"),
        ("chassis.manager", "", "chassis/manager.py: a name that says nothing"),
        ("chassis.clock", "cart_id = 1", "chassis/clock.py: a service's noun, cart"),
        ("chassis.cart", "", "chassis/cart.py: a service's noun, cart"),
        (
            "orders.cart.queries",
            "from orders.stock import tables",
            "orders/cart/queries.py: another feature's tables, orders.stock.tables",
        ),
        (
            "orders.delivery.commands",
            "from orders.stock.tables import LevelRow",
            "orders/delivery/commands.py: another feature's tables, orders.stock.tables",
        ),
    ],
)
def test_planted_fault_is_found(tmp_path, module, line, fault):
    copy = copy_of_tree(tmp_path)
    append(copy, module, line)
    assert any(found.endswith(fault) for found in faults(copy))


def copy_of_tree(target):
    for source in SOURCES.values():
        shutil.copytree(
            ROOT / source,
            target / source,
            ignore=lambda _, names: [name for name in names if not is_code(name)],
        )
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


def is_code(name):
    return name.endswith(".py") or ("." not in name and name != "__pycache__")


def append(root, module, line):
    """Write a line at the end of a module, made when there is none."""
    path = root / SOURCES[module.split(".")[0]] / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    with path.open("a") as file:
        file.write(f"\n{line}\n")


def lint(root):
    """State and text of each contract, by name, as import-linter reports on this tree."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--config", root / "pyproject.toml", "--no-cache"],
        cwd=root,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(str(root / source) for source in SOURCES.values()),
            "COLUMNS": "400",
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    summary = dict(re.findall(r"^(\S.*) (KEPT|BROKEN)(?: .*)?$", done.stdout, re.MULTILINE))
    assert summary, done.stdout + done.stderr
    # Each broken contract has a chapter, its name underlined.
    chapters = re.split(r"^(\S.*)\n-+$", done.stdout, flags=re.MULTILINE)
    texts = dict(zip(chapters[1::2], chapters[2::2], strict=True))
    return {name: (state, texts.get(name, "")) for name, state in summary.items()}


def features(root):
    """Packages of services that have a room."""
    return {
        f"{service}.{folder.name}"
        for service in SERVICES
        for folder in (root / SOURCES[service] / service).iterdir()
        if any((folder / f"{room}.py").exists() for room in ROOMS)
    }


def faults(root):
    """What no import rule can say: names of files, nouns in the chassis, private tables."""
    return [
        f"{path.relative_to(root)}: {fault}"
        for source in SOURCES.values()
        for path in sorted((root / source).rglob("*.py"))
        for fault in faults_of(path)
    ]


def faults_of(path):
    if path.stem in BANNED_NAMES:
        yield "a name that says nothing"
    tree = ast.parse(path.read_bytes())
    if "chassis" in path.parts and path.name not in KNOW_MORE:
        words = {word for name in [path.stem, *names_in(tree)] for word in words_of(name)}
        yield from (f"a service's noun, {word}" for word in sorted(words & SERVICE_NOUNS))
    yield from (
        f"another feature's tables, {module}"
        for module in imports_in(tree)
        if (match := re.match(r"(\w+)\.(\w+)\.tables", module))
        and match[2] not in path.parts[path.parts.index("src") :]
    )


def names_in(tree):
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value


def words_of(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")


def imports_in(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.endswith(".tables"):
                yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
