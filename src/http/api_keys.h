// The keys that clients show, as a file lists them. One line is
//
//   KEY [NAME] [lane=high|low|auto] [max=high|low]
//
// where KEY may be given by its hash, as sha256:HEX. What follows # is a comment.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/lane_choice.h"

namespace hilo::http {

struct Caller {
  std::string name;  // for the log; empty: anybody
  LanePolicy lanes;
};

class ApiKeys {
 public:
  // `otherwise` is the lane of keys that name none.
  static Result<ApiKeys> parse(std::string_view text, LaneWish otherwise);
  // Warns when others can read the file.
  static Result<ApiKeys> read(const std::string& path, LaneWish otherwise);

  // Null: there is no such key. How long it takes does not depend on how much of a key is right:
  // hashes are compared, all of them to their ends.
  const Caller* find(std::string_view key) const;
  size_t size() const { return keys_.size(); }

 private:
  using Hash = std::array<unsigned char, 32>;
  struct Key {
    Hash hash;
    Caller caller;
  };
  static Result<Key> parse_line(std::string_view line, LaneWish otherwise);
  static Result<Hash> parse_key(std::string_view word);
  static Hash hash_of(std::string_view key);

  std::vector<Key> keys_;
};

}  // namespace hilo::http
