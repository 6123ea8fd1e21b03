"""Small pictures for the metadata of materialisations: plain SVG, with rasters inside.

Nothing here knows Dagster, and nothing but numpy is imported. SVG, because letters stay sharp,
names in any script are drawn by the reader's browser, and a picture is some kilobytes; what has
many points (spectrograms, piano rolls) is an indexed PNG within it. Matplotlib would cost half a
second of import in every run.
"""
