// The calls of hilo.h that open, close and describe a client.
#include <new>

#include "client/client.h"

namespace hilo {
namespace {

hilo_status make_client(Opening opening, hilo_client** client) {
  if (!opening) return fail(opening.error().status, opening.error().message);
  Result<ForkGuard> guard = ForkGuard::create();
  if (!guard) return fail(HILO_NO_MEMORY, guard.error().message);
  // tidy: allowed, the caller owns the handle until hilo_close().
  *client = new hilo_client(std::move(*opening), std::move(*guard));
  return HILO_OK;
}

// Opening is the one place where this library allocates, so the one where it can run out of memory.
template <class Open>
hilo_status open_client(hilo_client** client, Open open) {
  if (client == nullptr) return fail(HILO_INVALID_ARGUMENT, "The pointer to the client is NULL.");
  *client = nullptr;
  try {
    return make_client(open(), client);
  } catch (const std::bad_alloc&) {
    return fail(HILO_NO_MEMORY);
  }
}

bool is_lane_or_any(hilo_lane lane) {
  return lane == HILO_HIGH || lane == HILO_LOW || lane == HILO_ANY;
}

OpenError no_such_lane() {
  return {HILO_INVALID_ARGUMENT, "The lane must be HILO_HIGH, HILO_LOW or HILO_ANY."};
}

}  // namespace
}  // namespace hilo

using namespace hilo;

hilo_status hilo_open(hilo_client** client) { return open_client(client, open_inherited); }

hilo_status hilo_connect(const char* socket_path, hilo_lane lane, hilo_client** client) {
  return open_client(client, [&]() -> Opening {
    if (!is_lane_or_any(lane)) return no_such_lane();
    return open_path(socket_path, static_cast<LaneRights>(lane));
  });
}

hilo_status hilo_connect_fd(int descriptor, hilo_lane lane, hilo_client** client) {
  UniqueFd socket{descriptor};
  return open_client(client, [&]() -> Opening {
    if (!is_lane_or_any(lane)) return no_such_lane();
    return open_connected(std::move(socket), static_cast<LaneRights>(lane));
  });
}

// tidy: allowed, the other half of make_client().
void hilo_close(hilo_client* client) { delete client; }

hilo_status hilo_info(const hilo_client* client, hilo_info_t* info) {
  if (client == nullptr || info == nullptr) return fail(HILO_INVALID_ARGUMENT);
  *info = {.lanes = static_cast<hilo_lane>(client->channel.rights),
           .dims = client->channel.dims,
           .tokens_max = client->channel.tokens_max,
           .tasks_max = tasks_per_client_max,
           .text_bytes_max = text_bytes_max,
           .json = client->info.json.c_str()};
  return HILO_OK;
}
