// The kernels of a level: the one place where a level's name meets its code.
#pragma once

#include "backend/cpu/kernels.h"
#include "base/cpu_level.h"

namespace hilo {

const CpuKernels& kernels_for(CpuLevel level);

}  // namespace hilo
