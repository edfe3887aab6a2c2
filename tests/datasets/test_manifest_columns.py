"""What a CSV manifest's columns are taken for: boxes as corners or sizes, the annotated size, phrases, the rest."""

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.datasets import check_dataset

TRUE = (10.0, 20.0, 40.0, 60.0)
CORNERS, SIZES = "10,20,40,60", "10,20,30,40"


@pytest.fixture
def folder(tmp_path, write):
    write.image(tmp_path / "a.png", (100, 120))
    return tmp_path


def manifest(folder, columns, cells, first=("image,phrase,pathology", "a.png,spot,Nodule")):
    path = folder / "m.csv"
    path.write_text(f"{first[0]},{columns}\n{first[1]},{cells}\n")
    return path


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("x_min,y_min,x_max,y_max", CORNERS),
        ("xmin,ymin,xmax,ymax", CORNERS),
        ("XMin,YMin,XMax,YMax", CORNERS),
        ("x1,y1,x2,y2", CORNERS),
        ("x0,y0,x1,y1", CORNERS),
        ("left,top,right,bottom", CORNERS),
        ("minX,minY,maxX,maxY", CORNERS),
        ("start_x,start_y,end_x,end_y", CORNERS),
        ("bbox_x1,bbox_y1,bbox_x2,bbox_y2", CORNERS),
        ("BBox X-Min,BBox Y-Min,BBox X-Max,BBox Y-Max", CORNERS),
        ("y2,x2,y1,x1", "60,40,20,10"),
        ("x,y,width,height", SIZES),
        ("bbox_x,bbox_y,bbox_width,bbox_height", SIZES),
        ("left,top,width,height", SIZES),
        ("x_min,y_min,w,h", SIZES),
        ("x1,y1,w,h", SIZES),
    ],
)
def test_corners_and_sizes_by_their_usual_names(folder, columns, cells):
    path = manifest(folder, columns, cells)
    dataset = load_dataset("manifest", path)
    assert dataset[0].boxes[0].as_tuple() == TRUE
    (said,) = dataset.warnings
    assert ("as corners" in said) == (cells != SIZES)
    assert all(name.strip().lower() in said for name in columns.split(","))
    assert [finding.problem for finding in check_dataset("manifest", path)] == [f"{path}: {said}"]


def test_plain_sizes_need_no_word(folder):
    dataset = load_dataset("manifest", manifest(folder, "x,y,w,h", SIZES))
    assert (dataset[0].boxes[0].as_tuple(), dataset.warnings) == (TRUE, ())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("x,y,x2,y2", r"columns x, y, x2, y2, which are boxes in no one way"),
        ("x,y,w,h,x_max", r"x_max, which are boxes in no one way"),
        ("x0,y0,x1,y1,x2,y2", r"boxes in no one way"),
        ("x1,y1,w,height", r"boxes in no one way"),
        ("x1,y1,x2", r"boxes in no one way"),
        ("x_min,y_min,x_max,y_max,width,height", r"may be the box's or the image's.*image_width,image_height"),
        ("x,y,w,h,width,height", r"may be the box's or the image's.*image_width,image_height"),
        ("x_center,y_center,w,h", r"by their centre"),
        ("bbox", r"'bbox', which is none of .*; boxes are written as x,y,w,h \("),
        ("col_min,row_min,col_max,row_max", r"'col_min', which is none of .*; boxes are written as x,y,w,h \("),
        ("xmin,x_min,ymin,xmax,ymax", r"'xmin' and 'x_min', which mean the same"),
        ("patient_id", r"lacks the column 'x'.*x_min,y_min,x_max,y_max \(two corners\)"),
        ("x,y,w,h,image_width", r"give both or neither"),
    ],
)
def test_columns_that_could_be_taken_in_two_ways_are_refused_with_the_way_to_write_them(folder, columns, message):
    path = manifest(folder, columns, ",".join("1" for _ in columns.split(",")))
    with pytest.raises(DatasetError, match=message) as caught:
        load_dataset("manifest", path)
    assert "did you mean" not in str(caught.value)
    assert [finding.problem for finding in check_dataset("manifest", path)] == [str(caught.value)]


def test_boxes_drawn_on_another_size_are_brought_to_the_files(folder):
    path = manifest(folder, "x,y,w,h,image_width,image_height", "20,40,60,80,200,240")
    dataset = load_dataset("manifest", path)
    assert dataset[0].boxes[0].as_tuple() == TRUE
    assert [("so boxes were rescaled" in text) for text in dataset.warnings] == [True]
    (finding,) = check_dataset("manifest", path)
    assert "resized copies: 1" in finding.problem
    path.write_text(path.read_text() + "a.png,other,Nodule,1,2,3,4,,\n")
    assert load_dataset("manifest", path)[1].boxes[0].as_tuple() == (1, 2, 4, 6)
    path.write_text(path.read_text() + "a.png,third,Nodule,1,2,3,4,200,\n")
    with pytest.raises(DatasetError, match="row 4: image_height must be a number, got ''"):
        load_dataset("manifest", path)


def test_corners_in_another_frame(folder):
    path = manifest(folder, "x1,y1,x2,y2,ImageWidth,ImageHeight", "20,40,80,120,200,240")
    assert load_dataset("manifest", path)[0].boxes[0].as_tuple() == TRUE


def test_what_public_tables_carry_beside_boxes_is_passed_over_and_said(folder):
    path = manifest(
        folder, "class_id,rad_id,x,y,w,h,Sex,area", f"3,R9,{SIZES},F,1200", (",image,phrase,pathology", "0,a.png,p,E")
    )
    dataset = load_dataset("manifest", path)
    assert dataset.warnings == ("columns that decide nothing are passed over: class_id, rad_id, sex, area",)
    assert dataset[0].boxes[0].as_tuple() == TRUE


def test_an_unknown_column_may_be_a_known_one_misspelt(folder):
    with pytest.raises(DatasetError, match=r"'patientid', which is none of .*; did you mean 'patient_id'"):
        load_dataset("manifest", manifest(folder, "x,y,w,h,patientid", f"{SIZES},7"))
    for name, meant in {"image_path": "image", "label_text": "phrase", "class_name": "pathology"}.items():
        with pytest.raises(DatasetError, match=rf"'{name}', which is none of .*; did you mean '{meant}'"):
            load_dataset("manifest", manifest(folder, f"x,y,w,h,{name}", f"{SIZES},7"))
    with pytest.raises(DatasetError, match=r"'reviewed', which is none of .*take it out"):
        load_dataset("manifest", manifest(folder, "x,y,w,h,reviewed", f"{SIZES},7"))


def test_phrases_of_a_table_without_them(folder):
    path = manifest(folder, "x,y,w,h", SIZES, ("image,pathology", "a.png,Lung Opacity"))
    with pytest.raises(DatasetError, match=r"lacks the column 'phrase'.*--set dataset\.phrases=class"):
        load_dataset("manifest", path)
    assert load_dataset("manifest", path, phrases="class")[0].phrase == "Lung Opacity"
    dataset = load_dataset("manifest", path, phrases="there is {class} {{here}}")
    assert dataset[0].phrase == "there is Lung Opacity {here}"
    assert dataset.options == {"phrases": "there is {class} {{here}}"}
    assert dataset.fingerprint() != load_dataset("manifest", path, phrases="class").fingerprint()
    assert check_dataset("manifest", path, phrases="class") == []


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("", "it has no {class}"),
        ("opacity", "it has no {class}"),
        ("{{class}}", "it has no {class}"),
        ("{}", "{} is not {class}"),
        ("{class} and {side}", "{side} is not {class}"),
        ("{class.__doc__}", "{class.__doc__} is not {class}"),
        ("{class!r}", "{class} is not {class}"),
        ("{class", "expected '}'"),
        ("class}", "Single '}'"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused(folder, template, message):
    path = manifest(folder, "x,y,w,h", SIZES)
    with pytest.raises(DatasetError) as caught:
        load_dataset("manifest", path, phrases=template)
    assert message in str(caught.value)
    assert "'there is {class}'" in str(caught.value)


@pytest.mark.parametrize(
    "columns",
    [
        "image,phrase,pathology," + "c" * 9000,
        "image,phrase,pathology,x,y,w," + ",".join(f"c{n}" for n in range(4000)),
    ],
)
def test_a_message_does_not_hold_all_of_a_strange_header(tmp_path, columns):
    path = tmp_path / "m.csv"
    path.write_text(columns + "\n" + columns + "\n")
    with pytest.raises(DatasetError, match="column") as caught:
        load_dataset("manifest", path)
    assert len(str(caught.value)) < 1000


def test_a_warning_does_not_hold_all_of_a_strange_cell(folder):
    path = manifest(folder, "patient_id,x,y,w,h", f"{'p' * 9000},1,1,2,2")
    path.write_text(path.read_text() + path.read_text().splitlines()[1].replace("p" * 9000, "q") + "\n")
    (warning,) = [one for one in load_dataset("manifest", path).warnings if "patient_id" in one]
    assert len(warning) < 1000
