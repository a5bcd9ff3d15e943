from __future__ import annotations

import pytest

from matinee.engine.features import FieldWeights, ItemFeatures


def test_films_that_share_everything_are_as_alike_as_the_weights_add_up_to() -> None:
    features = ItemFeatures.from_lists([2, 1, 3], {"genres": [[28], [28], [35]], "directors": [["Lang"], ["Lang"], []]})
    weights = FieldWeights(genres=0.25, directors=0.5)

    vectors = features.matrix(weights)
    alike = (vectors @ vectors.T).toarray()

    assert features.item_ids.tolist() == [1, 2, 3]
    assert alike[0, 1] == pytest.approx(0.75)
    assert alike[0, 2] == 0


def test_sharing_a_rare_keyword_says_more_than_sharing_a_common_one() -> None:
    keywords = [
        ["murder", "tardigrade"],
        ["tardigrade", "love"],
        ["murder", "sea"],
        ["murder", "ice"],
        ["murder", "oil"],
    ]
    features = ItemFeatures.from_lists([1, 2, 3, 4, 5], {"keywords": keywords})

    vectors = features.matrix(FieldWeights())
    alike = (vectors @ vectors.T).toarray()

    assert alike[0, 1] > alike[0, 2] > 0


def test_two_years_that_are_close_share_an_era_even_over_a_decades_border() -> None:
    features = ItemFeatures.from_lists([1, 2, 3, 4], {}, years=[1989, 1990, 2005, None])

    vectors = features.matrix(FieldWeights())
    alike = (vectors @ vectors.T).toarray()

    assert alike[0, 1] > 0
    assert alike[0, 2] == 0
    assert not alike[3].any()


def test_no_films_and_films_without_facts_are_fine() -> None:
    assert ItemFeatures.empty().matrix(FieldWeights()).shape == (0, 0)
    assert ItemFeatures.from_lists([1], {"countries": [["US"]]}).matrix(FieldWeights(countries=0.0)).shape == (1, 0)
    assert ItemFeatures.from_lists([1], {"genres": [[]]}).matrix(FieldWeights()).shape == (1, 0)


def test_an_unknown_field_uneven_lists_and_a_double_film_are_refused() -> None:
    with pytest.raises(ValueError, match="no field 'smell'"):
        ItemFeatures.from_lists([1], {"smell": [["popcorn"]]})
    with pytest.raises(ValueError, match="genres has 2 lists for 1 items"):
        ItemFeatures.from_lists([1], {"genres": [[28], [35]]})
    with pytest.raises(ValueError, match="stands there twice"):
        ItemFeatures.from_lists([1, 1], {"genres": [[28], [35]]})
