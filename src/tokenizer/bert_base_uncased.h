// The compiled bert-base-uncased vocabulary, as bert_base_uncased.S puts it into the executable.
#pragma once

#include <cstddef>
#include <span>

namespace hilo {

std::span<const std::byte> bert_base_uncased_blob();

}  // namespace hilo
