"""Tiny networks with drawn weights, saved as the hub lays them out, and made-up films of every kind."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

WORDS = ("left", "right", "lower", "upper", "lobe", "opacity", "small", "effusion", "at", "the", "base", "detect")


def bert_tokenizer(folder):
    """A BERT tokenizer whose special tokens, "." and "?" have the ids that the DINOs look for."""
    from transformers import BertTokenizer

    vocabulary = [f"[unused{number}]" for number in range(1100)]
    for number, token in ((0, "[PAD]"), (100, "[UNK]"), (101, "[CLS]"), (102, "[SEP]"), (103, "[MASK]")):
        vocabulary[number] = token
    vocabulary[1012], vocabulary[1029] = ".", "?"
    vocabulary[200 : 200 + len(WORDS)] = WORDS
    file = folder / "vocab.txt"
    file.write_text("\n".join(vocabulary) + "\n")
    return BertTokenizer.from_pretrained(folder)


def clip_tokenizer(folder, most=77, pad="<|endoftext|>"):
    """A CLIP tokenizer that knows characters only, its two special tokens last, as in CLIP's own vocabulary."""
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=most, pad_token=pad)


CLIP_VOCABULARY = 2 * 94 + 2
CLIP_SPECIAL = {"bos_token_id": CLIP_VOCABULARY - 2, "eos_token_id": CLIP_VOCABULARY - 1}

SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SWIN = {
    "model_type": "swin",
    "embed_dim": 8,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2],
    "window_size": 2,
    "out_features": ["stage2", "stage3", "stage4"],
}


def _dino(kind, folder):
    import transformers
    from transformers import GroundingDinoImageProcessor, GroundingDinoProcessor

    config = getattr(transformers, f"{kind}Config")(
        backbone_config={**SWIN, "image_size": 64},
        text_config={"model_type": "bert", "vocab_size": 1100, **SMALL},
        d_model=32,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_layers=2,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
        num_queries=7,
        num_feature_levels=3,
        max_text_len=32,
    )
    size = {"shortest_edge": 96, "longest_edge": 160}
    processor = GroundingDinoProcessor(GroundingDinoImageProcessor(size=size), bert_tokenizer(folder))
    return getattr(transformers, f"{kind}ForObjectDetection")(config), processor


def grounding_dino(folder):
    return _dino("GroundingDino", folder)


def mm_grounding_dino(folder):
    return _dino("MMGroundingDino", folder)


def _owl(kind, folder, side=64):
    import transformers

    text = {"vocab_size": CLIP_VOCABULARY, "max_position_embeddings": 16, "pad_token_id": 0, **CLIP_SPECIAL, **SMALL}
    vision = {"image_size": side, "patch_size": side // 4, **SMALL}
    config = getattr(transformers, f"{kind}Config")(text_config=text, vision_config=vision, projection_dim=16)
    image_processor = getattr(transformers, f"{kind}ImageProcessor")(size={"height": side, "width": side})
    tokenizer = clip_tokenizer(folder, 16, "!")
    processor = getattr(transformers, f"{kind}Processor")(image_processor=image_processor, tokenizer=tokenizer)
    return getattr(transformers, f"{kind}ForObjectDetection")(config), processor


def owl_vit(folder):
    return _owl("OwlViT", folder)


def owlv2(folder):
    # Large, since the blur before its resize takes seconds where an image becomes very small.
    return _owl("Owlv2", folder, 512)


def omdet_turbo(folder):
    from transformers import DetrImageProcessor, OmDetTurboConfig, OmDetTurboForObjectDetection, OmDetTurboProcessor

    text = {"model_type": "clip_text_model", "vocab_size": CLIP_VOCABULARY, "max_position_embeddings": 77, **SMALL}
    config = OmDetTurboConfig(
        backbone_config={**SWIN, "image_size": 64},
        text_config={**text, **CLIP_SPECIAL},
        use_timm_backbone=False,
        apply_layernorm_after_vision_backbone=False,
        image_size=64,
        text_projection_in_dim=16,
        text_projection_out_dim=16,
        task_encoder_hidden_dim=16,
        class_embed_dim=16,
        num_queries=7,
        encoder_hidden_dim=32,
        vision_features_channels=[32, 32, 32],
        encoder_in_channels=[16, 32, 64],
        encoder_attention_heads=2,
        encoder_dim_feedforward=16,
        decoder_hidden_dim=32,
        decoder_num_heads=2,
        decoder_num_layers=2,
        decoder_dim_feedforward=16,
    )
    image_processor = DetrImageProcessor(size={"height": 64, "width": 64}, do_pad=False)
    return OmDetTurboForObjectDetection(config), OmDetTurboProcessor(image_processor, clip_tokenizer(folder))


def sam3_config():
    from transformers import Sam3Config

    hidden = {"hidden_size": 16, "num_attention_heads": 2}
    layers = {**hidden, "intermediate_size": 16, "num_layers": 1}
    text = {"vocab_size": CLIP_VOCABULARY, "max_position_embeddings": 32, **CLIP_SPECIAL, **SMALL}
    vit = {"model_type": "sam3_vit_model", **SMALL, "image_size": 56, "patch_size": 14, "pretrain_image_size": 28}
    return Sam3Config(
        vision_config={
            "backbone_config": {**vit, "window_size": 2, "global_attn_indexes": [0]},
            "fpn_hidden_size": 16,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={"model_type": "clip_text_model", "projection_dim": 16, **text},
        geometry_encoder_config=layers,
        detr_encoder_config=layers,
        detr_decoder_config={**layers, "num_queries": 7},
        mask_decoder_config=hidden,
    )


def sam3(folder):
    from transformers import Sam3ImageProcessor, Sam3Model, Sam3Processor

    image_processor = Sam3ImageProcessor(size={"height": 56, "width": 56})
    return Sam3Model(sam3_config()), Sam3Processor(image_processor, clip_tokenizer(folder, 32))


def clipseg(folder):
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, CLIPSegProcessor, ViTImageProcessor

    config = CLIPSegConfig(
        text_config={"vocab_size": CLIP_VOCABULARY, "max_position_embeddings": 77, **CLIP_SPECIAL, **SMALL},
        # As published: trained at one size, used at a larger one.
        vision_config={"image_size": 32, "patch_size": 16, **SMALL, "num_hidden_layers": 3},
        projection_dim=16,
        extract_layers=[0, 1, 2],
        reduce_dim=8,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=16,
    )
    image_processor = ViTImageProcessor(size={"height": 64, "width": 64})
    return CLIPSegForImageSegmentation(config), CLIPSegProcessor(image_processor, clip_tokenizer(folder))


MAKERS = {maker.__name__: maker for maker in (grounding_dino, mm_grounding_dino, owl_vit, owlv2, omdet_turbo)} | {
    maker.__name__: maker for maker in (sam3, clipseg)
}


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Gives the folder of a tiny network by the name of its maker; each is made once."""
    folders: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name) / f"tiny-{name}"
            folders[name].mkdir()
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(7)
                model, processor = MAKERS[name](folders[name])
                # What is drawn as narrowly as in training answers every phrase alike.
                for parameter in model.parameters():
                    if parameter.ndim > 1:
                        torch.nn.init.normal_(parameter, std=0.25)
            model.save_pretrained(folders[name])
            processor.save_pretrained(folders[name])
        return folders[name]

    return folder


def write_dicom(path: Path, pixels) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["film"])
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    file.Modality = "DX"
    file.PhotometricInterpretation = "MONOCHROME2"
    file.SamplesPerPixel, file.PixelRepresentation = 1, 0
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.Rows, file.Columns = pixels.shape
    file.PixelData = pixels.astype("<u2").tobytes()
    file.save_as(path, enforce_file_format=True)


FILMS = {"portrait.png": (90, 130), "landscape.jpg": (140, 100), "deep.png": (90, 130), "film.dcm": (140, 100)}
"""(width, height) of each film; the third has 16 bits, the last 12."""
BRIGHT = (0.3, 0.6, 0.5, 0.8)
"""Where each is bright, in fractions of its sides."""


def film(name: str) -> np.ndarray:
    width, height = FILMS[name]
    rng = np.random.default_rng(len(name))
    pixels = rng.integers(0, 40, (height, width))
    x0, y0, x1, y1 = (round(part * side) for part, side in zip(BRIGHT, (width, height) * 2, strict=True))
    pixels[y0:y1, x0:x1] += 200
    return pixels


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """A folder of films: portrait, landscape, 16 bits, DICOM."""
    folder = tmp_path_factory.mktemp("films")
    Image.fromarray(film("portrait.png").astype(np.uint8)).save(folder / "portrait.png")
    Image.fromarray(film("landscape.jpg").astype(np.uint8)).save(folder / "landscape.jpg", quality=95)
    Image.fromarray((film("deep.png") * 250 + 900).astype(np.uint16)).save(folder / "deep.png")
    write_dicom(folder / "film.dcm", film("film.dcm") * 16)
    return folder


@pytest.fixture
def manifest(films):
    """The films as a manifest data set."""
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    for number, name in enumerate(FILMS):
        rows += [f"{name},Opacity at the base,Edema,{20 + number},30,30,30,p{number}"]
    rows += ["portrait.png,Small effusion. Left lower lobe?,Pneumonia,5,5,30,30,p0"]
    path = films / "manifest.csv"
    path.write_text("\n".join(rows) + "\n")
    (films / "groundcxr-secret").write_text("0123456789abcdef" * 4 + "\n")
    return path


@pytest.fixture
def ms_cxr(tmp_path):
    """Two made-up images, portrait and landscape, laid out as MS-CXR and MIMIC-CXR-JPG are."""
    root = tmp_path / "physionet"
    root.mkdir()
    columns = [
        "dicom_id",
        "category_name",
        "label_text",
        "path",
        "x",
        "y",
        "w",
        "h",
        "image_width",
        "image_height",
        "split",
    ]
    with (root / "MS_CXR_Local_Alignment_v1.1.0.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, (name, phrase) in enumerate(
            (("portrait.png", "Invented opacity"), ("landscape.jpg", "a made-up effusion, right")), start=1
        ):
            dicom_id = "-".join([f"{number:08x}"] * 5)
            path = f"files/p1{number}/p1{number}00000{number}/s5000000{number}/{dicom_id}.jpg"
            width, height = FILMS[name]
            image = root / path
            image.parent.mkdir(parents=True)
            Image.fromarray(film(name).astype(np.uint8)).save(image)
            writer.writerow([dicom_id, "Pneumonia", phrase, path, 20, 30, 30, 30, width, height, "train"])
    return root
