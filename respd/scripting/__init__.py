"""Lua scripting: `runtime` keeps and runs scripts, `sandbox` is what they see, `values` what goes in and comes out."""
