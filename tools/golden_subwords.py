#!/usr/bin/env python3
"""Writes tests/golden/subwords: small tokenizers of Unigram and byte-level BPE, and hashes of the
ids, offsets and decoded texts that Hugging Face `tokenizers` makes with them.

    tools/golden_subwords.py            train the tokenizers and write everything
    tools/golden_subwords.py --check    compare the hashes, write nothing

Needs the PyPI package `tokenizers`, and `sentencepiece` for the map of characters. The texts are
those of tests/oracle/tokenizer_cases.py; tests/oracle/subword_oracle_test.py shows one that
differs.
"""

import json
import pathlib
import sys
import tempfile

import tokenizers
from golden_tokenizer import block_hashes, cases, hash_of, text_hashes
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests/golden/subwords"
TEXTS = json.loads((ROOT / "tests/golden/texts.json").read_text())
BLOCKS = (*range(4), 0xA, 0xB, 0xF, 0x1D, 0x1F)
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# Code points to what they become; SentencePiece makes the same kind of map of its many rules.
RULES = """41>61 C4>61 DF>73,73 2460>31 FF21>61 2026>2E,2E,2E 65,301>E9 300>2C 958>915,93C 1>
    A0>20 3000>20 9>20 FB03>66,66,69 1F600>3A,29 E00,E31>E00"""


def charsmap():
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / "rules.tsv"
        pairs = (rule.replace(",", " ").split(">") for rule in RULES.split())
        rules.write_text("".join(f"{source}\t{target}\n" for source, target in pairs))
        (pathlib.Path(folder) / "texts").write_text("\n".join(text for text in TEXTS if text))
        sentencepiece.SentencePieceTrainer.train(
            input=f"{folder}/texts",
            model_prefix=f"{folder}/model",
            model_type="char",
            hard_vocab_limit=False,
            normalization_rule_tsv=str(rules),
            minloglevel=2,
        )
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString((pathlib.Path(folder) / "model.model").read_bytes())
        return model.normalizer_spec.precompiled_charsmap


def unigram(normalizer, pre_tokenizer, decoder, byte_fallback):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    special += [f"<0x{byte:02X}>" for byte in range(256)] if byte_fallback else []
    trainer = trainers.UnigramTrainer(
        vocab_size=700, unk_token="<unk>", special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    if byte_fallback:
        made = json.loads(tokenizer.to_str())
        made["model"]["byte_fallback"] = True
        made["added_tokens"] = made["added_tokens"][:4]
        tokenizer = Tokenizer.from_str(json.dumps(made))
    tokenizer.decoder = decoder
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.add_tokens([AddedToken("Hello World", normalized=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def bpe(normalizer, pre_tokenizer, special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken("stra\u00dfe", single_word=True, normalized=True)])
    return tokenizer


def split(numbers):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    pattern = Regex(CONTRACTIONS + numbers + REST)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(pattern, "isolated"), byte_level])


def make_tokenizers():
    metaspace = pre_tokenizers.Metaspace
    yield "xlm_roberta", unigram(
        normalizers.Sequence(
            [normalizers.Precompiled(charsmap()), normalizers.Replace(Regex(" {2,}"), " ")]
        ),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace()]),
        decoders.Metaspace(),
        byte_fallback=False,
    )
    cleaned = [normalizers.Nmt(), normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()]
    yield "byte_fallback", unigram(
        normalizers.Sequence([normalizers.Replace("``", '"'), *cleaned, normalizers.NFD()]),
        metaspace(prepend_scheme="first", split=True),
        decoders.Sequence(
            [
                decoders.Replace("\u2581", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(" ", 1, 0),
            ]
        ),
        byte_fallback=True,
    )
    roberta = bpe(None, pre_tokenizers.ByteLevel(add_prefix_space=True), ["<s>", "</s>"])
    roberta.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    yield "roberta", roberta
    qwen = bpe(normalizers.NFC(), split(r"\p{N}"), ["<|endoftext|>"])
    qwen.post_processor = processors.ByteLevel(trim_offsets=False)
    yield "qwen2", qwen
    llama = json.loads(bpe(normalizers.NFKD(), split(r"\p{N}{1,3}"), ["<|end|>"]).to_str())
    llama["model"]["ignore_merges"] = True
    llama["model"]["vocab"]["\u0120unmergeable"] = 5000
    llama = Tokenizer.from_str(json.dumps(llama))
    llama.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True, add_prefix_space=False),
            processors.TemplateProcessing(
                single="<|end|> $A", pair="$A $B:1", special_tokens=[("<|end|>", 0)]
            ),
        ]
    )
    yield "llama3", llama


def offset_hashes(tokenizer):
    maker, hashes = cases.TextMaker(44), []
    for _ in range(20):
        texts = [maker.text() for _ in range(cases.BATCH_TEXTS)]
        encodings = tokenizer.encode_batch(texts)
        hashes.append(hash_of([n for pair in one.offsets for n in pair] for one in encodings))
    return hashes


def decoded_hashes(tokenizer):
    maker, hashes = cases.TextMaker(43), []
    for _ in range(4):
        lists = []
        for _ in range(cases.BATCH_TEXTS):
            ids = tokenizer.encode(maker.text()).ids
            ids += [maker.random.below(900) for _ in range(8)]
            lists += [list(tokenizer.decode(ids, skip_special_tokens=skip).encode())
                      for skip in (False, True)]
        hashes.append(hash_of(lists))
    return hashes


def hashes_of(tokenizer):
    return {
        "texts": text_hashes(tokenizer, 40, 20),
        "code_points_in_word": block_hashes(tokenizer, "a{}b", BLOCKS),
        "code_points_alone": block_hashes(tokenizer, "{}", BLOCKS),
        "offsets": offset_hashes(tokenizer),
        "decoded": decoded_hashes(tokenizer),
    }


def main():
    check = "--check" in sys.argv[1:]
    target = FOLDER / "hashes.json"
    if not check:
        FOLDER.mkdir(exist_ok=True)
        for name, tokenizer in make_tokenizers():
            text = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False)
            (FOLDER / f"{name}.json").write_text(text + "\n")
    paths = sorted(path for path in FOLDER.glob("*.json") if path != target)
    hashes = {"reference": f"tokenizers {tokenizers.__version__}", "blocks": BLOCKS}
    hashes |= {path.stem: hashes_of(Tokenizer.from_file(str(path))) for path in paths}
    text = json.dumps(hashes, indent=1) + "\n"
    if not check:
        target.write_text(text)
    elif target.read_text() != text:
        sys.exit(f"{target} is not what tokenizers {tokenizers.__version__} makes")


if __name__ == "__main__":
    main()
