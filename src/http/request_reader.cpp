#include "http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstring>

#include <fmt/format.h>

#include "http/router.h"

namespace hilo::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast::http;
using boost::system::error_code;

// The body as one string that grows with what has come, whatever the header promises: a promise
// costs the client nothing.
struct GrowingBody {
  // NOLINTNEXTLINE(readability-identifier-naming): Beast looks for this name.
  using value_type = std::string;
  static uint64_t size(const value_type& body) { return body.size(); }

  class reader {  // NOLINT(readability-identifier-naming): Beast looks for this name.
   public:
    template <bool is_request, class Fields>
    reader(beast::header<is_request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<uint64_t>&, error_code& error) { error = {}; }
    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& error) {
      error = {};
      size_t bytes = 0;
      for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers);
           ++at) {
        const asio::const_buffer buffer = *at;
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
        bytes += buffer.size();
      }
      return bytes;
    }
    void finish(error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

Problem header_too_large() {
  return {.kind = ProblemKind::header_too_large,
          .message = fmt::format("The header has more than {} bytes.", header_bytes_max)};
}

Problem malformed(std::string message) {
  return {.kind = ProblemKind::malformed_request, .message = std::move(message)};
}

Problem problem_of(const error_code& error, uint32_t body_bytes_max) {
  if (error == beast::error::header_limit) return header_too_large();
  if (error == beast::error::body_limit)
    return {.kind = ProblemKind::body_too_large,
            .message = fmt::format("The body has more than {} bytes, the most that is taken.",
                                   body_bytes_max)};
  return malformed(fmt::format("The request breaks the rules of HTTP: {}.", error.message()));
}

// What a proxy is asked for, "http://host/path", counts as its path.
std::string_view path_of(std::string_view target) {
  if (!target.starts_with("http://") && !target.starts_with("https://")) return target;
  const size_t path = target.find('/', target.find("//") + 2);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

struct RequestReader::Parser : beast::request_parser<GrowingBody> {
  explicit Parser(uint32_t body_bytes_max) {
    header_limit(header_bytes_max);
    body_limit(body_bytes_max);
    eager(false);  // It stops behind the header.
  }
};

RequestReader::RequestReader(uint32_t body_bytes_max)
    : body_bytes_max_(body_bytes_max),
      parser_(std::make_unique<Parser>(body_bytes_max)),
      bytes_(std::make_unique<char[]>(read_bytes_max)) {}

RequestReader::~RequestReader() = default;

std::span<char> RequestReader::room() {
  if (begin_ > 0) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  return {bytes_.get() + end_, read_bytes_max - end_};
}

std::optional<Problem> RequestReader::advance() {
  while (state_ != State::whole && has_bytes()) {
    error_code error;
    const size_t used =
        parser_->put(asio::const_buffer{bytes_.get() + begin_, end_ - begin_}, error);
    if (state_ == State::header) look_for_folded_lines({bytes_.get() + begin_, used});
    begin_ += used;
    begun_ = begun_ || used > 0;
    const bool refused = error && error != beast::error::need_more;
    // Now, because Beast adds to them what follows the last chunk, where nobody before us who takes
    // a header out would look for it.
    if (state_ == State::header && (refused || parser_->is_header_done()))
      for (const auto& field : parser_->get())
        headers_.push_back({.name = field.name_string(), .value = field.value()});
    if (refused) return problem_of(error, body_bytes_max_);
    if (state_ == State::header && parser_->is_header_done()) {
      state_ = State::body;
      parser_->eager(true);
      if (auto problem = check_header()) return problem;
    }
    if (parser_->is_done()) {
      state_ = State::whole;
    } else if (error || used == 0) {
      if (end_ - begin_ == read_bytes_max) return header_too_large();
      return std::nullopt;
    }
  }
  return std::nullopt;
}

void RequestReader::look_for_folded_lines(std::string_view header_part) {
  for (const char c : header_part) {
    folded_ = folded_ || (last_of_header_ == '\n' && (c == ' ' || c == '\t'));
    last_of_header_ = c;
  }
}

// What Beast lets through. Two lengths that contradict each other it refuses itself.
std::optional<Problem> RequestReader::check_header() const {
  const auto& message = parser_->get();
  if (folded_)  // To some proxies the second line is a header.
    return malformed("A line of the header must not begin with a space.");
  if (message.version() >= 11 && message.count(beast::field::host) != 1)
    return malformed("The header must have one Host.");
  if (const auto coding = message.find(beast::field::transfer_encoding); coding != message.end())
    if (message.version() < 11 || message.count(beast::field::transfer_encoding) > 1 ||
        !same_ignoring_case(coding->value(), "chunked"))
      return malformed("The only Transfer-Encoding that is understood is 'chunked'.");
  return std::nullopt;
}

bool RequestReader::expects_leave() const {
  const auto& message = parser_->get();
  return state_ == State::body && message.version() >= 11 &&
         same_ignoring_case(message[beast::field::expect], "100-continue");
}

bool RequestReader::keep_open() const { return parser_->keep_alive(); }

size_t RequestReader::body_bytes() const { return parser_->get().body().size(); }

RequestReader::RequestLine RequestReader::request_line() const {
  const auto& message = parser_->get();
  if (!message.target().empty()) return {message.method_string(), message.target()};
  // Beast reads nothing of a header that is not whole.
  const std::string_view come{bytes_.get() + begin_, end_ - begin_};
  const std::string_view line = come.substr(0, come.find("\r\n"));
  const size_t target = line.find(' ') + 1;
  const size_t version = line.find(" HTTP/1.", target);
  if (target == 0 || version == std::string_view::npos) return {};
  return {line.substr(0, target - 1), line.substr(target, version - target)};
}

Request RequestReader::head() const {
  Request request;
  const auto [method, target] = request_line();
  request.method = method;
  const size_t mark = target.find('?');
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  const LanePath lane_path = split_lane(path_of(target.substr(0, mark)));
  request.path = lane_path.path;
  request.path_lane = lane_path.lane;
  request.headers = headers_;
  return request;
}

Request RequestReader::take() {
  Request request = head();
  request.body = std::move(parser_->get().body());
  return request;
}

void RequestReader::next() {
  parser_ = std::make_unique<Parser>(body_bytes_max_);
  state_ = State::header;
  begun_ = folded_ = false;
  last_of_header_ = '\0';
  headers_.clear();
}

}  // namespace hilo::http
