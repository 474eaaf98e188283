// The calls of hilo.h that move tasks.
#include <cstddef>
#include <cstring>
#include <limits>
#include <sys/socket.h>

#include "client/client.h"
#include "client/submit_options.h"

namespace hilo {
namespace {

constexpr Instant never{std::numeric_limits<Nanoseconds>::max()};
// A text that fits its limit fits an entry's fields.
static_assert(HILO_TEXT_BYTES_MAX == text_bytes_max);
static_assert(HILO_TASKS_MAX == tasks_per_client_max);
static_assert(HILO_VECTOR_STRIDE(1) == slot_floats(1));
static_assert(HILO_VECTOR_STRIDE(384) == slot_floats(384));
static_assert(HILO_VECTOR_STRIDE(dims_max - 1) == slot_floats(dims_max - 1));
// How many wake-up bytes hilo_disarm() swallows at most; there is at most one for each hilo_arm().
constexpr int wake_bytes_max = 64;

bool is_lane(hilo_lane lane) { return lane == HILO_HIGH || lane == HILO_LOW; }

// Checks the texts of one task and stages it; the caller publishes. What is wrong is told already.
hilo_status stage_task(hilo_client& client, const Rings::Order& order, const hilo_text* texts,
                       hilo_task* task) {
  Rings::Text text;
  if (hilo_status status = read_texts(order.input, texts, &text); status != HILO_OK) return status;
  const hilo_status status = client.rings.stage(order, text, task);
  return status == HILO_OK ? HILO_OK : fail(status);
}

void publish(hilo_client& client) {
  if (client.rings.publish()) client.ring();
}

// Gives up a task that nobody will ask for again.
void give_up(hilo_client& client, hilo_task task) {
  static_cast<void>(client.rings.cancel(task));
  client.rings.abandon(task);
  publish(client);
}

// Stages the only task. One that was given up may still have the room of all, or keep it from this
// one; then its completion, which take() drops, comes first.
hilo_status stage_alone(hilo_client& client, const Rings::Order& order, const hilo_text& text,
                        hilo_task* task) {
  const Instant deadline =
      order.deadline_ns == 0 ? never : Instant{static_cast<Nanoseconds>(order.deadline_ns)};
  for (;;) {
    const hilo_status status = stage_task(client, order, &text, task);
    if (status != HILO_FULL || client.rings.tasks_abandoned() == 0) return status;
    const hilo_status waited = wait_for_completion(client, deadline);
    if (waited != HILO_OK) return fail(waited == HILO_TIMED_OUT ? HILO_EXPIRED : waited);
    hilo_result nothing;  // No task is open, so none is returned.
    client.rings.take({&nothing, 1});
    if (client.rings.broken()) return fail(HILO_PROTOCOL);
  }
}

// Submits one task, waits for it, and hands its bytes to `deliver`.
template <class Deliver>
hilo_status run_alone(hilo_client& client, const Rings::Order& order, const hilo_text& text,
                      Deliver deliver) {
  if (client.rings.tasks_open() != 0)
    return fail(HILO_INVALID_ARGUMENT,
                "hilo_embed() and its like need a client without open tasks; take them first.");
  hilo_task task = 0;
  if (hilo_status status = stage_alone(client, order, text, &task); status != HILO_OK)
    return status;
  publish(client);
  hilo_result result;
  do {
    const hilo_status waited = wait_for_completion(client, never);
    if (waited != HILO_OK) {
      give_up(client, task);
      return fail(waited);
    }
    // Nothing is taken when it was the completion of a task given up earlier.
  } while (client.rings.take({&result, 1}) == 0 && !client.rings.broken());
  if (client.rings.broken()) return fail(HILO_PROTOCOL);
  if (result.status != HILO_OK) return fail(result.status);
  deliver(result);
  return client.rings.release(task);
}

// Room for the vectors of a text's tokens, and how many there turned out to be.
struct TokenRoom {
  float* vectors;
  size_t room;
  size_t* tokens;
};

hilo_status embed_tokens(hilo_client& client, Rings::Order order, const hilo_text& text,
                         const TokenRoom& to) {
  const size_t dims = client.channel.dims;
  const auto deliver = [&](const hilo_result& result) {
    *to.tokens = result.tokens;
    if (result.tokens > to.room) return;
    const uint32_t count = token_vectors(result.tokens, order.tokens_from);
    for (uint32_t i = 0; i < count; ++i)
      std::memcpy(to.vectors + (order.tokens_from - 1 + i) * dims,
                  result.vector + i * slot_floats(client.channel.dims), dims * sizeof(float));
  };
  do {
    if (hilo_status status = run_alone(client, order, text, deliver); status != HILO_OK)
      return status;
    if (*to.tokens > to.room)
      return fail(HILO_FULL, "`room` is too small for the tokens of this text.");
    order.tokens_from += slots_per_client;
  } while (order.tokens_from <= *to.tokens);
  return HILO_OK;
}

}  // namespace
}  // namespace hilo

using namespace hilo;

hilo_status hilo_submit(hilo_client* client, hilo_lane lane, const char* text, size_t bytes,
                        hilo_task* task) {
  if (client == nullptr || task == nullptr || !is_lane(lane)) return fail(HILO_INVALID_ARGUMENT);
  if (hilo_status status = client->usable(); status != HILO_OK) return fail(status);
  const Rings::Order order{.lane = static_cast<uint32_t>(lane)};
  const hilo_text only{.data = text, .bytes = bytes};
  if (hilo_status status = stage_task(*client, order, &only, task); status != HILO_OK)
    return status;
  publish(*client);
  return HILO_OK;
}

hilo_status hilo_submit_many(hilo_client* client, const hilo_submit_options* options,
                             const hilo_text* texts, size_t count, hilo_task* tasks,
                             size_t* submitted) {
  if (submitted != nullptr) *submitted = 0;
  if (client == nullptr || options == nullptr || submitted == nullptr)
    return fail(HILO_INVALID_ARGUMENT);
  if (count > 0 && (texts == nullptr || tasks == nullptr)) return fail(HILO_INVALID_ARGUMENT);
  if (hilo_status status = client->usable(); status != HILO_OK) return fail(status);
  Rings::Order order;
  if (hilo_status status = read_options(*client, *options, &order); status != HILO_OK)
    return status;
  hilo_status status = HILO_OK;
  size_t staged = 0;
  while (staged < count && status == HILO_OK) {
    status =
        stage_task(*client, order, texts + staged * texts_in_task(order.input), &tasks[staged]);
    if (status == HILO_OK) ++staged;
  }
  if (staged > 0) publish(*client);
  *submitted = staged;
  return status;
}

hilo_status hilo_take(hilo_client* client, hilo_result* results, size_t count, size_t* taken) {
  if (taken != nullptr) *taken = 0;
  if (client == nullptr || results == nullptr || taken == nullptr || count == 0)
    return fail(HILO_INVALID_ARGUMENT);
  if (client->fork_guard.forked()) return fail(HILO_FORKED);
  *taken = client->rings.take({results, count});
  if (*taken > 0) return HILO_OK;
  if (client->rings.broken()) return fail(HILO_PROTOCOL);
  const hilo_status status = nothing_taken(*client);
  if (status != HILO_OK) return fail(status);
  *taken = client->rings.take({results, count});
  return *taken > 0 ? HILO_OK : fail(HILO_EMPTY);
}

hilo_status hilo_wait(hilo_client* client, int timeout_ms) {
  if (client == nullptr) return fail(HILO_INVALID_ARGUMENT);
  if (client->fork_guard.forked()) return fail(HILO_FORKED);
  if (client->rings.has_completions()) return HILO_OK;
  const Instant deadline =
      timeout_ms < 0 ? never : monotonic_now() + Nanoseconds{timeout_ms} * millisecond_ns;
  const hilo_status status = wait_for_completion(*client, deadline);
  return status == HILO_OK ? HILO_OK : fail(status);
}

hilo_status hilo_release(hilo_client* client, hilo_task task) {
  if (client == nullptr) return fail(HILO_INVALID_ARGUMENT);
  if (client->fork_guard.forked()) return fail(HILO_FORKED);
  const hilo_status status = client->rings.release(task);
  if (status == HILO_INVALID_ARGUMENT)
    return fail(status, "The task has no vector that is lent: not taken yet, or released already.");
  return status == HILO_OK ? HILO_OK : fail(status);
}

hilo_status hilo_cancel(hilo_client* client, hilo_task task) {
  if (client == nullptr) return fail(HILO_INVALID_ARGUMENT);
  if (hilo_status status = client->usable(); status != HILO_OK) return fail(status);
  const hilo_status status = client->rings.cancel(task);
  if (status == HILO_INVALID_ARGUMENT)
    return fail(status, "The task is not open: its result was taken already, or it never was one.");
  if (status != HILO_OK) return fail(status);
  publish(*client);
  return HILO_OK;
}

int hilo_descriptor(const hilo_client* client) {
  return client == nullptr ? -1 : client->channel.socket.get();
}

hilo_status hilo_arm(hilo_client* client) {
  if (client == nullptr) return fail(HILO_INVALID_ARGUMENT);
  if (client->fork_guard.forked()) return fail(HILO_FORKED);
  client->rings.arm_socket();
  return client->rings.has_completions() ? HILO_OK : fail(HILO_EMPTY);
}

void hilo_disarm(hilo_client* client) {
  if (client == nullptr || client->fork_guard.forked()) return;
  for (int swallowed = 0; swallowed < wake_bytes_max; ++swallowed) {
    char byte;
    const ssize_t received = ::recv(client->channel.socket.get(), &byte, 1, MSG_DONTWAIT);
    if (received == 0) client->gone.store(true, std::memory_order_relaxed);
    if (received <= 0) return;
  }
}

hilo_status hilo_embed(hilo_client* client, hilo_lane lane, const char* text, size_t bytes,
                       float* vector, uint32_t dims) {
  if (client == nullptr || vector == nullptr || !is_lane(lane)) return fail(HILO_INVALID_ARGUMENT);
  if (hilo_status status = client->usable(); status != HILO_OK) return fail(status);
  if (dims != client->channel.dims)
    return fail(HILO_INVALID_ARGUMENT, "`dims` is not the model's; hilo_info() tells it.");
  const Rings::Order order{.lane = static_cast<uint32_t>(lane)};
  return run_alone(*client, order, {.data = text, .bytes = bytes}, [&](const hilo_result& result) {
    std::memcpy(vector, result.vector, size_t{dims} * sizeof(float));
  });
}

hilo_status hilo_embed_tokens(hilo_client* client, const hilo_submit_options* options,
                              const hilo_text* text, float* vectors, size_t room, size_t* tokens) {
  if (tokens != nullptr) *tokens = 0;
  if (client == nullptr || options == nullptr || text == nullptr || tokens == nullptr ||
      (room > 0 && vectors == nullptr))
    return fail(HILO_INVALID_ARGUMENT);
  if (hilo_status status = client->usable(); status != HILO_OK) return fail(status);
  Rings::Order order;
  if (hilo_status status = read_options(*client, *options, &order, /*tokens_from=*/1);
      status != HILO_OK)
    return status;
  return embed_tokens(*client, order, *text, {.vectors = vectors, .room = room, .tokens = tokens});
}

hilo_status hilo_echo(hilo_client* client, const void* data, size_t bytes, void* back) {
  if (client == nullptr || (bytes > 0 && back == nullptr)) return fail(HILO_INVALID_ARGUMENT);
  if (hilo_status status = client->usable(); status != HILO_OK) return fail(status);
  if (bytes > size_t{client->channel.dims} * sizeof(float))
    return fail(HILO_TEXT_TOO_LONG, "An echo takes at most 4 * dims bytes.");
  const Rings::Order order{.opcode = Opcode::echo};
  return run_alone(*client, order, {.data = static_cast<const char*>(data), .bytes = bytes},
                   [&](const hilo_result& result) {
                     if (bytes > 0) std::memcpy(back, result.vector, bytes);
                   });
}
