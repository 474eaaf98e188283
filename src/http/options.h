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
  LanePolicy lanes;  // of who has no API key
  uint32_t auto_high_texts = 4;
  Limits limits;
  double drain_delay_seconds = 0;
  double drain_seconds = 10;
};

void add_http_options(const OptionList& list, HttpOptions& options);

}  // namespace hilo::http
