#include "tokenizer/bert_base_uncased.h"

extern "C" {
extern const std::byte hilo_bert_base_uncased_begin[];
extern const std::byte hilo_bert_base_uncased_end[];
}

namespace hilo {

std::span<const std::byte> bert_base_uncased_blob() {
  return {hilo_bert_base_uncased_begin, hilo_bert_base_uncased_end};
}

}  // namespace hilo
