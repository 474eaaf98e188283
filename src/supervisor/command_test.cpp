#include "supervisor/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilo {
namespace {

using Words = std::vector<std::string>;

// Goal: plain lines give the words a shell would give, and everything else goes to the shell.
// Method: a table; an empty `words` means `sh -c LINE`.
TEST(SplitCommand, Table) {
  struct Row {
    const char* line;
    Words words;
  };
  const Row rows[] = {
      {"true", {"true"}},
      {"  python \t low.py  --quick ", {"python", "low.py", "--quick"}},
      {"echo 'a b' \"c d\" e\\ f", {"echo", "a b", "c d", "e f"}},
      {"echo a'b'\"c\"d", {"echo", "abcd"}},
      {"echo ''", {"echo", ""}},
      {"echo 'a\"$b`|'", {"echo", "a\"$b`|"}},
      {"echo \"it's\" \"a\\\"b\" \"a\\\\b\" \"a\\nb\"", {"echo", "it's", "a\"b", "a\\b", "a\\nb"}},
      {"echo \"a|b;c*\"", {"echo", "a|b;c*"}},
      {"echo \\| \\$x", {"echo", "|", "$x"}},
      {"program --size=3 a#b a~ a!", {"program", "--size=3", "a#b", "a~", "a!"}},
      {"echo caf\xc3\xa9", {"echo", "caf\xc3\xa9"}},
      {"a | b", {}},
      {"a && b", {}},
      {"a; b", {}},
      {"a > file", {}},
      {"echo $HOME", {}},
      {"echo \"$HOME\"", {}},
      {"echo `id`", {}},
      {"ls *.py", {}},
      {"ls ~", {}},
      {"NAME=value program", {}},
      {"! program", {}},
      {"echo {a,b}", {}},
      {"a\nb", {}},
      {"a # comment", {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.line);
    const auto words = split_command(row.line);
    ASSERT_TRUE(words.ok()) << words.error().message;
    EXPECT_EQ(words.value(), row.words.empty() ? Words({"sh", "-c", row.line}) : row.words);
  }
}

TEST(SplitCommand, SaysWhatIsWrong) {
  EXPECT_THAT(split_command("").error().message, testing::HasSubstr("is empty"));
  EXPECT_THAT(split_command(" \t ").error().message, testing::HasSubstr("is empty"));
  EXPECT_THAT(split_command("''").error().message, testing::HasSubstr("is empty"));
  EXPECT_THAT(split_command("a \"b").error().message, testing::HasSubstr("double quote"));
  EXPECT_THAT(split_command("a 'b").error().message, testing::HasSubstr("single quote"));
  EXPECT_THAT(split_command(std::string_view{"a\0b", 3}).error().message,
              testing::HasSubstr("NUL"));
}

TEST(FindProgram, SearchesThePath) {
  EXPECT_EQ(find_program("sh", "/nowhere:/bin").value(), "/bin/sh");
  EXPECT_EQ(find_program("/bin/sh", "").value(), "/bin/sh");
}

TEST(FindProgram, NamesWhatIsMissing) {
  EXPECT_EQ(find_program("no-such-program", "/bin:/usr/bin").error().message,
            "cannot start 'no-such-program': there is no such program in PATH");
  EXPECT_EQ(find_program("/no/such", "").error().message,
            "cannot start '/no/such': No such file or directory");
  EXPECT_EQ(find_program("/etc/passwd", "").error().message,
            "cannot start '/etc/passwd': it is not an executable file");
  EXPECT_EQ(find_program("/bin/", "").error().message,
            "cannot start '/bin/': it is not an executable file");
}

// Goal: words survive being joined and split, whatever is in them.
TEST(JoinCommand, IsUndoneBySplitting) {
  const std::vector<std::string> words{"/a b/hilo-http", "", "--x=1", "it's \"$HOME\" && ~ #",
                                       "\xc3\xa4\\"};
  const auto again = split_command(join_command(words));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, words);
}

}  // namespace
}  // namespace hilo
