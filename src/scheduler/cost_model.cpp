#include "scheduler/cost_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

namespace hilo {
namespace {

// What a small model takes on one core; large enough that the first plans are not too large.
constexpr Nanoseconds guessed_token = 50 * microsecond_ns;
constexpr uint32_t tokens_at_full_speed = 32;  // Fewer in a batch take as long as this many.
// Each batch takes as much longer. It is what makes the engine try, and so learn, whether two texts
// are faster together.
constexpr uint32_t tokens_to_start = 4;
constexpr Nanoseconds guessed_byte = 20;
constexpr Nanoseconds guessed_start = 5 * microsecond_ns;

constexpr float first_step = 12;  // A first measurement may be off the guess by 2^12.
constexpr uint16_t seen_enough = 8;

Nanoseconds guess(Work work, PlanSize size) {
  if (work == Work::tokenize) return guessed_start + Nanoseconds{size.total} * guessed_byte;
  const Nanoseconds tokens = std::max(size.total, tokens_at_full_speed);
  return (tokens + tokens_to_start) * guessed_token;
}

uint32_t bucket_of(uint32_t size, uint32_t buckets) {
  return std::min(static_cast<uint32_t>(std::bit_width(std::max(size, 1U) - 1)), buckets - 1);
}

}  // namespace

uint16_t CostModel::cell_of(PlanSize size) {
  return static_cast<uint16_t>(bucket_of(size.total, buckets) * buckets +
                               bucket_of(size.longest, buckets));
}

Nanoseconds CostModel::predict(Lane lane, Work work, PlanSize size) const {
  const Table& table = tables_[lane_index(lane)][static_cast<size_t>(work)];
  const uint16_t teacher = table[cell_of(size)].teacher;
  const float factor = teacher == nobody ? 1.0F : table[teacher].factor;
  return static_cast<Nanoseconds>(static_cast<double>(guess(work, size)) *
                                  static_cast<double>(factor));
}

void CostModel::learn(Lane lane, Work work, PlanSize size, Nanoseconds took) {
  if (took <= 0) return;
  Table& table = tables_[lane_index(lane)][static_cast<size_t>(work)];
  const uint16_t index = cell_of(size);
  Cell& cell = table[index];
  const double expected = static_cast<double>(guess(work, size)) * static_cast<double>(cell.factor);
  const auto off = static_cast<float>(std::log2(static_cast<double>(took) / expected));
  if (cell.seen == 0) {
    cell.factor = std::exp2(std::clamp(off, -first_step, first_step));
    become_a_teacher(table, index);
  } else {
    const float weight = 1.0F / static_cast<float>(cell.seen + 1);
    cell.factor *= std::exp2(weight * std::clamp(off, -1.0F, 1.0F));
  }
  cell.seen = std::min<uint16_t>(cell.seen + 1, seen_enough - 1);
}

// Cells that have seen nothing and are nearer to this one than to their teacher go by this one.
void CostModel::become_a_teacher(Table& table, uint16_t cell) {
  const auto distance = [](int a, int b) {
    return std::abs(a / int{buckets} - b / int{buckets}) +
           std::abs(a % int{buckets} - b % int{buckets});
  };
  for (int other = 0; other < int{buckets * buckets}; ++other) {
    uint16_t& teacher = table[static_cast<size_t>(other)].teacher;
    if (teacher == nobody || distance(cell, other) < distance(teacher, other)) teacher = cell;
  }
}

}  // namespace hilo
