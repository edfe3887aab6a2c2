"""What a notebook shows of a result says what its numbers are, so that they are not copied without it."""

from groundcxr.datasets import load_dataset
from groundcxr.evaluation import evaluate
from groundcxr.evaluation.result_html import result_html


def test_the_table_of_a_notebook_says_what_its_numbers_are(tmp_path):
    data = load_dataset("phantom", tmp_path / "drawn", images=2, size=64)
    info = evaluate("center-prior", data, "v2", out=tmp_path / "results").info
    html = result_html(info)
    for said in (
        "; higher is better; a control, which is a yardstick and no method;",
        f"data fingerprint {info.dataset.fingerprint[:8]}, protocol version 1, hash {info.protocol.hash[:8]}",
    ):
        assert said in html
    lower = [metric.model_copy(update={"higher_is_better": metric.key != "cnr"}) for metric in info.metrics]
    method = info.method.model_copy(update={"control": False})
    html = result_html(info.model_copy(update={"metrics": lower, "method": method}))
    assert "higher is better, of CNR lower;" in html
    assert "control" not in html
    lower = [metric.model_copy(update={"higher_is_better": False}) for metric in info.metrics]
    assert "; lower is better;" in result_html(info.model_copy(update={"metrics": lower}))
