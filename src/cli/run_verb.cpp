#include <string>

#include "cli/service.h"
#include "cli/verb.h"

namespace hilo {
namespace {

constexpr const char* run_examples = R"(
A command is split into words as a shell would; one that needs more (pipes, variables, patterns)
runs under sh. Each program finds its channel with hilo_open() or hilo.Client.from_environment().
The run ends when both programs have ended: with 0 if both succeeded, else with 1.

Examples:
  hilo run --model DIR --high "python high.py" --low "python low.py"
  hilo run --model DIR --low "python index.py --all" --restart on-failure
  hilo run --model DIR --high "./server" --socket /run/user/1000/hilo.sock)";

class RunVerb final : public Verb {
 public:
  CommandWords words() const override {
    return {"run", "Start programs on an engine of their own", run_examples};
  }

  void add_options(const OptionList& options) override {
    options.text({"--high", "The program that a user waits for", "COMMAND"}, high_);
    options.text({"--low", "The program that gets what HIGH leaves", "COMMAND"}, low_);
    options.choice({"--restart", "never, or on-failure with growing delays", "WHEN [never]"},
                   options_.restart.when,
                   {{"never", RestartWhen::never}, {"on-failure", RestartWhen::on_failure}});
    options.text({"--socket", "Serve other programs on this socket, too", "PATH"}, options_.socket);
    add_service_options(options, options_);
    options.require([this]() -> std::string {
      if (high_.empty() && low_.empty()) return "--high or --low";
      return missing_option(options_.model);
    });
  }

  Status run() override {
    return run_service(options_, [this](Supervisor& supervisor) { return open(supervisor); });
  }

 private:
  Status open(Supervisor& supervisor) const {
    if (!options_.socket.empty())
      if (Status status = supervisor.listen(options_.socket, LaneRights::any); !status)
        return status;
    if (!high_.empty())
      if (Status status = supervisor.launch({"high", high_, LaneRights::high}); !status)
        return status;
    if (!low_.empty()) return supervisor.launch({"low", low_, LaneRights::low});
    return {};
  }

  ServiceOptions options_;
  std::string high_, low_;
};

}  // namespace

std::unique_ptr<Verb> make_run_verb() { return std::make_unique<RunVerb>(); }

}  // namespace hilo
