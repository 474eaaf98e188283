// Tests only: many lists of ids as one number, as tools/golden_tokenizer.py makes it.
#pragma once

#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace hilo::cases {

class IdsHash {
 public:
  template <class Numbers>
  void add(const Numbers& numbers) {
    add_number(static_cast<uint32_t>(numbers.size()));
    for (const auto number : numbers) add_number(number);
  }
  std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  void add_number(uint32_t number) {
    for (int shift = 0; shift < 32; shift += 8) {
      value_ = (value_ ^ ((number >> shift) & 0xFF)) * 0x100000001B3;
    }
  }
  uint64_t value_ = 0xCBF29CE484222325;
};

}  // namespace hilo::cases
