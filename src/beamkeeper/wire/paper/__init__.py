"""Papers: what people read when nothing else works.

`setting` makes a PDF of a template and facts, the same bytes on any computer; `glyphs` knows which characters
can be printed; `pages` makes HTML that loads and runs nothing. What stands on a paper is decided elsewhere.
"""

__all__: list[str] = []
