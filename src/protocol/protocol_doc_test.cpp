// docs/PROTOCOL.md says what the code does: every row of its tables is compared with the layout.
#include <cstddef>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/bounds.h"
#include "protocol/handshake.h"
#include "protocol/layout.h"

namespace hilo {
namespace {

struct Place {
  size_t offset;
  size_t bytes;  // 0 for an end, which has none.
  bool operator==(const Place&) const = default;
};
using Fields = std::vector<std::pair<std::string, Place>>;

#define FIELD(type, name)                               \
  {                                                     \
    #name, { offsetof(type, name), sizeof(type::name) } \
  }
#define WORD(type, name)                                      \
  {                                                           \
    #name, { offsetof(type, name), sizeof(type::name.value) } \
  }

const std::map<std::string, Fields> structures{
    {"C-region",
     {WORD(ClientRegion, submission_tail),
      WORD(ClientRegion, completion_head),
      WORD(ClientRegion, armed_futex),
      WORD(ClientRegion, armed_socket),
      FIELD(ClientRegion, submissions),
      FIELD(ClientRegion, text),
      {"end", {sizeof(ClientRegion), 0}}}},
    {"E-region",
     {WORD(EngineRegion, submission_head),
      WORD(EngineRegion, completion_tail),
      WORD(EngineRegion, need_wakeup),
      WORD(EngineRegion, state),
      FIELD(EngineRegion, info),
      FIELD(EngineRegion, completions),
      {"end", {sizeof(EngineRegion), 0}}}},
    {"submission",
     {FIELD(Submission, opcode), FIELD(Submission, lane), FIELD(Submission, task),
      FIELD(Submission, text_offset), FIELD(Submission, text_bytes), FIELD(Submission, slot),
      FIELD(Submission, generation), FIELD(Submission, deadline_ns), FIELD(Submission, prompt),
      FIELD(Submission, input), FIELD(Submission, truncation), FIELD(Submission, raw),
      FIELD(Submission, second_begins), FIELD(Submission, tokens_from)}},
    {"completion",
     {FIELD(Completion, task), FIELD(Completion, status), FIELD(Completion, slot),
      FIELD(Completion, generation), FIELD(Completion, tokens), FIELD(Completion, engine_ns),
      FIELD(Completion, truncated), FIELD(Completion, retry_after_ms), FIELD(Completion, reserved1),
      FIELD(Completion, reserved2), FIELD(Completion, reserved3)}},
    {"hello",
     {FIELD(Hello, magic), FIELD(Hello, version), FIELD(Hello, rights), FIELD(Hello, reserved)}},
    {"welcome",
     {FIELD(Welcome, magic), FIELD(Welcome, version), FIELD(Welcome, status),
      FIELD(Welcome, rights), FIELD(Welcome, dims), FIELD(Welcome, tokens_max),
      FIELD(Welcome, client_region_bytes), FIELD(Welcome, engine_region_bytes),
      FIELD(Welcome, descriptors), FIELD(Welcome, reserved)}},
    {"mapped", {FIELD(Mapped, magic), FIELD(Mapped, reserved)}}};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  size_t begin = 1;
  for (size_t end = line.find('|', begin); end != std::string::npos;
       begin = end + 1, end = line.find('|', begin)) {
    const std::string cell = line.substr(begin, end - begin);
    const size_t first = cell.find_first_not_of(' ');
    cells.push_back(first == std::string::npos
                        ? std::string{}
                        : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
  }
  return cells;
}

// Decimal, or hexadecimal after 0x; an empty cell is 0.
size_t number_in(const std::string& cell) {
  return cell.empty() ? 0 : std::stoul(cell, nullptr, 0);
}

// The tables of the document by the structure that their third heading names: "| ... | hello field
// |".
std::map<std::string, Fields> documented() {
  std::map<std::string, Fields> tables;
  std::ifstream document{HILO_SOURCE_DIR "/docs/PROTOCOL.md"};
  std::string structure;
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with("|")) structure.clear();
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() < 4 || cells[0].starts_with("---")) continue;
    const size_t field = cells[2].find(" field");
    if (cells[0] == "offset" && field != std::string::npos)
      structure = cells[2].substr(0, field);
    else if (!structure.empty())
      tables[structure].push_back({cells[2], {number_in(cells[0]), number_in(cells[1])}});
  }
  return tables;
}

TEST(ProtocolDocument, TablesSayWhatTheCodeDoes) {
  const std::map<std::string, Fields> tables = documented();
  ASSERT_EQ(tables.size(), structures.size());
  for (const auto& [name, fields] : structures) {
    ASSERT_TRUE(tables.contains(name)) << name;
    const Fields& rows = tables.at(name);
    ASSERT_EQ(rows.size(), fields.size()) << name;
    for (size_t i = 0; i < fields.size(); ++i) {
      EXPECT_EQ(rows[i].first, fields[i].first) << name;
      EXPECT_EQ(rows[i].second, fields[i].second) << name << '.' << fields[i].first;
    }
  }
}

// Goal: the rules of credits hold for the numbers that they name.
TEST(ProtocolDocument, NumbersInTheTextAreTheBounds) {
  EXPECT_EQ(submission_entries, 1024U);
  EXPECT_EQ(tasks_per_client_max, 256U);
  EXPECT_EQ(completion_entries, 256U);
  EXPECT_EQ(slots_per_client, 256U);
  EXPECT_EQ(text_bytes_max, 131072U);
  EXPECT_EQ(protocol_magic, 0x6f6c6968U);
  EXPECT_EQ(protocol_version, 3U);
  EXPECT_EQ(slot_stride(1), 64U);
  EXPECT_EQ(slot_stride(384), 1536U);
  EXPECT_EQ(engine_region_bytes(384) % 4096, 0U);
}

}  // namespace
}  // namespace hilo
