#!/usr/bin/env python3
"""Writes tests/golden/families: a small model with random weights of each family that hilo
computes, and what transformers makes of fixed token ids and texts.

    python tools/golden_families.py             write all files
    python tools/golden_families.py --check     recompute from the files and compare, write nothing

Needs transformers, which is an oracle here and not a dependency of hilo.
"""

import argparse
import dataclasses
import json
import pathlib
import random
import string
import sys

import tokenizers
import torch
import transformers
from tokenizers import models, normalizers, pre_tokenizers, processors

FAMILIES = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "families"
VOCABULARY = 48
FIRST_WORD_ID = 5  # before it: tokens that mean something to a family, such as padding
DIFFERENCE_MAX = 1e-6
PIECES = list(string.ascii_lowercase) + ["##" + letter for letter in string.ascii_lowercase]
TEXTS = ("", "hello", "A cafe, b!", "Caf\u00e9 <mask> b [SEP] </s> [MASK] <pad>", "a " * 200)
LETTERS = " ".join(string.ascii_lowercase) + " "
# Of a cross-encoder: neither, one or both are too long, and by different shares.
PAIRS = (
    ("hello", "a cafe"),
    ("", "b"),
    ("b", ""),
    ("a b c", LETTERS * 2),
    (LETTERS * 2, "a b c"),
    (LETTERS, LETTERS * 2),
    ("Caf\u00e9 [SEP] b", "</s> x, y!"),
)


@dataclasses.dataclass(frozen=True)
class Golden:
    name: str
    kind: str  # of transformers' classes: "Bert" as in BertConfig
    dtype: torch.dtype
    pooling: str = ""  # none: a cross-encoder
    hidden: int = 32
    heads: int = 2
    positions: int = 40
    token_types: int = 0
    padding_id: int = 0
    activation_function: str = ""
    lengths: tuple = (3, 8, 17, 38)
    tokenizer: str = ""  # transformers' class for WordPiece, or a function of this file
    special: tuple = ()  # the first tokens of its vocabulary
    with_tokens: bool = False  # the vectors of all tokens, too

    @property
    def directory(self):
        return FAMILIES / self.name


# Each type of number, and each way of pooling, at least once. Of MPNet's distances, the last bucket
# begins at 91.
GOLDENS = (
    Golden(
        "distilbert",
        "DistilBert",
        torch.float16,
        "mean",
        hidden=64,
        tokenizer="BertTokenizer",
        special=("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    ),
    Golden(
        "roberta",
        "Roberta",
        torch.float32,
        "cls",
        token_types=1,
        padding_id=1,
        tokenizer="byte_level_bpe",
        special=("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
        with_tokens=True,
    ),
    Golden(
        "xlm_roberta",
        "XLMRoberta",
        torch.bfloat16,
        "mean",
        token_types=1,
        padding_id=1,
        tokenizer="unigram",
        special=("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    ),
    Golden(
        "mpnet",
        "MPNet",
        torch.float16,
        "mean",
        heads=4,
        positions=132,
        padding_id=1,
        lengths=(3, 17, 40, 130),
        tokenizer="MPNetTokenizer",
        special=("<s>", "<pad>", "</s>", "<mask>", "[UNK]"),
    ),
    Golden("bert_last_token", "Bert", torch.bfloat16, "lasttoken", heads=1, token_types=2),
    Golden(
        "bert_cross_encoder",
        "Bert",
        torch.float16,
        token_types=2,
        tokenizer="BertTokenizer",
        special=("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    ),
    Golden(
        "xlm_roberta_cross_encoder",
        "XLMRoberta",
        torch.bfloat16,
        token_types=1,
        padding_id=1,
        activation_function="torch.nn.modules.linear.Identity",
    ),
    Golden(
        "mpnet_cross_encoder",
        "MPNet",
        torch.float16,
        padding_id=1,
        tokenizer="MPNetTokenizer",
        special=("<s>", "<pad>", "</s>", "<mask>", "[UNK]"),
    ),
)


def config_of(golden):
    sizes = {
        "vocab_size": VOCABULARY,
        "max_position_embeddings": golden.positions,
        "pad_token_id": golden.padding_id,
    }
    if golden.kind == "DistilBert":
        sizes |= {"dim": golden.hidden, "n_layers": 2, "n_heads": golden.heads}
        sizes["hidden_dim"] = 2 * golden.hidden
    else:
        sizes |= {"hidden_size": golden.hidden, "num_hidden_layers": 2}
        sizes |= {"num_attention_heads": golden.heads, "intermediate_size": 2 * golden.hidden}
        sizes["layer_norm_eps"] = 1e-5
    if golden.token_types:
        sizes["type_vocab_size"] = golden.token_types
    if not golden.pooling:
        sizes["num_labels"] = 1
    config = getattr(transformers, golden.kind + "Config")(**sizes)
    if golden.activation_function:
        config.sentence_transformers = {"activation_fn": golden.activation_function}
    return config


def model_class(golden):
    part = "Model" if golden.pooling else "ForSequenceClassification"
    return getattr(transformers, golden.kind + part)


def make_opinionated(model):
    """The usual starting weights are so small that every token attends to all others alike."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight") or name.endswith("LayerNorm.weight"):
                parameter.normal_(1.0, 0.1)
            elif "relative_attention_bias" in name:
                parameter.normal_(0.0, 1.0)
            elif parameter.dim() == 1:
                parameter.normal_(0.0, 0.1)
            elif "embeddings" in name:
                parameter.normal_(0.0, 0.4)
            else:
                parameter.normal_(0.0, 1.5 / parameter.shape[1] ** 0.5)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def byte_level_bpe(golden):
    """RoBERTa's, of the letters and a few merges."""
    merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("\u0120", "a"), ("\u00c3", "\u00a9")]
    pieces = [*golden.special, *string.ascii_lowercase, *"AC,!", "\u0120", "\u00c3", "\u00a9"]
    pieces += [first + second for first, second in merges]
    model = models.BPE({piece: place for place, piece in enumerate(pieces)}, merges)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def unigram(golden):
    """XLM-R's, of the letters and a few longer pieces; its map of characters would be large."""
    pieces = [*golden.special, "\u2581", *string.ascii_lowercase, *"AC,!\u00e9"]
    pieces += ["\u2581a", "\u2581hell", "llo", "af", "fe", "\u2581A"]
    scores = [0.0 if piece in golden.special else -1.5 * len(piece) ** 0.5 for piece in pieces]
    model = models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=3)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def make_tokenizer(golden):
    if golden.tokenizer in ("byte_level_bpe", "unigram"):
        tokenizer = {"byte_level_bpe": byte_level_bpe, "unigram": unigram}[golden.tokenizer](golden)
        mask = tokenizers.AddedToken("<mask>", lstrip=True, special=True)
        tokenizer.add_special_tokens([*golden.special[:4], mask])
        return transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, model_max_length=golden.positions - 2
        )
    pieces = [*golden.special, *PIECES][:VOCABULARY]
    return getattr(transformers, golden.tokenizer)(
        vocab={piece: place for place, piece in enumerate(pieces)},
        model_max_length=golden.positions - 2,
    )


def write_model(golden):
    model = model_class(golden)(config_of(golden))
    make_opinionated(model)
    model.to(golden.dtype).save_pretrained(golden.directory)
    if golden.tokenizer:
        make_tokenizer(golden).save_pretrained(golden.directory)
    if golden.pooling:
        write_modules(golden)


def write_modules(golden):
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    place = "sentence_transformers.models."
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": place + kind}
        for index, (path, kind) in enumerate(kinds)
    ]
    write_json(golden.directory / "modules.json", modules)
    pooling = {"word_embedding_dimension": golden.hidden, "pooling_mode": golden.pooling}
    write_json(golden.directory / "1_Pooling" / "config.json", pooling)


def make_texts(golden):
    """Ids and token types. The types are those of two texts in one sequence."""
    rng = random.Random(golden.name)
    texts = []
    for length in golden.lengths:
        ids = [rng.randrange(FIRST_WORD_ID, VOCABULARY) for _ in range(length)]
        second = rng.randrange(1, length)
        types = [int(place >= second) for place in range(length)] if golden.token_types > 1 else []
        texts.append({"ids": ids, "types": types})
    # A padding token that stands in a text: RoBERTa and MPNet do not count it.
    texts[1]["ids"][5] = golden.padding_id
    if golden.tokenizer:
        tokenizer = transformers.AutoTokenizer.from_pretrained(golden.directory)
        for text in TEXTS if golden.pooling else ():
            ids = tokenizer(text, truncation=True)["input_ids"]
            texts.append({"text": text, "ids": ids, "types": []})
        for side in () if golden.pooling else ("right", "left"):
            tokenizer.truncation_side = side
            texts += [pair_of(golden, tokenizer, *pair) for pair in PAIRS]
    return texts


def pair_of(golden, tokenizer, text, second):
    # As a list of one: by itself, a pair with an empty second text is taken for a single text.
    tokens = tokenizer([text], [second], truncation="longest_first", return_token_type_ids=True)
    pair = {"text": text, "second": second, "side": tokenizer.truncation_side}
    types = tokens["token_type_ids"][0] if golden.token_types > 1 else []
    return pair | {"ids": tokens["input_ids"][0], "types": types}


def output_of(golden, model, text):
    inputs = {"input_ids": torch.tensor([text["ids"]])}
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    if text["types"]:
        inputs["token_type_ids"] = torch.tensor([text["types"]])
    with torch.inference_mode():
        output = model(**inputs)
    if not golden.pooling:
        text["logit"] = float(f"{output.logits[0].item():.9g}")
        identity = golden.activation_function.endswith("Identity")
        return output.logits[0] if identity else torch.sigmoid(output.logits[0])
    rows = output.last_hidden_state[0]
    if golden.with_tokens:
        text["tokens"] = [floats_of(row) for row in rows]
    pooled = {"mean": rows.mean(dim=0), "cls": rows[0], "lasttoken": rows[-1]}[golden.pooling]
    return torch.nn.functional.normalize(pooled, dim=0)


def floats_of(vector):
    return [float(f"{value:.9g}") for value in vector]


def expected_of(golden):
    """Computed in fp32 from the files as they are."""
    model = model_class(golden).from_pretrained(golden.directory, dtype=torch.float32).eval()
    texts = make_texts(golden)
    for text in texts:
        text["vector"] = floats_of(output_of(golden, model, text))
    return texts


def one_text_per_line(texts):
    return "[\n" + ",\n".join(json.dumps(text) for text in texts) + "\n]\n"


def vectors_of(text):
    return [text["vector"], *text.get("tokens", [])]


def check(golden):
    written = json.loads((golden.directory / "expected.json").read_text())
    difference = 0.0
    for text, now in zip(written, expected_of(golden), strict=True):
        assert (text["ids"], text["types"]) == (now["ids"], now["types"])
        for a, b in zip(vectors_of(text), vectors_of(now), strict=True):
            pairs = zip(a, b, strict=True)
            difference = max([difference, *(abs(x - y) for x, y in pairs)])
    print(f"{golden.name}: largest difference {difference:.3g}")
    return difference < DIFFERENCE_MAX


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="recompute and compare; write nothing")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if arguments.check:
        return 0 if all([check(golden) for golden in GOLDENS]) else 1
    for seed, golden in enumerate(GOLDENS):
        torch.manual_seed(seed)
        write_model(golden)
        (golden.directory / "expected.json").write_text(one_text_per_line(expected_of(golden)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
