// The memory budget for people: one line for each owner, and the total.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace hilo {

std::vector<std::string> memory_report(const std::vector<BudgetLine>& budget);

}  // namespace hilo
