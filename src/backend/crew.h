// Threads that compute one batch together. All walk through the same steps in the same order; the
// work of a step is cut into items, of which each is done once, by whoever comes for it first. So
// nobody waits for a thread that the system has stopped, unless it has an item in its hands, and a
// thread that joins late finds the steps done that it has missed.
//
//   leader   open()  share()  share()  ...  close()
//   others         join()    share()  ...  leave()
//
// What one step has written, all members see in the next.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/ensure.h"
#include "base/spin.h"

namespace hilo {

class Crew {
 public:
  // A thread's place in one run, from its first step to its last.
  class Member {
   public:
    Member() = default;  // Of no crew: does everything itself.

    // Into how many items a step over columns or rows is best cut: one a member. Each reads its
    // part from end to end, with what follows fetched in time; cut four times finer, a lone text
    // was measured to take a fifth longer.
    size_t parts() const { return crew_ == nullptr ? 1 : crew_->members_; }

    // Calls function(item) for items from 0 on, as many as others leave to it, and returns when all
    // `items` (below 2^24) are done.
    template <class Function>
    void share(size_t items, Function function) {
      if (crew_ == nullptr) {
        for (size_t item = 0; item < items; ++item) function(item);
        return;
      }
      if (items == 0) return;
      ENSURE(items <= item_mask);
      while (const auto item = crew_->take(step_, items)) {
        function(*item);
        crew_->finish(step_, items);
      }
      crew_->wait_for_end_of(step_);
      step_ = (step_ + 1) & step_mask;
    }

   private:
    friend class Crew;
    Member(Crew& crew, uint64_t step) : crew_(&crew), step_(step) {}

    Crew* crew_ = nullptr;
    uint64_t step_ = 0;
  };

  // For up to `members` threads, the leader among them.
  explicit Crew(size_t members) : members_(members) {}

  // ---- The leader

  // Waits until those who joined the last run have left it: from then on nobody else reads what the
  // leader works with.
  void wait_until_alone() const {
    // Partner: leave().
    for (SpinWait wait; inside_.load(std::memory_order_seq_cst) != 0;) wait.pause();
  }
  // Lets others in. What they need has been written.
  Member open() {
    const uint64_t step = turn_.load(std::memory_order_relaxed) >> item_bits;
    first_step_ = step;
    open_.store(true, std::memory_order_seq_cst);  // Partner: join().
    return {*this, step};
  }
  // After the last step.
  void close() { open_.store(false, std::memory_order_seq_cst); }

  // ---- The others

  // Nothing if no run is open.
  std::optional<Member> join() {
    // Partners: wait_until_alone() and open(). Either we see that the run is over, or the leader
    // sees us.
    inside_.fetch_add(1, std::memory_order_seq_cst);
    if (open_.load(std::memory_order_seq_cst)) return Member{*this, first_step_};
    leave();
    return std::nullopt;
  }
  void leave() { inside_.fetch_sub(1, std::memory_order_seq_cst); }

 private:
  // turn_ is the current step, which begins again at 0 after the last, and the next of its items
  // that nobody has: a batch of many texts and a model of many heads make a million of them.
  static constexpr unsigned item_bits = 24;
  static constexpr uint64_t item_mask = (uint64_t{1} << item_bits) - 1;
  static constexpr uint64_t step_mask = ~uint64_t{0} >> item_bits;

  std::optional<size_t> take(uint64_t step, size_t items) {
    uint64_t turn = turn_.load(std::memory_order_relaxed);
    while (turn >> item_bits == step) {
      const size_t item = turn & item_mask;
      if (item == items) return std::nullopt;
      if (turn_.compare_exchange_weak(turn, turn + 1, std::memory_order_relaxed)) return item;
    }
    return std::nullopt;
  }

  void finish(uint64_t step, size_t items) {
    // Partner: itself in the member that finishes last, which so has seen what all have written.
    if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 != items) return;
    finished_.store(0, std::memory_order_relaxed);
    // Partner: wait_for_end_of().
    turn_.store((step + 1) << item_bits, std::memory_order_release);
  }

  void wait_for_end_of(uint64_t step) const {
    // Partner: finish().
    for (SpinWait wait; turn_.load(std::memory_order_acquire) >> item_bits == step;) wait.pause();
  }

  const size_t members_;
  alignas(64) std::atomic<uint64_t> turn_{0};
  std::atomic<size_t> finished_{0};
  alignas(64) std::atomic<uint32_t> inside_{0};
  std::atomic<bool> open_{false};
  uint64_t first_step_ = 0;  // of the open run
};

}  // namespace hilo
