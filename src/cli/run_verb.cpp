#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/service.h"
#include "cli/verb.h"

namespace hilo {
namespace {

constexpr const char* examples = R"(
A command is split into words as a shell would; one that needs more (pipes, variables, patterns)
runs under sh. Each program finds its channel with hilo_open() or hilo.Client.from_environment().
The run ends when both programs have ended: with 0 if both succeeded, else with 1.

Examples:
  hilo run --model DIR --high "python high.py" --low "python low.py"
  hilo run --model DIR --low "python index.py --all" --restart on-failure
  hilo run --model DIR --high "./server" --socket /run/user/1000/hilo.sock)";

class RunVerb final : public Verb {
 public:
  CLI::App* add_to(CLI::App& app) override {
    CLI::App* const verb = app.add_subcommand("run", "Start programs on an engine of their own");
    verb->footer(examples);
    verb->add_option("--high", high_, "The program that a user waits for")->option_text("COMMAND");
    verb->add_option("--low", low_, "The program that gets what HIGH leaves")
        ->option_text("COMMAND");
    verb->add_option("--restart", options_.restart.when, "never, or on-failure with growing delays")
        ->transform(CLI::CheckedTransformer(std::map<std::string, RestartWhen>{
            {"never", RestartWhen::never}, {"on-failure", RestartWhen::on_failure}}))
        ->option_text("WHEN [never]");
    verb->add_option("--socket", socket_, "Serve other programs on this socket, too")
        ->option_text("PATH");
    add_service_options(*verb, options_);
    verb->callback([this] {
      require_model(options_.model);
      if (high_.empty() && low_.empty()) throw CLI::RequiredError("--high or --low");
    });
    return verb;
  }

  Status run() override {
    return run_service(options_, [this](Supervisor& supervisor) { return open(supervisor); });
  }

 private:
  Status open(Supervisor& supervisor) const {
    if (!socket_.empty())
      if (Status status = supervisor.listen(socket_, LaneRights::any); !status) return status;
    if (!high_.empty())
      if (Status status = supervisor.launch({"high", high_, LaneRights::high}); !status)
        return status;
    if (!low_.empty()) return supervisor.launch({"low", low_, LaneRights::low});
    return {};
  }

  ServiceOptions options_;
  std::string high_, low_, socket_;
};

}  // namespace

std::unique_ptr<Verb> make_run_verb() { return std::make_unique<RunVerb>(); }

}  // namespace hilo
