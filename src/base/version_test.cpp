#include "base/version.h"

#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilo {
namespace {

// Goal: the program and the library tell the version that the build system installs.
TEST(Version, IsTheOneOfTheProject) {
  std::ifstream file{HILO_SOURCE_DIR "/CMakeLists.txt"};
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), testing::HasSubstr(std::string{"project(hilo VERSION "} + version + " "));
}

}  // namespace
}  // namespace hilo
