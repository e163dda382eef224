"""What axe-core finds wrong with a page, in the light theme and in the dark one."""

from rcg.web import bundle

AXE = bundle.FRONTEND / "node_modules" / "axe-core" / "axe.min.js"

CUT_OFF = """() => [...document.querySelectorAll(".tile *")].filter((each) =>
  each.getBoundingClientRect().right > each.closest(".tile").getBoundingClientRect().right + 1
).map((each) => each.outerHTML.slice(0, 120))"""


def complaints(page, where):
    """Of both themes after one load: colours follow the theme at once where motion is reduced, and nothing
    but them does, so that the dark one is only looked at for contrast.

    The page's own policy rightly forbids what is injected here: it is opened with ``bypass_csp``.
    """
    page.evaluate(AXE.read_text("utf-8"))
    found = []
    for theme, rules in (("light", ""), ("dark", ", runOnly: ['color-contrast']")):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        result = page.evaluate(f"axe.run(document, {{resultTypes: ['violations']{rules}}})")
        found += [f"{where}, {theme}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in result["violations"]]
    return found


def walk(page, paths, *widths):
    """What is wrong with pages, each loaded once at its own width: axe's complaints, and whether one is
    wider than the screen, or a tile cuts something off, at that or a further width.
    """
    own, wrong = page.viewport_size, []
    for path in paths:
        page.set_viewport_size(own)
        page.goto(path)
        page.wait_for_timeout(400)
        wrong += complaints(page, path)
        for width in (own["width"], *widths):
            page.set_viewport_size({"width": width, "height": own["height"]})
            page.wait_for_timeout(50)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wrong.append(f"{path}: wider than {width}")
            wrong += [f"{path}, {width}: cut off: {what}" for what in page.evaluate(CUT_OFF)]
    return wrong
