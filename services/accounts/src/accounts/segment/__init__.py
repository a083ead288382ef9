"""Which companies are in which customer group: tries rules when facts or rules change, and tells
who is concerned. It lies above companies and profiles, which read the groups themselves.
"""
