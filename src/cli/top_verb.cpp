#include <cstdio>
#include <poll.h>

#include <fmt/format.h>

#include "base/log.h"
#include "cli/top/engines.h"
#include "cli/top/terminal.h"
#include "cli/verb.h"

namespace hilo {
namespace {

constexpr const char* top_examples = R"(
Shows what a running engine does: both lanes, the last minute, its clients. q or Ctrl-C ends it.
docs/OPERATIONS.md says what the numbers mean.

Examples:
  hilo top
  hilo top --once
  hilo top --once --json --pid 4711)";

// What the figures of the live screen are about.
constexpr Nanoseconds live_span = 60 * second_ns;

class TopVerb final : public Verb {
 public:
  CommandWords words() const override {
    return {"top", "Show what a running engine does", top_examples};
  }

  void add_options(const OptionList& options) override {
    const Option socket = options.text(
        {"--socket", "The engine where programs connect here, or its control socket", "PATH"},
        choice_.socket);
    options.number({"--pid", "The engine that is this process", "PID"}, choice_.pid, 1, 1 << 30)
        .excludes(socket);
    options.number({"--interval", "Seconds between two looks", "S [1]"}, interval_s_, 0.1, 60.0);
    const Option once =
        options.flag({"--once", "Look for one interval, print a table, and end"}, once_);
    options
        .flag({"--json", "With --once: print the numbers since the engine began, at once"}, json_)
        .needs(once);
  }

  Status run() override {
    auto control = find_engine(choice_);
    if (!control) return control.error();
    if (json_) return print_json(*control);
    return once_ ? print_table(*control) : draw(*control);
  }

 private:
  static Status print_json(const std::string& control) {
    auto answer = ask_engine(control, "metrics");
    if (!answer) return answer.error();
    fmt::print("{}\n", *answer);
    return {};
  }

  static Status look(const std::string& control, History& history) {
    auto answer = ask_engine(control, "metrics buckets");
    if (!answer) return answer.error();
    auto snapshot = parse_snapshot(*answer);
    if (!snapshot) return snapshot.error();
    history.add(std::move(*snapshot));
    return {};
  }

  Nanoseconds interval() const {
    return static_cast<Nanoseconds>(interval_s_ * static_cast<double>(second_ns));
  }

  Status print_table(const std::string& control) const {
    History history;
    if (Status status = look(control, history); !status) return status;
    ::poll(nullptr, 0, static_cast<int>(interval() / millisecond_ns));
    if (Status status = look(control, history); !status) return status;
    if (!history.has_two()) return Error{"The engine was started again meanwhile; look once more."};
    const ScreenShape shape{
        .columns = 200, .rows = 200, .unicode = locale_is_utf8(), .curves = false};
    for (const ScreenLine& line : draw_screen(history, interval(), shape))
      fmt::print("{}\n", painted(line, wants_colour()));
    return {};
  }

  Status draw(const std::string& control) const {
    auto terminal = Terminal::open();
    if (!terminal) return terminal.error();
    History history;
    while (true) {
      const Instant next = monotonic_now() + (history.has_two() ? interval() : first_interval);
      if (Status status = look(control, history); !status) return status;
      auto event = Terminal::Event::resized;
      while (event == Terminal::Event::resized) {
        if (history.has_two())
          (*terminal)->show(draw_screen(history, live_span, (*terminal)->shape()));
        event = (*terminal)->wait(next);
      }
      if (event == Terminal::Event::quit) return {};
    }
  }

  // The first figures come soon.
  static constexpr Nanoseconds first_interval = 200 * millisecond_ns;

  EngineChoice choice_;
  double interval_s_ = 1;
  bool once_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_top_verb() { return std::make_unique<TopVerb>(); }

}  // namespace hilo
