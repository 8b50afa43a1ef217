"""Lua scripting: `runtime` keeps scripts and `functions` libraries, `running` runs both; `sandbox` is what they see."""
