"""An act in words: whoever enters it reads what it opens, and a renewal says what is new."""

from __future__ import annotations

from datetime import timedelta

from tests.acts import NOW, act
from veilleur.law.act import differences, summary
from veilleur.law.authorisation import Authorisation


def test_a_summary_leaves_no_field_of_the_act_out() -> None:
    said = [line.field for line in summary(act(), "en")]
    assert said == [name for name in Authorisation.model_fields if name != "laboratory"]


def test_an_act_is_said_in_both_languages() -> None:
    french, english = (
        {line.field: line.words for line in summary(act(), language)} for language in ("fr", "en")
    )
    assert french["events"] == "Franchissement ou présence en zone interdite"
    assert english["events"] == "Forbidden zone: crossing or presence"
    assert (french["gathering"], english["gathering"]) == (
        "manifestation sportive",
        "sporting event",
    )
    assert (french["clips"], english["clips"]) == ("aucune séquence conservée", "no clip is kept")
    assert english["period"] == "2026-12-01 15:00+00:00 – 2026-12-02 15:00+00:00"
    assert english["notice"] == "These places are analysed (posters)"


def test_a_renewal_says_what_is_new_and_nothing_else() -> None:
    longer = {"from": NOW + timedelta(days=1), "until": NOW + timedelta(days=2)}
    renewed = act(reference="Arrêté 2026-124", period=longer, clips=3)
    assert [(line.field, line.words) for line in differences(act(), renewed, "en")] == [
        ("reference", "Arrêté 2026-124"),
        ("period", "2026-12-02 15:00+00:00 – 2026-12-03 15:00+00:00"),
        ("clips", "3 days"),
    ]
    assert differences(act(), act(), "fr") == ()
