"""The pages: the same read models as the API, rendered for people. They work without scripts.

One module and one template per page; `serving.pages.router` registers them.
"""

from serving.pages.desk import Desk
from serving.pages.router import STATIC, pages

__all__ = ["STATIC", "Desk", "pages"]
