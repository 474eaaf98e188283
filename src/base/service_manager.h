// Tells systemd, or whoever else named a socket in $NOTIFY_SOCKET, how far this process is. Without
// one, it does nothing.
#pragma once

#include <string_view>

namespace hilo {

// "READY=1", "STOPPING=1". Never waits.
void tell_service_manager(std::string_view state);

}  // namespace hilo
