#include "supervisor/shutdown.h"

#include <gtest/gtest.h>

namespace hilo {
namespace {

// Goal: each step of the order, and that each signal skips exactly one wait. Method: a table.
TEST(Shutdown, Table) {
  using enum Phase;
  struct Row {
    const char* rule;
    Phase phase;
    ShutdownFacts facts;
    Phase next;
  };
  const Row rows[] = {
      {"nothing happened", serving, {.children_left = true}, serving},
      {"an idle engine serves on", serving, {.drained = true}, serving},
      {"a deadline means nothing yet", serving, {.deadline_passed = true}, serving},
      {"the programs ended", serving, {.over = true}, draining},
      {"a signal", serving, {.stop_requested = true, .children_left = true}, draining},
      {"work is left", draining, {.over = true, .children_left = true}, draining},
      {"all work is done", draining, {.drained = true, .children_left = true}, terminating},
      {"the work took too long", draining, {.deadline_passed = true}, terminating},
      {"a second signal", draining, {.stop_requested = true, .children_left = true}, terminating},
      {"children take their time",
       terminating,
       {.drained = true, .children_left = true},
       terminating},
      {"all children ended", terminating, {.drained = true}, finished},
      {"clients are still being told", terminating, {}, terminating},
      {"even they have a limit", terminating, {.deadline_passed = true}, killing},
      {"too much time", terminating, {.children_left = true, .deadline_passed = true}, killing},
      {"a third signal", terminating, {.stop_requested = true, .children_left = true}, killing},
      {"being killed", killing, {.children_left = true}, killing},
      {"a signal cannot kill harder",
       killing,
       {.stop_requested = true, .children_left = true},
       killing},
      {"all are dead", killing, {}, finished},
      {"one cannot be killed", killing, {.children_left = true, .deadline_passed = true}, finished},
      {"the end is the end", finished, {.over = true, .stop_requested = true}, finished},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.rule);
    EXPECT_EQ(next_phase(row.phase, row.facts), row.next);
  }
}

}  // namespace
}  // namespace hilo
