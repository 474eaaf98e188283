#include "programs.h"

#include <cstdio>
#include <cstdlib>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/engine.h"
#include "supervisor/supervisor.h"

namespace hilo {
namespace {

struct Started {
  pid_t process;
  UniqueFd engine_end;
};

[[noreturn]] void run_program(const BenchProgram& program, int socket) {
  hilo_client* client = nullptr;
  check(hilo_connect_fd(socket, static_cast<hilo_lane>(program.rights), &client));
  program.body(client);
  hilo_close(client);
  std::exit(EXIT_SUCCESS);
}

Result<Started> start(const BenchProgram& program) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return Error{"No socket pair could be made."};
  Started started{::fork(), UniqueFd{ends[0]}};
  if (started.process < 0) return Error{"The client process could not be forked."};
  if (started.process == 0) {
    started.engine_end.reset();
    run_program(program, ends[1]);
  }
  ::close(ends[1]);
  return started;
}

Status wait_for_end(pid_t process) {
  int status = 0;
  if (::waitpid(process, &status, 0) == process && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
    return Error{"A client of the benchmark failed."};
  return {};
}

}  // namespace

Status serve_programs(const ModelOptions& options, const std::vector<BenchProgram>& programs,
                      const Preemption& preemption) {
  std::fflush(stdout);           // Else each child prints what is still buffered, once more.
  std::vector<Started> started;  // Forked before any thread exists, or a GPU is opened.
  for (const BenchProgram& program : programs) {
    Result<Started> client = start(program);
    if (!client) return client.error();
    started.push_back(std::move(*client));
  }
  Result<ModelSource> source = find_model(options);
  if (!source) return source.error();
  auto supervisor = Supervisor::create({.channel = source->channel, .restart = {}});
  if (!supervisor) return supervisor.error();
  for (size_t i = 0; i < programs.size(); ++i)
    if (Status served =
            (*supervisor)->serve_connection(std::move(started[i].engine_end), programs[i].rights);
        !served)
      return served;
  const Result<LoadedModel> model = load(*source);
  if (!model) return model.error();
  std::fputs(fmt::format("{}\n", describe(*source, *model)).c_str(), stdout);
  EngineOptions engine_options = hilo::engine_options(*source);
  engine_options.preemption = preemption;
  Engine engine{*model->backend, model->tokenizer_or_null(), engine_options};
  if (Status ran = (*supervisor)->run(engine); !ran) return ran;
  for (const Started& client : started)
    if (Status ended = wait_for_end(client.process); !ended) return ended;
  return {};
}

void check(hilo_status status) {
  if (status == HILO_OK) return;
  std::fprintf(stderr, "bench client: %s: %s\n", hilo_strerror(status), hilo_last_error());
  std::exit(EXIT_FAILURE);
}

hilo_result take_and_release(hilo_client* client) {
  hilo_result result;
  size_t taken = 0;
  while (hilo_take(client, &result, 1, &taken) == HILO_EMPTY) check(hilo_wait(client, 60'000));
  ENSURE(taken == 1);
  check(result.status);
  check(hilo_release(client, result.task));
  return result;
}

Nanoseconds time_of_one(hilo_client* client, const std::string& text) {
  hilo_task task = 0;
  const Instant began = monotonic_now();
  check(hilo_submit(client, HILO_HIGH, text.data(), text.size(), &task));
  take_and_release(client);
  return monotonic_now() - began;
}

}  // namespace hilo
