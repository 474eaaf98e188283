#include "engine/cpu_quota.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "base/unique_fd.h"

namespace hilo {
namespace {

// Reads files, and remembers if one could not be read: no descriptor was free, or its group has
// gone meanwhile.
class Files {
 public:
  // Empty for a file that is not there: kernels differ in what they tell.
  std::string contents_of(const std::string& path);
  // Empty if all could be read.
  const std::string& unreadable() const { return unreadable_; }

 private:
  std::string unreadable_;
};

std::string Files::contents_of(const std::string& path) {
  const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.valid() && (errno == ENOENT || errno == ENOTDIR)) return {};
  std::string contents;
  char buffer[4096];
  ssize_t bytes = -1;
  while (file.valid() && (bytes = ::read(file.get(), buffer, sizeof buffer)) > 0)
    contents.append(buffer, static_cast<size_t>(bytes));
  if (bytes == 0) return contents;
  unreadable_ = path;
  return {};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool names(std::string_view list, std::string_view word) {
  return std::ranges::count(split(list, ','), word) > 0;
}

// Nothing for "max", -1 and whatever else is no amount of time.
std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

// The value behind `name` in a file of lines "name value".
std::optional<uint64_t> field(std::string_view contents, std::string_view name) {
  for (const std::string_view line : split(contents, '\n'))
    if (const auto words = split(line, ' '); words.size() == 2 && words[0] == name)
      return number(words[1]);
  return std::nullopt;
}

// ---- Where the control groups are

// A mounted tree of control groups; `top` is the group that its mount point shows.
struct Tree {
  std::string mount;
  std::string top;
};

// /proc/self/mountinfo: "36 35 0:30 TOP MOUNT OPTIONS ... - TYPE SOURCE SUPER_OPTIONS"
std::optional<Tree> mounted_tree(std::string_view mountinfo, bool v2) {
  for (const std::string_view line : split(mountinfo, '\n')) {
    const size_t dash = line.find(" - ");
    if (dash == line.npos) continue;
    const auto place = split(line.substr(0, dash), ' ');
    const auto kind = split(line.substr(dash + 3), ' ');
    if (place.size() < 5 || kind.size() < 3) continue;
    const bool wanted = v2 ? kind[0] == "cgroup2" : kind[0] == "cgroup" && names(kind[2], "cpu");
    if (wanted) return Tree{.mount = std::string{place[4]}, .top = std::string{place[3]}};
  }
  return std::nullopt;
}

// /proc/self/cgroup: "0::/path" is of v2, "4:cpu,cpuacct:/path" of v1.
std::optional<std::string> own_group(std::string_view cgroup, bool v2) {
  for (const std::string_view line : split(cgroup, '\n')) {
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos || !line.substr(second + 1).starts_with('/')) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (v2 ? controllers.empty() : names(controllers, "cpu"))
      return std::string{line.substr(second + 1)};
  }
  return std::nullopt;
}

// Our group and those around it, as far as they can be seen, inner ones first.
std::vector<std::string> folders_of_groups(const Tree& tree, std::string group) {
  // A container may see its own group mounted as if it were the top, under the path that it has
  // outside.
  if (tree.top != "/")
    group = group.starts_with(tree.top + '/') ? group.substr(tree.top.size()) : std::string{};
  std::vector<std::string> folders;
  while (group.size() > 1) {
    folders.push_back(tree.mount + group);
    group.resize(group.rfind('/'));
  }
  folders.push_back(tree.mount);
  return folders;
}

std::optional<CpuQuota> quota_of(Files& files, const std::string& folder, bool v2) {
  std::optional<uint64_t> time;
  std::optional<uint64_t> period;
  if (v2) {
    const std::string line = files.contents_of(folder + "/cpu.max");
    const auto words = split(line, ' ');
    if (words.size() != 2) return std::nullopt;
    time = number(words[0]);
    period = number(words[1]);
  } else {
    time = number(files.contents_of(folder + "/cpu.cfs_quota_us"));
    period = number(files.contents_of(folder + "/cpu.cfs_period_us"));
  }
  if (!time || !period || *time == 0 || *period == 0) return std::nullopt;
  return CpuQuota{.time = static_cast<Nanoseconds>(*time) * microsecond_ns,
                  .period = static_cast<Nanoseconds>(*period) * microsecond_ns};
}

}  // namespace

Result<std::optional<GroupQuota>> tightest_quota(const std::string& root) {
  Files files;
  const std::string mountinfo = files.contents_of(root + "/proc/self/mountinfo");
  const std::string cgroup = files.contents_of(root + "/proc/self/cgroup");
  std::optional<GroupQuota> tightest;
  // The controller is in one of the two.
  for (const bool v2 : {false, true}) {
    const auto tree = mounted_tree(mountinfo, v2);
    const auto group = own_group(cgroup, v2);
    if (!tree || !group) continue;
    for (const std::string& folder : folders_of_groups(*tree, *group)) {
      const auto quota = quota_of(files, root + folder, v2);
      if (quota && (!tightest || quota->cores() < tightest->quota.cores()))
        tightest = GroupQuota{.quota = *quota, .folder = root + folder};
    }
  }
  if (!files.unreadable().empty()) return Error{files.unreadable() + " cannot be read"};
  return tightest;
}

std::optional<GroupSpending> spending_of(const std::string& folder) {
  Files files;
  const std::string counters = files.contents_of(folder + "/cpu.stat");
  const auto times_throttled = field(counters, "nr_throttled");
  if (!times_throttled) return std::nullopt;
  GroupSpending spending{.time = std::nullopt, .times_throttled = *times_throttled};
  // v2 has it beside the throttling, v1 in a file of the cpuacct controller, which is usually
  // mounted with cpu.
  if (const auto us = field(counters, "usage_usec"))
    spending.time = static_cast<Nanoseconds>(*us) * microsecond_ns;
  else if (const auto ns = number(files.contents_of(folder + "/cpuacct.usage")))
    spending.time = static_cast<Nanoseconds>(*ns);
  if (!files.unreadable().empty()) return std::nullopt;
  return spending;
}

}  // namespace hilo
