"""What is in the pretend Confluence before anybody comes: a space with a little of everything."""

from __future__ import annotations

from livesync_pipelines.sandbox.confluence.site import Site, Space
from livesync_pipelines.sandbox.world import World

_GUIDE = """
<h1>Sowing</h1><p>Sow ferns <strong>in spring</strong>; see
<ac:link><ri:page ri:content-title="Watering" /></ac:link>.</p>
<ac:structured-macro ac:name="warning"><ac:rich-text-body><p>Keep out of frost.</p>
</ac:rich-text-body></ac:structured-macro>
<table><tbody><tr><th>Plant</th><th>Depth</th></tr><tr><td>Fern</td><td>0 cm</td></tr></tbody>
</table>
<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">python</ac:parameter>
<ac:plain-text-body><![CDATA[print("grow")]]></ac:plain-text-body></ac:structured-macro>
"""


def planted(world: World, pages: int) -> Site:
    """A space `GARDEN` with a guide, an attached file, a blog post, a comment and so many notes
    under the guide; one page is in its trash, and one only Ben may see."""
    site = Site(world)
    garden = site.open_space("GARDEN", "Garden")
    guide = site.create("page", garden, "Sowing", storage=_GUIDE)
    site.label(guide.id, "how-to")
    site.create("page", garden, "Watering", storage="<p>Water in the morning.</p>")
    _hung(site, garden, guide.id)
    for count in range(pages):
        text = f"<p>Bed {count + 1} holds {count % 7 + 1} ferns.</p>"
        site.create("page", garden, f"Bed {count + 1}", storage=text, parent=guide.id)
    old = site.create("page", garden, "Old plan", storage="<p>Roses.</p>")
    site.turn(old.id, "trashed")
    secret = site.create("page", garden, "Ben's page", storage="<p>Orchids.</p>")
    site.restrict(secret.id, frozenset({world.people[1].email}))
    return site


def _hung(site: Site, space: Space, page_id: str) -> None:
    data, kind = b"# Depths\n\nFerns lie on the soil.\n", "text/markdown"
    site.create("attachment", space, "depths.md", parent=page_id, data=data, media_type=kind)
    site.create("comment", space, "Re: Sowing", parent=page_id, storage="<p>Thank you!</p>")
    site.create("blogpost", space, "Spring is here", storage="<p>The first fronds unroll.</p>")
