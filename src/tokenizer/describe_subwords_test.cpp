// What a tokenizer.json of Unigram or byte-level BPE may say, and that everything else is refused
// by its name.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer/description.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_json.h"

namespace hilo {
namespace {

using testing::HasSubstr;

const std::string unigram_model =
    R"({"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["a",-1.5],["b",-2]]})";
const std::string bpe_model =
    R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"],"unk_token":null})";

std::string with(const std::string& model, const std::string& rest) {
  return R"({"model":)" + model + rest + "}";
}
std::string unigram(const std::string& rest) { return with(unigram_model, rest); }
std::string bpe(const std::string& rest) { return with(bpe_model, rest); }
std::string normalizer(const std::string& step) { return R"(,"normalizer":)" + step; }
std::string pre_tokenizer(const std::string& step) { return R"(,"pre_tokenizer":)" + step; }

// The reason why no tokenizer comes of it.
std::string refusal(const std::string& json) {
  const Result<TokenizerDescription> description = describe_tokenizer_json(json, "t.json");
  if (!description) return description.error().message;
  const Result<Tokenizer> tokenizer = Tokenizer::from_description(*description);
  return tokenizer ? "" : tokenizer.error().message;
}

TEST(DescribeSubwords, Accepts) {
  EXPECT_EQ(refusal(unigram("")), "");
  EXPECT_EQ(refusal(unigram(pre_tokenizer(R"({"type":"Metaspace","replacement":"\u2581"})"))), "");
  EXPECT_EQ(refusal(bpe(pre_tokenizer(R"({"type":"ByteLevel"})"))), "");
}

// The steps that models of these families are published with.
TEST(DescribeSubwords, AcceptsTheStepsOfPublishedModels) {
  const std::string modern_bert =
      R"(,"normalizer":{"type":"NFC"},"decoder":{"type":"ByteLevel","add_prefix_space":true,
        "trim_offsets":true,"use_regex":true},"post_processor":{"type":"TemplateProcessing",
        "single":[{"SpecialToken":{"id":"a","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
        "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],
        "special_tokens":{"a":{"id":"a","ids":[0],"tokens":["a"]}}})" +
      pre_tokenizer(R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,
                       "use_regex":true})");
  EXPECT_EQ(refusal(bpe(modern_bert)), "");
  const std::string qwen_split =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|)"
      R"( ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+)";
  const std::string qwen3_embedding =
      R"(,"normalizer":{"type":"NFC"},"decoder":{"type":"ByteLevel","trim_offsets":false},
        "post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel",
        "add_prefix_space":false,"trim_offsets":false,"use_regex":false},
        {"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},
        {"SpecialToken":{"id":"b","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},
        {"Sequence":{"id":"B","type_id":1}}],
        "special_tokens":{"b":{"id":"b","ids":[1],"tokens":["b"]}}}]})" +
      pre_tokenizer(R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":")" +
                    qwen_split + R"("},"behavior":"Isolated","invert":false},
                       {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]})");
  EXPECT_EQ(refusal(bpe(qwen3_embedding)), "");
  const std::string byte_fallback_decoder =
      R"(,"decoder":{"type":"Sequence","decoders":[
        {"type":"Replace","pattern":{"String":"\u2581"},"content":" "},{"type":"ByteFallback"},
        {"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})";
  EXPECT_EQ(refusal(unigram(byte_fallback_decoder)), "");
}

TEST(DescribeSubwords, NamesTheDecoderThatItDoesNotKnow) {
  EXPECT_THAT(refusal(unigram(R"(,"decoder":{"type":"CTC"})")), HasSubstr("\"CTC\""));
  EXPECT_THAT(refusal(unigram(R"(,"decoder":{"type":"Strip","content":"ab","start":1,"stop":0})")),
              HasSubstr("Strip"));
  EXPECT_THAT(refusal(unigram(R"(,"decoder":{"type":"Metaspace","replacement":""})")),
              HasSubstr("Metaspace"));
  EXPECT_THAT(refusal(unigram(R"(,"decoder":{"type":"Replace","pattern":{"Regex":"a+"}})")),
              HasSubstr("\"a+\""));
}

TEST(DescribeSubwords, NamesTheStepThatItDoesNotKnow) {
  EXPECT_THAT(refusal(unigram(normalizer(R"({"type":"StripAccents"})"))),
              HasSubstr("\"StripAccents\""));
  EXPECT_THAT(
      refusal(unigram(normalizer(R"({"type":"Replace","pattern":{"Regex":"\\s+"},"content":""})"))),
      HasSubstr("\"\\s+\""));
  EXPECT_THAT(refusal(unigram(normalizer(R"({"type":"Precompiled","precompiled_charsmap":"!"})"))),
              HasSubstr("base64"));
  EXPECT_THAT(refusal(unigram(pre_tokenizer(R"({"type":"Punctuation"})"))),
              HasSubstr("\"Punctuation\""));
  EXPECT_THAT(refusal(unigram(pre_tokenizer(
                  R"({"type":"Metaspace","replacement":"_","prepend_scheme":"last"})"))),
              HasSubstr("\"last\""));
  EXPECT_THAT(refusal(unigram(pre_tokenizer(R"({"type":"Metaspace","replacement":"ab"})"))),
              HasSubstr("no character"));
  EXPECT_THAT(refusal(bpe("")), HasSubstr("ByteLevel"));
  EXPECT_THAT(refusal(bpe(pre_tokenizer(R"({"type":"Sequence","pretokenizers":[
                  {"type":"Split","pattern":{"Regex":"x+"},"behavior":"Isolated"},
                  {"type":"ByteLevel","use_regex":false,"add_prefix_space":false}]})"))),
              HasSubstr("\"x+\""));
  EXPECT_THAT(refusal(bpe(R"(,"post_processor":{"type":"Sequence","processors":[
                  {"type":"BertProcessing","cls":["a",0],"sep":["b",1]},
                  {"type":"BertProcessing","cls":["a",0],"sep":["b",1]}]})" +
                          pre_tokenizer(R"({"type":"ByteLevel"})"))),
              HasSubstr("several steps"));
}

TEST(DescribeSubwords, NamesWhatIsWrongWithTheModel) {
  const auto unigram_of = [](const std::string& rest) {
    return refusal(R"({"model":{"type":"Unigram",)" + rest + "}}");
  };
  EXPECT_THAT(unigram_of(R"("vocab":[["a",0.0]])"), HasSubstr("unk_id"));
  EXPECT_THAT(unigram_of(R"("unk_id":1,"vocab":[["a",0.0]])"), HasSubstr("unk_id"));
  EXPECT_THAT(unigram_of(R"("unk_id":0,"vocab":[["a",0.0],["a",1.0]])"), HasSubstr("\"a\" twice"));
  EXPECT_THAT(unigram_of(R"("unk_id":0,"vocab":[["a",0.0,1]])"), HasSubstr("model.vocab"));
  EXPECT_THAT(unigram_of(R"("unk_id":0,"vocab":[["a","b"]])"), HasSubstr("model.vocab"));
  EXPECT_THAT(unigram_of(R"("unk_id":0,"vocab":{"a":0})"), HasSubstr("model.vocab"));
  const auto bpe_of = [](const std::string& rest) {
    return refusal(R"({"model":{"type":"BPE","vocab":{"a":0,"b":1},)" + rest + "}}");
  };
  EXPECT_THAT(bpe_of(R"("merges":["a b"])"), HasSubstr("\"a\" and \"b\""));
  EXPECT_THAT(bpe_of(R"("merges":["ab"])"), HasSubstr("model.merges"));
  EXPECT_THAT(bpe_of(R"("merges":[["a"]])"), HasSubstr("model.merges"));
  EXPECT_THAT(bpe_of(R"("merges":[],"dropout":0.1)"), HasSubstr("dropout"));
  EXPECT_THAT(bpe_of(R"("merges":[],"end_of_word_suffix":"</w>")"),
              HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(bpe_of(R"("merges":[],"byte_fallback":true)"), HasSubstr("byte_fallback"));
}

// A model file may not make a text grow without bounds.
TEST(DescribeSubwords, NormalizersThatGrowTextsTooMuchAreRefused) {
  const std::string grows =
      R"({"type":"Replace","pattern":{"String":"a"},"content":")" + std::string(200, 'a') + R"("})";
  EXPECT_EQ(refusal(unigram(normalizer(grows))), "");
  EXPECT_THAT(refusal(unigram(normalizer(R"({"type":"Sequence","normalizers":[)" + grows + "," +
                                         grows + "]}"))),
              HasSubstr("times as long"));
}

// All but the last as any reader has them; that is one bit off the nearest double.
TEST(NumberOfReference, IsWhatTheReferenceReads) {
  EXPECT_EQ(number_of_reference("0.0"), 0.0);
  EXPECT_EQ(number_of_reference("-11.5"), -11.5);
  EXPECT_EQ(number_of_reference("1.5e3"), 1500.0);
  EXPECT_EQ(number_of_reference("-2E-2"), -0.02);
  EXPECT_EQ(number_of_reference("123456789012345678901234567890.0"), 1.2345678901234567e29);
  EXPECT_EQ(number_of_reference("1e-320"), 1e-320);
  EXPECT_EQ(number_of_reference("-92.030920993190389"), -92.03092099319038);
  EXPECT_NE(number_of_reference("-92.030920993190389"), -92.030920993190389);
}

}  // namespace
}  // namespace hilo
