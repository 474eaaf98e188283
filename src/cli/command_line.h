// The program `hilo`: one verb, its options, and an exit status.
//   0  done    1  it could not be done, and one sentence on standard error says why
//   2  the command line makes no sense
#pragma once

namespace hilo {

int run_command_line(int argc, char** argv);

}  // namespace hilo
