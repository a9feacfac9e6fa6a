"""Export and import: a whole Parley as lines of JSON, from one database into another one."""

from api.services.transfer.reader import Refused, import_all
from api.services.transfer.tables import EXPORTED, LEFT_OUT
from api.services.transfer.writer import export_all

__all__ = ["EXPORTED", "LEFT_OUT", "Refused", "export_all", "import_all"]
