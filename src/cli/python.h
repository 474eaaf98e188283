// The part of hilo that is written in Python, for verbs that need libraries of that world.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hilo {

// Becomes `python -m hilo.model WORDS...` and so returns only if there is no Python: $HILO_PYTHON,
// else the one beside this program, as in an environment that hilo is installed in, else python3.
Status become_python(const std::vector<std::string>& words);

}  // namespace hilo
