// Who may send requests, and which lanes they get.
#pragma once

#include <string>

#include "http/lane_choice.h"
#include "http/problem.h"
#include "http/request.h"

namespace hilo::http {

struct Caller {
  std::string name;  // for the log; empty: anybody
  LanePolicy lanes;
};

class Access {
 public:
  explicit Access(LanePolicy everybody) : everybody_(everybody) {}

  Outcome<Caller> admit(const Request&) const { return Caller{.name = "", .lanes = everybody_}; }

 private:
  LanePolicy everybody_;
};

}  // namespace hilo::http
