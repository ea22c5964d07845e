"""What communities toggle and tune: declared by plugins, set by the file or by mutation, inherited down the tree."""

from core.enums import Move, Origin, PluginState
from core.settings.declare import Declared, Key, Settings, declared, setting
from core.settings.tree import Bound, Effective, Own, SettingsBook, Switch

__all__ = [
    "Bound", "Declared", "Effective", "Key", "Move", "Origin", "Own", "PluginState", "Settings", "SettingsBook",
    "Switch", "declared", "setting",
]  # fmt: skip
