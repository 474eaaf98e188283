#include "supervisor/command.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace hilo {
namespace {

constexpr std::string_view blanks = " \t";
// Unquoted, these mean something to a shell wherever they stand; within double quotes only some do.
constexpr std::string_view shell_anywhere = "|&;<>()$`*?[]{}\n";
constexpr std::string_view shell_at_word_start = "#~!";
constexpr std::string_view shell_in_double_quotes = "$`";
constexpr std::string_view escapable_in_double_quotes = "\"\\";

bool contains(std::string_view set, char character) {
  return set.find(character) != std::string_view::npos;
}

// Reads one line into words. Stops early when it meets something that only a shell can do.
class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line) {}

  bool needs_shell() const { return needs_shell_; }
  char open_quote() const { return open_quote_; }

  std::vector<std::string> split() {
    while (next_word() && !needs_shell_) words_.push_back(word_);
    return std::move(words_);
  }

 private:
  bool next_word() {
    while (at_ < line_.size() && contains(blanks, line_[at_])) ++at_;
    if (at_ == line_.size()) return false;
    word_.clear();
    if (contains(shell_at_word_start, line_[at_])) needs_shell_ = true;
    while (at_ < line_.size() && !contains(blanks, line_[at_]) && !needs_shell_) take_part();
    return true;
  }

  void take_part() {
    const char character = line_[at_++];
    if (character == '\'') {
      take_single_quoted();
    } else if (character == '"') {
      take_double_quoted();
    } else if (character == '\\' && at_ < line_.size()) {
      word_ += line_[at_++];
    } else if (contains(shell_anywhere, character) || (character == '=' && words_.empty())) {
      needs_shell_ = true;
    } else {
      word_ += character;
    }
  }

  void take_single_quoted() {
    const size_t end = line_.find('\'', at_);
    if (end == std::string_view::npos) open_quote_ = '\'';
    word_ += line_.substr(at_, end - at_);
    at_ = end == std::string_view::npos ? line_.size() : end + 1;
  }

  void take_double_quoted() {
    while (at_ < line_.size()) {
      const char character = line_[at_++];
      if (character == '"') return;
      if (contains(shell_in_double_quotes, character)) {
        needs_shell_ = true;
        return;
      }
      const bool escapes = character == '\\' && at_ < line_.size() &&
                           contains(escapable_in_double_quotes, line_[at_]);
      word_ += escapes ? line_[at_++] : character;
    }
    open_quote_ = '"';
  }

  std::string_view line_;
  size_t at_ = 0;
  std::string word_;
  std::vector<std::string> words_;
  bool needs_shell_ = false;
  char open_quote_ = '\0';
};

bool is_program(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view line) {
  if (line.find('\0') != std::string_view::npos)
    return Error{"the command holds a NUL byte: no program can be given one"};
  Splitter splitter{line};
  std::vector<std::string> words = splitter.split();
  if (splitter.needs_shell()) return std::vector<std::string>{"sh", "-c", std::string{line}};
  if (splitter.open_quote() != '\0')
    return Error{fmt::format("the command '{}' has a {} that is not closed", line,
                             splitter.open_quote() == '"' ? "double quote" : "single quote")};
  if (words.empty() || words.front().empty())
    return Error{"the command is empty: give a program to start"};
  return words;
}

std::string join_command(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += line.empty() ? "" : " ";
    for (const char character : word) {
      const bool plain = (character >= 'a' && character <= 'z') ||
                         (character >= 'A' && character <= 'Z') ||
                         (character >= '0' && character <= '9') || contains("-_./:", character);
      line += plain ? "" : "\\";
      line += character;
    }
    line += word.empty() ? "''" : "";
  }
  return line;
}

Result<std::string> find_program(const std::string& name, std::string_view search_path) {
  if (name.find('/') != std::string::npos) {
    if (is_program(name)) return name;
    if (::access(name.c_str(), F_OK) != 0)
      return Error{fmt::format("cannot start '{}': {}", name, std::strerror(errno))};
    return Error{fmt::format("cannot start '{}': it is not an executable file", name)};
  }
  for (size_t from = 0; from <= search_path.size();) {
    const size_t end = std::min(search_path.find(':', from), search_path.size());
    const std::string_view folder = search_path.substr(from, end - from);
    std::string path = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
    if (is_program(path)) return path;
    from = end + 1;
  }
  return Error{fmt::format("cannot start '{}': there is no such program in PATH", name)};
}

}  // namespace hilo
