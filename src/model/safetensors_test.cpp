// Goal: a safetensors file that breaks a rule of the format is refused with a sentence that names
// the file and the cause, and nothing outside of the file is ever looked at.
#include "model/safetensors.h"

#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model_test_support.h"

namespace hilo {
namespace {

using test::safetensors_file;
using test::TemporaryDirectory;
using test::TestTensor;
using testing::AllOf;
using testing::HasSubstr;

Result<StoredTensors> parse(std::string_view file) {
  return parse_safetensors(std::as_bytes(std::span{file}), "weights.safetensors");
}

// The sentence with which a file is refused.
std::string refusal(std::string_view file) {
  const Result<StoredTensors> tensors = parse(file);
  return tensors ? "(accepted)" : tensors.error().message;
}

auto names_file_and(const std::string& cause) {
  return AllOf(HasSubstr("weights.safetensors: "), HasSubstr(cause));
}

std::string file_of(const std::string& entry, size_t data_bytes) {
  return safetensors_file(fmt::format(R"({{"a": {}}})", entry), std::string(data_bytes, '\0'));
}

std::string two_tensors(uint64_t begin, uint64_t end, size_t data_bytes) {
  const std::string header =
      fmt::format(R"({{"a":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}},)"
                  R"("b":{{"dtype":"F32","shape":[1],"data_offsets":[{},{}]}}}})",
                  begin, end);
  return safetensors_file(header, std::string(data_bytes, '\0'));
}

TEST(Safetensors, ListsTensorsWithTypeShapeAndBytes) {
  const std::string file = safetensors_file({{"one", TestTensor::f32({2, 1}, {1.5F, -2.0F})},
                                             {"two", {"I64", {1}, std::string(8, '\x7')}},
                                             {"zero", {"F32", {0, 4}, ""}}});
  const Result<StoredTensors> tensors = parse(file);
  ASSERT_TRUE(tensors) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 3U);  // __metadata__ is no tensor.
  const StoredTensor& one = tensors->at("one");
  EXPECT_EQ(one.type, "F32");
  EXPECT_EQ(one.shape, (std::vector<uint64_t>{2, 1}));
  ASSERT_EQ(one.bytes.size(), 8U);
  float second = 0;
  std::memcpy(&second, one.bytes.data() + 4, sizeof second);
  EXPECT_EQ(second, -2.0F);
  EXPECT_EQ(tensors->at("two").bytes[7], std::byte{7});
  EXPECT_TRUE(tensors->at("zero").bytes.empty());
}

TEST(Safetensors, AcceptsTypesItCannotMeasure) {
  const Result<StoredTensors> tensors =
      parse(file_of(R"({"dtype":"F4","shape":[16],"data_offsets":[0,8]})", 8));
  EXPECT_TRUE(tensors) << tensors.error().message;
}

// Method: every prefix of a good file. Only the whole file may be accepted.
TEST(Safetensors, RefusesAFileCutAnywhere) {
  const std::string file = safetensors_file(
      {{"a", TestTensor::f32({3}, {1, 2, 3})}, {"b", TestTensor::f32({1, 2}, {4, 5})}});
  for (size_t bytes = 0; bytes < file.size(); ++bytes) {
    EXPECT_THAT(refusal(file.substr(0, bytes)), names_file_and("fetch the model again")) << bytes;
  }
  EXPECT_EQ(refusal(file), "(accepted)");
}

TEST(Safetensors, RefusesAHeaderLengthThatLies) {
  std::string file = two_tensors(8, 12, 12);
  for (const uint64_t claimed :
       {uint64_t{0}, uint64_t{1}, file.size() - 8 + 1, safetensors_header_bytes_max + 1,
        std::numeric_limits<uint64_t>::max(), uint64_t{1} << 63}) {
    std::memcpy(file.data(), &claimed, sizeof claimed);
    EXPECT_NE(refusal(file), "(accepted)") << claimed;
    EXPECT_THAT(refusal(file), HasSubstr("weights.safetensors: ")) << claimed;
  }
}

TEST(Safetensors, RefusesOffsetsThatDoNotTile) {
  EXPECT_EQ(refusal(two_tensors(8, 12, 12)), "(accepted)");
  EXPECT_THAT(refusal(two_tensors(4, 8, 8)), names_file_and("tensor b overlaps another tensor"));
  EXPECT_THAT(refusal(two_tensors(0, 4, 8)), names_file_and("overlaps another tensor"));
  EXPECT_THAT(refusal(two_tensors(12, 16, 16)), names_file_and("tensor b follows after unused"));
  EXPECT_THAT(refusal(two_tensors(8, 12, 13)), names_file_and("1 bytes after its last tensor"));
  EXPECT_THAT(refusal(two_tensors(8, 12, 11)), names_file_and("ends at 12, but the file has only"));
  EXPECT_THAT(refusal(two_tensors(12, 8, 16)), names_file_and("begins at 12, behind its end at 8"));
  EXPECT_THAT(refusal(two_tensors(std::numeric_limits<uint64_t>::max() - 3,
                                  std::numeric_limits<uint64_t>::max(), 12)),
              names_file_and("the file has only 12 bytes"));
}

TEST(Safetensors, RefusesSizesThatAreNotThatOfTheShape) {
  EXPECT_THAT(refusal(file_of(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8)),
              names_file_and("tensor a has 8 bytes where its shape takes 12"));
  EXPECT_THAT(refusal(file_of(R"({"dtype":"F16","shape":[2],"data_offsets":[0,8]})", 8)),
              names_file_and("has 8 bytes where its shape takes 4"));
  // 2^62 elements of 4 bytes are 2^64, which is 0 to whoever multiplies without looking.
  EXPECT_THAT(
      refusal(file_of(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", 0)),
      names_file_and("too large for any file"));
  EXPECT_THAT(refusal(file_of(
                  R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0)),
              names_file_and("too large for any file"));
}

TEST(Safetensors, RefusesEntriesOfAnotherForm) {
  const auto cause_of = [](const std::string& entry) { return refusal(file_of(entry, 4)); };
  EXPECT_THAT(cause_of("7"), names_file_and("tensor a lacks dtype"));
  EXPECT_THAT(cause_of("null"), names_file_and("lacks dtype"));
  EXPECT_THAT(cause_of(R"({"dtype":"F32","data_offsets":[0,4]})"), names_file_and("lacks shape"));
  EXPECT_THAT(cause_of(R"({"dtype":"F32","shape":[1]})"), names_file_and("lacks data_offsets"));
  EXPECT_THAT(cause_of(R"({"dtype":4,"shape":[1],"data_offsets":[0,4]})"),
              names_file_and("dtype that is not a text"));
  for (const char* shape : {"1", "[-1]", "[1.0]", "[1e3]", R"(["1"])", "[[1]]", "{}", "[null]",
                            "[18446744073709551616]"}) {
    EXPECT_THAT(
        cause_of(fmt::format(R"({{"dtype":"F32","shape":{},"data_offsets":[0,4]}})", shape)),
        names_file_and("shape that is not a list of whole numbers"))
        << shape;
  }
  for (const char* offsets : {"[]", "[0]", "[0,4,4]", "[0,-4]", "[0,4.0]", "4", "[0,1e30]"}) {
    EXPECT_THAT(
        cause_of(fmt::format(R"({{"dtype":"F32","shape":[1],"data_offsets":{}}})", offsets)),
        names_file_and("data_offsets that are not two whole numbers"))
        << offsets;
  }
}

TEST(Safetensors, RefusesHeadersThatAreNoObject) {
  EXPECT_THAT(refusal(safetensors_file("[]", "")), names_file_and("not a JSON object"));
  EXPECT_THAT(refusal(safetensors_file("7", "")), names_file_and("not a JSON object"));
  EXPECT_THAT(refusal(safetensors_file("{\"a\":", "")), names_file_and("not valid JSON"));
  EXPECT_THAT(refusal(safetensors_file("\xFF\xFE", "")), names_file_and("not valid JSON"));
  EXPECT_THAT(refusal(safetensors_file("{} {}", "")), names_file_and("not valid JSON"));
  EXPECT_THAT(refusal(safetensors_file(std::string(1'000'000, '['), "")),
              names_file_and("nested more than"));
}

TEST(Safetensors, RefusesATensorGivenTwice) {
  const std::string entry = R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  EXPECT_THAT(refusal(safetensors_file(fmt::format(R"({{"a":{},"a":{}}})", entry, entry), "")),
              names_file_and("gives \"a\" twice"));
  EXPECT_THAT(
      refusal(file_of(R"({"dtype":"F32","dtype":"F16","shape":[0],"data_offsets":[0,0]})", 0)),
      names_file_and("gives \"dtype\" twice"));
}

TEST(Safetensors, HidesControlBytesOfAName) {
  const std::string file = safetensors_file(R"({"\u001b[31mred\n":7})", "");
  EXPECT_THAT(refusal(file), names_file_and("tensor ?[31mred? lacks dtype"));
}

TEST(SafetensorsFile, RefusesWhatIsNoFile) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "weights.safetensors";
  const auto refusal_of_path = [&] {
    const Result<SafetensorsFile> file = SafetensorsFile::open(path);
    return file ? "(accepted)" : file.error().message;
  };
  EXPECT_THAT(refusal_of_path(), names_file_and("No such file or directory"));
  std::filesystem::create_directory(path);
  EXPECT_THAT(refusal_of_path(), names_file_and("is not a regular file"));
  std::filesystem::remove(path);
  std::filesystem::create_symlink(path, path);
  EXPECT_THAT(refusal_of_path(), names_file_and("cannot be opened"));
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(refusal_of_path(), names_file_and("is not a regular file"));  // and does not hang
  std::filesystem::remove(path);
  test::write_file(path, "");
  EXPECT_THAT(refusal_of_path(), names_file_and("is empty"));
}

// Root may read everything, so root asks as somebody else.
TEST(SafetensorsFile, RefusesAFileThatMayNotBeRead) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "weights.safetensors";
  test::write_file(path, safetensors_file("{}", ""));
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  constexpr uid_t nobody = 65534;
  const uid_t self = ::geteuid();
  if (self == 0) {
    ASSERT_EQ(::seteuid(nobody), 0);
  }
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (self == 0) {
    ASSERT_EQ(::seteuid(self), 0);
  }
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, names_file_and("Permission denied"));
}

TEST(SafetensorsFile, NoticesAFileChangedWhileItIsMapped) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "weights.safetensors";
  test::write_file(path, two_tensors(8, 12, 12));
  const Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->file().check_unchanged());
  ASSERT_EQ(::truncate(path.c_str(), 20), 0);
  const Status status = file->file().check_unchanged();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, names_file_and("was changed while it was being loaded"));
}

}  // namespace
}  // namespace hilo
