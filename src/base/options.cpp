#include "base/options.h"

#include <algorithm>

#include <CLI/CLI.hpp>

namespace hilo {

Option& Option::from_environment(const char* variable) {
  option_.envname(variable);
  return *this;
}

Option& Option::needs(const Option& other) {
  option_.needs(&other.option_);
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_.excludes(&other.option_);
  return *this;
}

Option OptionList::text(const OptionWords& words, std::string& value) const {
  return Option{*parser_.add_option(words.name, value, words.help)->option_text(words.shown)};
}

Option OptionList::text_or(const OptionWords& words, std::string& value,
                           const std::string& meant) const {
  const auto use = [&value, meant](const CLI::results_t& given) {
    value = given.back().empty() ? meant : given.back();
    return true;
  };
  return Option{
      *parser_.add_option(words.name, use, words.help)->expected(0, 1)->option_text(words.shown)};
}

Option OptionList::one_of(const OptionWords& words, std::string& value,
                          std::vector<std::string> allowed) const {
  return Option{*parser_.add_option(words.name, value, words.help)
                     ->check(CLI::IsMember(std::move(allowed)))
                     ->option_text(words.shown)};
}

Option OptionList::flag(const OptionWords& words, bool& value) const {
  return Option{*parser_.add_flag(words.name, value, words.help)};
}

Option OptionList::texts(const OptionWords& words, std::vector<std::string>& values) const {
  return Option{*parser_.add_option(words.name, values, words.help)->option_text(words.shown)};
}

template <class Number>
Option OptionList::number(const OptionWords& words, Number& value, Number min, Number max) const {
  return Option{*parser_.add_option(words.name, value, words.help)
                     ->check(CLI::Range(min, max))
                     ->option_text(words.shown)};
}
template Option OptionList::number(const OptionWords&, uint32_t&, uint32_t, uint32_t) const;
template Option OptionList::number(const OptionWords&, int&, int, int) const;
template Option OptionList::number(const OptionWords&, double&, double, double) const;

Option OptionList::number(const OptionWords& words, std::optional<uint32_t>& value, uint32_t min,
                          uint32_t max) const {
  return Option{*parser_.add_option(words.name, value, words.help)
                     ->check(CLI::Range(min, max))
                     ->option_text(words.shown)};
}

Option OptionList::choice_of(const OptionWords& words, const std::vector<std::string>& names,
                             std::function<void(size_t)> choose) const {
  const auto use = [names, choose = std::move(choose)](const CLI::results_t& given) {
    choose(static_cast<size_t>(std::ranges::find(names, given.back()) - names.begin()));
    return true;
  };
  return Option{*parser_.add_option(words.name, use, words.help)
                     ->check(CLI::IsMember(names))
                     ->option_text(words.shown)};
}

void OptionList::pass_on(const std::string& prefix, std::vector<std::string>& passed) const {
  parser_.allow_extras();
  parser_.parse_complete_callback([&parser = parser_, prefix, &passed] {
    for (const std::string& word : parser.remaining()) {
      if (word.starts_with(prefix))
        passed.push_back("--" + word.substr(prefix.size()));
      else if (passed.empty() || word.starts_with('-'))
        throw CLI::ExtrasError({word});
      else
        passed.push_back(word);
    }
  });
}

void OptionList::rest(std::vector<std::string>& words) const {
  parser_.prefix_command();
  parser_.parse_complete_callback([&parser = parser_, &words] { words = parser.remaining(); });
}

void OptionList::require(std::function<std::string()> missing) const {
  parser_.callback([missing = std::move(missing)] {
    if (const std::string name = missing(); !name.empty()) throw CLI::RequiredError(name);
  });
}

namespace {

// 2 is the status of a command line that makes no sense.
std::optional<int> parse_with(CLI::App& program, int argc, char** argv) {
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return program.exit(wrong) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

}  // namespace

OptionParser::OptionParser(const CommandWords& program, const char* version)
    : program_(std::make_unique<CLI::App>(program.summary, program.name)) {
  program_->set_version_flag("--version", version);
  program_->footer(program.examples);
}

OptionParser::~OptionParser() = default;

std::optional<int> OptionParser::parse(int argc, char** argv) {
  return parse_with(*program_, argc, argv);
}

VerbParser::VerbParser(const CommandWords& program, const char* version)
    : program_(std::make_unique<CLI::App>(program.summary, program.name)) {
  program_->set_version_flag("--version", version);
  program_->footer(program.examples);
  program_->require_subcommand(0, 1);  // None is told below, after words that are no verb.
  program_->callback([this] {
    if (program_->get_subcommands().empty()) throw CLI::RequiredError("A verb");
  });
}

VerbParser::~VerbParser() = default;

OptionList VerbParser::add(const CommandWords& verb) {
  CLI::App* const parser = program_->add_subcommand(verb.name, verb.summary);
  parser->footer(verb.examples);
  verbs_.push_back(parser);
  return OptionList{*parser};
}

std::optional<int> VerbParser::parse(int argc, char** argv) {
  return parse_with(*program_, argc, argv);
}

size_t VerbParser::verb() const {
  const auto chosen =
      std::ranges::find_if(verbs_, [](const CLI::App* verb) { return verb->parsed(); });
  return static_cast<size_t>(chosen - verbs_.begin());
}

}  // namespace hilo
