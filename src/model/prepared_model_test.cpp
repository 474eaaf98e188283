// Goal: an engine is read only where nobody but its owner can have put it there, and everything
// that is wrong with a manifest is one sentence.
#include "model/prepared_model.h"

#include <filesystem>
#include <string>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/digest.h"
#include "model/model_test_support.h"

namespace hilo {
namespace {

using testing::HasSubstr;

namespace fs = std::filesystem;

std::string digest(const std::string& text) { return sha256(std::as_bytes(std::span{text})); }

nlohmann::json file(const std::string& name, const std::string& content) {
  return {{"file", name}, {"bytes", content.size()}, {"sha256", digest(content)}};
}

// A prepared folder as `hilo model prepare` leaves it, with the manifest as JSON to break.
class PreparedFolder : public testing::Test {
 protected:
  PreparedFolder() {
    manifest_ = {
        {"format", "hilo prepared model 1"},
        {"model",
         {{"name", "tiny"},
          {"pooling", "mean"},
          {"dims", 32},
          {"tokens_max", 64},
          {"vocabulary", 100},
          {"padding_id", 1},
          {"normalized", true},
          {"cross_encoder", false}}},
        {"sources", {{"config.json", "ab"}}},
        {"graph", file("model.onnx", "a graph")},
        {"profiles", {{{"lane", "high"}, {"min", {1, 1}}, {"opt", {1, 32}}, {"max", {8, 64}}}}},
        {"engine", file("model.engine", "an engine")}};
    manifest_["graph"]["precision"] = "fp16";
    manifest_["graph"]["opset"] = {{"ai.onnx", 20}};
    manifest_["graph"]["inputs"] = {{{"name", "input_ids"}, {"type", "int64"}}};
    manifest_["graph"]["outputs"] = {{{"name", "vectors"}, {"type", "float"}}};
    manifest_["graph"]["check"] = {{"difference_max", 1e-3}, {"cosine_min", 0.9999}};
    manifest_["engine"]["builder"] = "trtexec";
    manifest_["engine"]["version"] = "11.1.0";
    test::write_file(folder() / "model.onnx", "a graph");
    test::write_file(engine(), "an engine");
    for (const fs::path& path : {engine(), folder() / "model.onnx"})
      fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  }
  const fs::path& folder() const { return directory_.path(); }
  fs::path engine() const { return folder() / "model.engine"; }

  Result<PreparedModel> read() const {
    test::write_file(folder() / manifest_name, manifest_.dump());
    fs::permissions(folder() / manifest_name, fs::perms::owner_read | fs::perms::owner_write);
    return read_prepared_model(folder());
  }
  std::string refusal() const {
    const auto model = read();
    return model ? "(accepted)" : model.error().message;
  }
  std::string engine_refusal() const {
    const auto model = read();
    EXPECT_TRUE(model) << model.error().message;
    const auto content = read_engine(*model);
    return content ? "(accepted)" : content.error().message;
  }

  nlohmann::json manifest_;

 private:
  test::TemporaryDirectory directory_;
};

TEST(Digest, IsThatOfTheStandard) {
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(PreparedFolder, IsRead) {
  const auto model = read();
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->name, "tiny");
  EXPECT_EQ(model->padding_id, 1U);
  EXPECT_TRUE(model->normalized);
  EXPECT_EQ(model->graph.opset, 20U);
  EXPECT_EQ(model->graph.inputs.at(0).type, "int64");
  ASSERT_EQ(model->profiles.size(), 1U);
  EXPECT_EQ(model->profiles[0].max.texts, 8U);
  EXPECT_EQ(model->profiles[0].max.tokens, 64U);
  ASSERT_TRUE(model->engine);
  EXPECT_EQ(model->engine->version, "11.1.0");
  EXPECT_TRUE(check_prepared_file(*model, model->graph.file));
  const auto content = read_engine(*model);
  ASSERT_TRUE(content) << content.error().message;
  EXPECT_EQ(content->size(), 9U);
}

TEST_F(PreparedFolder, IsReadByItsManifestsName) {
  ASSERT_TRUE(read());
  EXPECT_TRUE(read_prepared_model(folder() / manifest_name));
}

TEST_F(PreparedFolder, WithoutAnEngineSaysHowToMakeIt) {
  manifest_["engine"] = nullptr;
  EXPECT_THAT(engine_refusal(), HasSubstr("has no engine yet: run `hilo model build`"));
}

TEST_F(PreparedFolder, RefusesManifestsThatAreBroken) {
  const nlohmann::json whole = manifest_;
  const auto without = [&](const char* key) {
    manifest_ = whole;
    manifest_.erase(key);
    return refusal();
  };
  EXPECT_THAT(without("format"), HasSubstr("is no \"hilo prepared model 1\""));
  for (const char* key : {"model", "sources", "graph", "profiles"})
    EXPECT_THAT(without(key), HasSubstr(std::string{key} + " is missing")) << key;
  manifest_ = whole;
  manifest_["profiles"][0]["max"] = {8, -1};
  EXPECT_THAT(refusal(), HasSubstr("no list of two numbers"));
  manifest_ = whole;
  manifest_["graph"]["inputs"][0] = 7;
  EXPECT_THAT(refusal(), HasSubstr(manifest_name));
  for (const char* name : {"../model.engine", "/etc/passwd", ""}) {
    manifest_ = whole;
    manifest_["engine"]["file"] = name;
    EXPECT_THAT(refusal(), HasSubstr("not in its folder")) << name;
  }
}

TEST_F(PreparedFolder, RefusesAnotherFile) {
  test::write_file(engine(), "an enginf");
  EXPECT_THAT(engine_refusal(), HasSubstr("its digest is another"));
  test::write_file(engine(), "an engine, and more");
  EXPECT_THAT(engine_refusal(), HasSubstr("its digest is another"));
  test::write_file(folder() / "model.onnx", "another");
  const auto model = read();
  EXPECT_FALSE(check_prepared_file(*model, model->graph.file));
}

TEST_F(PreparedFolder, RefusesWhatOthersMayWrite) {
  fs::permissions(engine(), fs::perms::group_write, fs::perm_options::add);
  EXPECT_THAT(engine_refusal(), HasSubstr("model.engine: can be written by others (mode 0620)"));
  fs::permissions(engine(), fs::perms::group_write, fs::perm_options::remove);
  fs::permissions(folder(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(engine_refusal(), HasSubstr("can be written by others (mode 0702)"));
  fs::permissions(folder(), fs::perms::others_write, fs::perm_options::remove);
  EXPECT_EQ(engine_refusal(), "(accepted)");
  const auto model = read();
  fs::permissions(folder() / manifest_name, fs::perms::others_write, fs::perm_options::add);
  const auto content = read_engine(*model);
  ASSERT_FALSE(content);
  EXPECT_THAT(content.error().message, HasSubstr("hilo-model.json: can be written by others"));
}

TEST_F(PreparedFolder, RefusesALink) {
  fs::rename(engine(), folder() / "elsewhere");
  fs::create_symlink(folder() / "elsewhere", engine());
  EXPECT_THAT(engine_refusal(), HasSubstr("is a link"));
}

TEST_F(PreparedFolder, RefusesWhatIsNoFile) {
  fs::remove(engine());
  EXPECT_THAT(engine_refusal(), HasSubstr("model.engine: cannot be looked at"));
  fs::create_directory(engine());
  EXPECT_THAT(engine_refusal(), HasSubstr("cannot be opened as a file"));
}

// Only root can give a file away.
TEST_F(PreparedFolder, RefusesAnotherUsersFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to another user";
  ASSERT_EQ(::chown(engine().c_str(), 12345, 12345), 0);
  EXPECT_THAT(engine_refusal(), HasSubstr("belongs to the user 12345"));
}

}  // namespace
}  // namespace hilo
