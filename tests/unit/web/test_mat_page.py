import re


def test_the_page_offers_both_papers_and_shows_what_is_known(client):
    page = client.get("/capture/mat").text
    assert 'src="/api/mat/preview?paper=a4"' in page
    assert re.search(r'href="/capture/mat\?paper=a4" aria-current="true"', page)
    assert "not measured" in page
    assert "rcg mat --paper a4 --out rcg-mat-a4.pdf" in page
    letter = client.get("/capture/mat?paper=letter").text
    assert 'href="/api/mat?paper=letter"' in letter
    assert "rcg mat --paper letter" in letter
    assert 'src="/api/mat/preview?paper=a4"' in client.get("/capture/mat?paper=nonsense").text


def test_a_measured_bar_is_shown_and_can_be_forgotten(client, container):
    from rcg.api.services import mats

    mats.measured(container, 97.0)
    page = client.get("/capture/mat").text
    assert "97.0 mm long on paper" in page
    assert "printed at 97.0" in page
    assert "data-forget" in page
    assert 'value="97.0"' in page
    mats.forget(container)
    assert "data-forget" not in client.get("/capture/mat").text
