from benchmarks.rounds import as_figures, in_turn, ratio

RATES = {"theirs": [100, 200, 400], "ours": [50, 300, 400]}


def test_subjects_are_measured_in_turn(capsys):
    order = []
    subjects = {"a": lambda: order.append("a") or 1.0, "b": lambda: order.append("b") or 2.0}

    assert in_turn(subjects, runs=2) == {"a": [1, 1], "b": [2, 2]}
    assert order == ["a", "b", "a", "b"]
    assert "run 2 of 2, b: 2 jobs/s" in capsys.readouterr().err


def test_a_ratio_is_the_median_of_what_each_round_gives():
    assert ratio(RATES, "ours", to="theirs") == 1.0


def test_figures_tell_the_median_the_ratio_and_every_round():
    assert as_figures(RATES, reference="theirs")["ours"] == {
        "jobs_per_second": 300,
        "ratio": 1.0,
        "runs": [50, 300, 400],
    }
