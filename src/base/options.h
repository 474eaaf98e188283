// The command line: verbs, and options that are written into variables. CLI11 reads it, behind this
// header: its templates would cost each file that includes them six seconds to compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace hilo {

// A name, what --help says of it, and what it shows behind the name: "DIR", "N [0]".
struct OptionWords {
  const char* name;
  const char* help;
  const char* shown = "";
};

class Option {
 public:
  explicit Option(CLI::Option& option) : option_(option) {}

  Option& from_environment(const char* variable);
  Option& needs(const Option& other);
  Option& excludes(const Option& other);

 private:
  CLI::Option& option_;
};

// Where the options of one verb or program are added. Their variables live until the command line
// is read.
class OptionList {
 public:
  explicit OptionList(CLI::App& parser) : parser_(parser) {}

  Option text(const OptionWords& words, std::string& value) const;
  // A text that may be left out behind the name, which then means `meant`.
  Option text_or(const OptionWords& words, std::string& value, const std::string& meant) const;
  Option one_of(const OptionWords& words, std::string& value,
                std::vector<std::string> allowed) const;
  Option flag(const OptionWords& words, bool& value) const;
  // What is on the command line without a name.
  Option texts(const OptionWords& words, std::vector<std::string>& values) const;
  // uint32_t, int or double, from min to max.
  template <class Number>
  Option number(const OptionWords& words, Number& value, Number min, Number max) const;
  Option number(const OptionWords& words, std::optional<uint32_t>& value, uint32_t min,
                uint32_t max) const;

  template <class Value>
  Option choice(const OptionWords& words, Value& value,
                std::vector<std::pair<std::string, std::type_identity_t<Value>>> named) const {
    std::vector<std::string> names;
    names.reserve(named.size());
    for (const auto& [name, meaning] : named) names.push_back(name);
    return choice_of(words, names, [&value, named = std::move(named)](size_t chosen) {
      value = named[chosen].second;
    });
  }

  // Takes what is no option of this list: all that begins with `prefix` ("--http-"), each with the
  // values behind it, as options of another program, whose names have no prefix.
  void pass_on(const std::string& prefix, std::vector<std::string>& passed) const;

  // Everything from the first word on that is no option of this list, options of others included.
  void rest(std::vector<std::string>& words) const;

  // When all is read: the name of an option that is missing, or nothing.
  void require(std::function<std::string()> missing) const;

 private:
  Option choice_of(const OptionWords& words, const std::vector<std::string>& names,
                   std::function<void(size_t)> choose) const;

  CLI::App& parser_;
};

struct CommandWords {
  const char* name;
  const char* summary;
  const char* examples;  // the end of its --help
};

// A program without verbs.
class OptionParser {
 public:
  OptionParser(const CommandWords& program, const char* version);
  ~OptionParser();

  OptionList options() const { return OptionList{*program_}; }
  // The exit status, after help or a complaint was printed; or none, and the program goes on.
  std::optional<int> parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> program_;
};

// A program whose first word is one of its verbs.
class VerbParser {
 public:
  VerbParser(const CommandWords& program, const char* version);
  ~VerbParser();

  OptionList add(const CommandWords& verb);
  // The exit status, after help or a complaint was printed; or none, and verb() is to be run.
  std::optional<int> parse(int argc, char** argv);
  // In the order of add().
  size_t verb() const;

 private:
  std::unique_ptr<CLI::App> program_;
  std::vector<CLI::App*> verbs_;
};

}  // namespace hilo
