// The files that the options name: API keys, certificate, access log. Read when the server starts,
// and again on SIGHUP.
#pragma once

#include "base/result.h"
#include "http/service.h"

namespace hilo::http {

Status read_files(Service& service);
// What cannot be read stays as it was, which the log tells.
void read_files_again(Service& service);

}  // namespace hilo::http
