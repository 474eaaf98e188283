#include <hilo/hilo.h>

#include "base/last_error.h"
#include "client/client.h"

namespace hilo {

hilo_status fail(hilo_status status) { return fail(status, hilo_strerror(status)); }

hilo_status fail(hilo_status status, std::string_view sentence) {
  set_last_error(sentence);
  return status;
}

}  // namespace hilo

const char* hilo_strerror(hilo_status status) {
  switch (status) {
    case HILO_OK:
      return "Success.";
    case HILO_EMPTY:
      return "No result is ready.";
    case HILO_FULL:
      return "Too many tasks are open, or the room is too small: take and release results first.";
    case HILO_TEXT_TOO_LONG:
      return "The text is longer than HILO_TEXT_BYTES_MAX bytes; cut it.";
    case HILO_INVALID_UTF8:
      return "The text is not valid UTF-8.";
    case HILO_INVALID_ARGUMENT:
      return "An argument is not what this function takes.";
    case HILO_LANE_DENIED:
      return "This channel does not give that lane.";
    case HILO_CANCELLED:
      return "The task was cancelled before it was computed.";
    case HILO_EXPIRED:
      return "The task's time ran out before its work began.";
    case HILO_SHUTTING_DOWN:
      return "The engine is shutting down and takes no new tasks.";
    case HILO_REFUSED:
      return "The engine has no room for another client, or for more work now; try again later.";
    case HILO_FAILED:
      return "The engine could not compute the vector.";
    case HILO_ENGINE_GONE:
      return "The engine has exited; close this client and open another.";
    case HILO_NOT_FOUND:
      return "No engine was found.";
    case HILO_TIMED_OUT:
      return "The time given ran out.";
    case HILO_INTERRUPTED:
      return "A signal arrived while waiting; handle it and call again.";
    case HILO_FORKED:
      return "This process is a fork of the one that opened the client; open another client.";
    case HILO_NO_MEMORY:
      return "No memory or no descriptor is left.";
    case HILO_PROTOCOL:
      return "The engine and this library do not understand each other; install the same version.";
    case HILO_TOO_MANY_TOKENS:
      return "The text has more tokens than the model takes; cut it, or let it be truncated.";
    case HILO_UNKNOWN_ID:
      return "The model's vocabulary has no such token id; was it made by another tokenizer?";
  }
  return "This is not a status of hilo.";
}

const char* hilo_last_error(void) { return hilo::last_error(); }

const char* hilo_version(void) { return HILO_VERSION; }
