"""Companies, units and members with all that follows when they change: profiles are told, access
is revoked, groups are tried. It lies above those, which know nothing of each other's consequences.
"""
