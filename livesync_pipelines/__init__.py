"""LiveSync keeps capsules and tables in step with the places where people write.

Rooms, each importing only itself and what stands to its left:
model < core < formats < net < store < connectors < engine < { web, cli, defs }
"""
