// What the names of files say of their content, whether an option names them or the shell's < or >.
#pragma once

#include <optional>
#include <string>

#include "cli/embed/vector_format.h"

namespace hilo {

// The regular file behind a descriptor; empty if there is none.
std::string path_of_descriptor(int descriptor);

// .npy, .jsonl or .txt; none for other names.
std::optional<VectorFormat> format_named_by(const std::string& path);

// Its lines are JSON.
bool holds_json(const std::string& path);

}  // namespace hilo
