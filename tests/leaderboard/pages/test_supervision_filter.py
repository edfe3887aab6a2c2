"""The choice of methods by what they have learnt places from."""


def test_methods_are_chosen_by_their_supervision(open_page, save_run, tmp_path):
    folder = tmp_path / "results"
    save_run("zz-frozen", supervision="none")
    save_run("zz-older")
    save_run("zz-tuned", supervision="weak: anatomy")
    shown = open_page("leaderboard", "--results", folder)
    choice = shown.widget("multiselect", "supervision")
    assert sorted(choice.options) == ["none", "not stated", "weak: anatomy"]
    assert "weakly supervised" in shown.text
    choice.set_value(["weak: anatomy"])
    assert "1 of 3 methods" in shown.run().text
    by_address = open_page("leaderboard", "--results", folder, supervision=["none", "not stated"])
    assert "2 of 3 methods" in by_address.text
    assert "zz-older" in by_address.text
    assert "zz-tuned" not in by_address.text
    assert (
        "“boxes”, which cannot be chosen" in open_page("leaderboard", "--results", folder, supervision=["boxes"]).text
    )


def test_nothing_is_to_be_chosen_where_all_are_alike(open_page, save_run, tmp_path):
    save_run("one")
    save_run("other")
    shown = open_page("leaderboard", "--results", tmp_path / "results")
    assert "supervision" not in [widget.key for widget in shown.app.multiselect]
