"""What axe-core finds wrong with a page, in the light theme and in the dark one."""

from rcg.web import bundle

AXE = bundle.FRONTEND / "node_modules" / "axe-core" / "axe.min.js"


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
