"""Placing an order: a guest's, and that of a company's member. Each ends placed or fully undone."""

from orders.order.process.company import COMPANY_PLACING, cancel_placing
from orders.order.process.guest import PLACING
from orders.order.process.start import begin_placing

__all__ = ["COMPANY_PLACING", "PLACING", "begin_placing", "cancel_placing"]
