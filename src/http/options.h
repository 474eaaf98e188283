// The command line of hilo-http.
#pragma once

#include <string>
#include <vector>

#include "base/options.h"
#include "http/lane_choice.h"
#include "http/limits.h"

namespace hilo::http {

struct HttpOptions {
  std::vector<std::string> listen{"127.0.0.1:8080"};
  std::string socket;     // the engine's; empty: where hilo_connect() looks
  std::string tokenizer;  // a model directory; empty: texts cannot be tokenized here
  bool any_model = false;
  LanePolicy lanes;        // of whoever needs no API key
  std::string api_keys;    // a file; empty: nobody needs one
  std::string access_log;  // a file, or AccessLog::standard_error; empty: none
  std::vector<std::string> cors_origins;
  std::string tls_certificate;  // files; empty: no TLS
  std::string tls_key;
  uint32_t auto_high_texts = 4;
  Limits limits;
  double drain_delay_seconds = 0;
  double drain_seconds = 10;
};

void add_http_options(const OptionList& list, HttpOptions& options);

}  // namespace hilo::http
