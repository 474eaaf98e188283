// Makes requests of bytes. It is fed what comes and says when a request is whole, or what is wrong
// with it; it waits for nothing. Beast's parser does the work behind this header.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "http/limits.h"
#include "http/problem.h"
#include "http/request.h"

namespace hilo::http {

class RequestReader {
 public:
  explicit RequestReader(uint32_t body_bytes_max);
  ~RequestReader();

  enum class State { header, body, whole };

  // Where the next bytes from the client go, and that so many have come. Empty: there is no room.
  std::span<char> room();
  void add(size_t bytes) { end_ += bytes; }

  // Reads on in what has come. After a problem nothing more can be read.
  std::optional<Problem> advance();

  State state() const { return state_; }
  bool has_bytes() const { return begin_ < end_; }
  // Something of the present request has come.
  bool begun() const { return begun_ || has_bytes(); }
  // The client waits for leave to send its body.
  bool expects_leave() const;
  bool keep_open() const;
  size_t body_bytes() const;

  // What is known of a request that is not whole: of one whose header is not, method and path. Its
  // views live until next(), or until more of such a header comes.
  Request head() const;
  // Once whole; likewise.
  Request take();
  // Goes on to the next request.
  void next();

 private:
  struct Parser;
  struct RequestLine {
    std::string_view method = {};
    std::string_view target = {};
  };
  RequestLine request_line() const;
  void look_for_folded_lines(std::string_view header_part);
  std::optional<Problem> check_header() const;

  uint32_t body_bytes_max_;
  std::unique_ptr<Parser> parser_;
  State state_ = State::header;
  bool begun_ = false;
  bool folded_ = false;  // A line of the header goes on in the next.
  char last_of_header_ = '\0';
  std::vector<Header> headers_;
  std::unique_ptr<char[]> bytes_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace hilo::http
