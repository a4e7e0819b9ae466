from unittest.mock import MagicMock

MaxNLocator = MagicMock
