"""Tiles in a message: packed by column, and unpacked."""

import pytest

from tsne_widget.widgets.packing import packed, unpacked

TILES = [{"row": 1, "label": "cat", "cells": ["a"]}, {"row": 2, "label": "cat", "cells": ["b"]}]


def test_what_all_tiles_share_is_sent_once():
    tiles = packed({"kind": "tiles", "tiles": TILES})["tiles"]
    assert tiles == {"count": 2, "same": {"label": "cat"},
                     "each": {"row": [1, 2], "cells": [["a"], ["b"]]}}  # fmt: skip


@pytest.mark.parametrize(
    "tiles",
    [TILES, TILES[:1], [], [{"row": 1}, None], [{"row": 1}, {"label": "cat"}], [{"row": 1}] * 3],
    ids=["tiles", "one", "none", "a gap", "other fields", "equal"],
)
def test_packing_loses_nothing(tiles):
    content = {"kind": "tiles", "tiles": tiles}
    assert unpacked(packed(content)) == content


def test_a_message_without_tiles_stays_as_it_is():
    assert packed({"kind": "selected"}) == {"kind": "selected"}
