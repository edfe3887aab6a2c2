"""`groundcxr doctor` with the options of a data set, and its exit codes."""

import pydicom
from pydicom.data import get_testdata_file


def test_the_doctor_looks_at_the_data_as_it_would_be_loaded(groundcxr, manifest):
    bare = manifest.with_name("bare.csv")
    bare.write_text("image,pathology,x,y,w,h\n0.png,Edema,5,4,20,10\n")
    root = ("--dataset", "manifest", "--root", bare)
    without = groundcxr("doctor", *root)
    assert (without.code, "--set dataset.phrases=class" in without.out) == (1, True)
    with_phrases = groundcxr("doctor", *root, "--set", "dataset.phrases=there is {class}")
    assert (with_phrases.code, with_phrases.out) == (0, "manifest: all is well\n")


def test_an_option_that_the_check_does_not_have_is_told(groundcxr, manifest):
    told = groundcxr("doctor", "--dataset", "manifest", "--root", manifest, "--set", "dataset.phrase=class")
    assert told.code == 2
    assert "did you mean 'phrases'?" in told.err


def test_how_an_odd_dicom_file_is_shown_is_said(groundcxr, tmp_path):
    file = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    file.WindowCenter = file.WindowWidth = "0"
    for name in ("a.dcm", "b.dcm"):
        file.InstanceNumber = len(name) + ord(name[0])
        file.save_as(tmp_path / name)
    (tmp_path / "m.csv").write_text(
        "image,phrase,pathology,x,y,w,h\na.dcm,p,Edema,1,2,30,40\nb.dcm,p,Edema,1,2,30,40\n"
    )
    ran = groundcxr("doctor", "--dataset", "manifest", "--root", tmp_path / "m.csv")
    assert ran.code == 0
    assert f"as if the file had none: 2, for example {tmp_path / 'a.dcm'}; look" in ran.out
    ground = ("ground", "--method", "center-prior", "--phrase", "p", "--out", "a.png", "--image")
    assert "warning: DICOM windows that are not valid" in groundcxr(*ground, tmp_path / "b.dcm").err


def test_warnings_do_not_block_a_run(groundcxr, manifest):
    manifest.write_text(manifest.read_text() + "1.png,fraction,Edema,.1,.1,.2,.2,p1\n")
    told = groundcxr("doctor", "--dataset", "manifest", "--root", manifest)
    assert told.code == 0
    assert "look like fractions of the image" in told.out
    assert "multiply x and width by the image's width" in told.out
