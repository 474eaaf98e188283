#include "http/request_tag.h"

#include <algorithm>

namespace hilo::http {
namespace {

constexpr size_t id_bytes_max = 128;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_hex(c); });
}

bool all_zeros(std::string_view text) { return text.find_first_not_of('0') == text.npos; }

// No quote, blank or control character, nor anything that a terminal or a shell would act on.
bool is_safe(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view{"-_.:/+=@"}.find(c) != std::string_view::npos;
}

bool is_safe_id(std::string_view id) {
  return !id.empty() && id.size() <= id_bytes_max &&
         std::ranges::all_of(id, [](char c) { return is_safe(c); });
}

std::mt19937_64 seeded_by_chance() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device()};
  return std::mt19937_64{seed};
}

}  // namespace

// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01. Later versions may have more behind it.
bool is_traceparent(std::string_view text) {
  constexpr size_t bytes = 55;
  if (text.size() < bytes || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(text.substr(53, 2)))
    return false;
  if (version == "ff" || all_zeros(trace) || all_zeros(parent)) return false;
  return text.size() == bytes || (version != "00" && text[bytes] == '-' && text.size() < 256);
}

RequestTags::RequestTags() : random_(seeded_by_chance()) {}

RequestTag RequestTags::of(const Request& request) {
  RequestTag tag;
  const auto id = request.header("X-Request-Id");
  tag.id = id && is_safe_id(*id) ? std::string{*id} : make_id();
  if (const auto trace = request.header("traceparent"); trace && is_traceparent(*trace))
    tag.traceparent = *trace;
  return tag;
}

std::string RequestTags::make_id() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id(32, '0');
  uint64_t bits = 0;
  for (size_t i = 0; i < id.size(); ++i) {
    if (i % 16 == 0) bits = random_();
    id[i] = digits[bits & 15];
    bits >>= 4;
  }
  return id;
}

}  // namespace hilo::http
