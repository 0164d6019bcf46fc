"""Governed data: a catalog of contracts, a policy, reading by name for a purpose, and an audit line for each access.

    table = access.read("transactions", purpose="training", columns=["product_id", "week", "quantity"])
    con = access.open(["transactions", "promotions"], purpose="training")

Enforcement is advisory: code in a kernel can open the files itself. Importing this loads no engine.
"""

from workbench.access.catalog import catalog, confirm, show
from workbench.access.check import check, check_all
from workbench.access.policy import decide
from workbench.access.read import explain, identity, open, permit, read
from workbench.access.register import register

__all__ = [
    "catalog",
    "check",
    "check_all",
    "confirm",
    "decide",
    "explain",
    "identity",
    "open",
    "permit",
    "read",
    "register",
    "show",
]
